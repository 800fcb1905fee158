# A first apply: nothing that AWS makes up is known to the plan, so the number of resources must not
# depend on it.

terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

resource "terraform_data" "unknown" {
  for_each = toset(["image", "key", "group", "label", "secret", "target", "cluster"])
  input    = each.key
}

module "web" {
  source = "../.."

  name                 = "antiphon-dev-auth-web"
  cluster              = { arn = terraform_data.unknown["cluster"].id, name = "antiphon-dev" }
  image                = terraform_data.unknown["image"].id
  command              = null
  architecture         = "X86_64"
  environment          = {}
  cpu                  = 512
  memory               = 1024
  secrets              = { AUTH_DATABASE_URL = terraform_data.unknown["secret"].id }
  kms_key_arn          = terraform_data.unknown["key"].id
  vpc_id               = "vpc-1"
  vpc_cidr             = "10.0.0.0/16"
  subnet_ids           = ["subnet-1"]
  health_url           = "http://127.0.0.1:8000/healthz"
  stop_timeout_seconds = 90
  log_retention_days   = 365

  service = {
    minimum                  = 2
    maximum                  = 6
    spot                     = false
    target_group_arn         = terraform_data.unknown["target"].id
    port                     = 8000
    source_security_group_id = terraform_data.unknown["group"].id
    scaling = {
      cpu_percent         = 60
      requests_per_target = { resource_label = terraform_data.unknown["label"].id, value = 1000 }
      oldest_age          = { namespace = "antiphon-dev", metric_name = "OldestUndeliveredAge", dimensions = { Service = "auth" }, scale_out_seconds = 20 }
      backlog_per_task    = { namespace = "antiphon-dev", metric_name = "QueueLength", dimensions = { Service = "auth" }, value = 500 }
    }
  }
}

output "service_name" {
  description = "Name of the service."
  value       = module.web.service_name
}
