# Programs that run once and end: `make deploy` starts them, and `make task` the operators' commands.

locals {
  migrations = {
    for service in local.services : "${service}-migrate" => {
      image   = service
      tag     = var.migration_tags[service]
      command = ["python", "-m", "common.db.migrate", service]
      secrets = { "${upper(service)}_MIGRATION_DATABASE_URL" = module.database.secrets[service].migration }
    } if contains(keys(var.migration_tags), service)
  }
  bootstrap = contains(keys(var.migration_tags), "auth") ? {
    bootstrap = {
      # Any service's image has the program; it is the only task that may read the master's password.
      image   = "auth"
      tag     = var.migration_tags["auth"]
      command = concat(["python", "-m", "common.db.bootstrap"], sort(local.services))
      secrets = merge(
        { BOOTSTRAP_CREDENTIALS = module.database.master_secret_arn },
        { for service in local.services : "${upper(service)}_DATABASE_URL" => module.database.secrets[service].runtime },
        { for service in local.services : "${upper(service)}_MIGRATION_DATABASE_URL" => module.database.secrets[service].migration },
      )
    }
  } : {}
  operators = merge(
    contains(keys(var.image_tags), "cli") ? {
      cli = {
        image   = "cli"
        tag     = var.image_tags["cli"]
        command = ["bus", "status"]
        secrets = merge(
          local.stores,
          { for service in local.services : "${upper(service)}_DATABASE_URL" => module.database.secrets[service].runtime },
        )
      }
    } : {},
    contains(keys(var.image_tags), "auth") ? {
      admin = {
        image   = "auth"
        tag     = var.image_tags["auth"]
        command = ["python", "-m", "auth.admin", "--help"]
        secrets = local.secrets["auth"]
      }
    } : {},
  )
}

module "task" {
  source   = "./modules/ecs-service"
  for_each = merge(local.migrations, local.bootstrap, local.operators)

  name                 = "${local.name}-${each.key}"
  cluster              = { arn = aws_ecs_cluster.this.arn, name = aws_ecs_cluster.this.name }
  image                = "${module.ecr.repository_urls["${local.name}/${each.value.image}"]}:${each.value.tag}"
  command              = each.value.command
  cpu                  = 256
  memory               = 512
  architecture         = var.architecture
  health_url           = null
  stop_timeout_seconds = 120
  log_retention_days   = var.log_retention_days
  environment          = merge(local.settings, each.key == "bootstrap" ? { BOOTSTRAP_DATABASE_URL = module.database.bootstrap_url } : {})
  secrets              = each.value.secrets
  kms_key_arn          = module.kms.key_arn
  vpc_id               = module.network.vpc_id
  vpc_cidr             = var.cidr
  subnet_ids           = module.network.private_subnet_ids
  service              = null
}
