mock_provider "aws" {}

variables {
  name                 = "antiphon-dev-auth-web"
  cluster              = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/antiphon-dev", name = "antiphon-dev" }
  image                = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/antiphon-dev/auth:2026.11.1"
  cpu                  = 512
  memory               = 1024
  kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  vpc_id               = "vpc-1"
  vpc_cidr             = "10.0.0.0/16"
  subnet_ids           = ["subnet-1", "subnet-2"]
  stop_timeout_seconds = 90
  log_retention_days   = 14
  command              = null
  architecture         = "X86_64"
  environment          = {}
  secrets              = {}
  health_url           = null
  service              = null
}

run "tag_latest" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/antiphon-dev/auth:latest"
  }
  expect_failures = [var.image]
}

run "image_without_tag" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/antiphon-dev/auth"
  }
  expect_failures = [var.image]
}

run "image_by_digest_is_taken" {
  command = plan
  variables {
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/antiphon-dev/auth@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  }
}

run "memory_that_fargate_lacks" {
  command = plan
  variables {
    cpu    = 256
    memory = 4096
  }
  expect_failures = [var.memory]
}

run "memory_between_steps" {
  command = plan
  variables {
    cpu    = 8192
    memory = 17408
  }
  expect_failures = [var.memory]
}

run "largest_task_is_taken" {
  command = plan
  variables {
    cpu    = 16384
    memory = 122880
  }
}

run "stop_timeout_over_two_minutes" {
  command = plan
  variables {
    stop_timeout_seconds = 150
  }
  expect_failures = [var.stop_timeout_seconds]
}

run "secret_with_json_key" {
  command = plan
  variables {
    secrets = { BROKER_URL = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:antiphon-dev/broker-AbCdEf:url::" }
  }
  expect_failures = [var.secrets]
}

run "variable_that_is_plain_and_secret" {
  command = plan
  variables {
    environment = { BROKER_URL = "redis://broker:6379/0" }
    secrets     = { BROKER_URL = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:antiphon-dev/broker-AbCdEf" }
  }
  expect_failures = [var.secrets]
}

run "health_of_another_host" {
  command = plan
  variables {
    health_url = "http://auth-web:8000/healthz"
  }
  expect_failures = [var.health_url]
}

run "name_too_long_for_roles" {
  command = plan
  variables {
    name = "antiphon-production-in-a-region-with-a-very-long-name-web"
  }
  expect_failures = [var.name]
}

run "maximum_below_minimum" {
  command = plan
  variables {
    service = { minimum = 3, maximum = 2, spot = false }
  }
  expect_failures = [var.service]
}

run "port_without_target_group" {
  command = plan
  variables {
    service = { minimum = 1, maximum = 2, spot = false, port = 8000 }
  }
  expect_failures = [var.service]
}

run "requests_without_load_balancer" {
  command = plan
  variables {
    service = {
      minimum = 1
      maximum = 2
      spot    = false
      scaling = { requests_per_target = { resource_label = "app/a/1/targetgroup/b/2", value = 100 } }
    }
  }
  expect_failures = [var.service]
}

run "cpu_that_is_never_reached" {
  command = plan
  variables {
    service = { minimum = 1, maximum = 2, spot = false, scaling = { cpu_percent = 100 } }
  }
  expect_failures = [var.service]
}

run "backlog_of_nothing" {
  command = plan
  variables {
    service = {
      minimum = 1
      maximum = 2
      spot    = true
      scaling = { backlog_per_task = { namespace = "antiphon-dev", metric_name = "OpenJobs", dimensions = { Service = "media" }, value = 0 } }
    }
  }
  expect_failures = [var.service]
}
