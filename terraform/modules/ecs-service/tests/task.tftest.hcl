mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/antiphon-dev-auth-migrate" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/antiphon-dev-auth-migrate:7" }
  }
}

variables {
  name                 = "antiphon-dev-auth-migrate"
  cluster              = { arn = "arn:aws:ecs:eu-west-1:123456789012:cluster/antiphon-dev", name = "antiphon-dev" }
  image                = "210987654321.dkr.ecr.eu-central-1.amazonaws.com/antiphon-dev/auth:2026.11.1"
  command              = ["python", "-m", "common.db.migrate", "auth"]
  cpu                  = 256
  memory               = 512
  environment          = { TOKEN_ISSUER = "https://music.example.org" }
  secrets              = { AUTH_MIGRATION_DATABASE_URL = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:antiphon-dev/auth/migration-AbCdEf" }
  kms_key_arn          = "arn:aws:kms:eu-west-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  vpc_id               = "vpc-1"
  vpc_cidr             = "10.0.0.0/16"
  subnet_ids           = ["subnet-1", "subnet-2"]
  stop_timeout_seconds = 30
  log_retention_days   = 14
  architecture         = "X86_64"
  health_url           = null
  service              = null
}

run "one_off_task" {
  command = apply

  assert {
    condition = (
      length(aws_ecs_service.service) == 0 && length(aws_appautoscaling_target.service) == 0 &&
      length(aws_appautoscaling_policy.tracked) == 0 && length(aws_cloudwatch_metric_alarm.step) == 0 &&
      output.service_name == null
    )
    error_message = "Without a service there is only a task to start."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.balancer) == 0
    error_message = "Nobody has to reach a one-off task."
  }

  assert {
    condition     = { for name, rule in aws_vpc_security_group_egress_rule.task : rule.from_port => rule.cidr_ipv4 } == { 443 = "0.0.0.0/0", 3306 = "10.0.0.0/16", 6379 = "10.0.0.0/16" }
    error_message = "Tasks reach HTTPS anywhere, databases and caches in the VPC, and nothing else."
  }

  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_egress_rule.task : rule.from_port == rule.to_port && rule.ip_protocol == "tcp"])
    error_message = "One port a rule."
  }

  assert {
    condition     = output.task_definition_arn == "arn:aws:ecs:eu-west-1:123456789012:task-definition/antiphon-dev-auth-migrate:7"
    error_message = "Whoever starts the task must get this very revision."
  }
}

run "container_is_locked_down" {
  command = plan

  assert {
    condition     = jsondecode(aws_ecs_task_definition.task.container_definitions)[0].readonlyRootFilesystem && !jsondecode(aws_ecs_task_definition.task.container_definitions)[0].privileged
    error_message = "The root file system must be read-only, the container not privileged."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.task.container_definitions)[0].user == "10001" && jsondecode(aws_ecs_task_definition.task.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"]
    error_message = "The container must not be root nor have its capabilities."
  }

  assert {
    condition = (
      [for volume in aws_ecs_task_definition.task.volume : volume.name] == ["tmp"] &&
      [for mount in jsondecode(aws_ecs_task_definition.task.container_definitions)[0].mountPoints : [mount.sourceVolume, mount.containerPath]] == [["tmp", "/tmp"]]
    )
    error_message = "Only /tmp can be written to."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].logConfiguration.options["awslogs-group"] == "/ecs/antiphon-dev-auth-migrate" &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].logConfiguration.options["awslogs-region"] == "eu-west-1" &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].logConfiguration.options.mode == "non-blocking"
    )
    error_message = "Logs go to the group of this module, in the cluster's region, without holding the process up."
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.task.container_definitions)[0].stopTimeout == 30
    error_message = "The stop timeout must get through."
  }

  assert {
    condition = (
      !can(jsondecode(aws_ecs_task_definition.task.container_definitions)[0].healthCheck) &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].command == ["python", "-m", "common.db.migrate", "auth"] &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].portMappings == []
    )
    error_message = "A migration runs its command, is not asked how it is and listens nowhere."
  }

  assert {
    condition     = aws_cloudwatch_log_group.task.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.task.retention_in_days == 14
    error_message = "Logs are encrypted and do not stay for ever."
  }
}

run "secrets_are_references_only" {
  command = plan

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].secrets == [{ name = "AUTH_MIGRATION_DATABASE_URL", valueFrom = var.secrets.AUTH_MIGRATION_DATABASE_URL }] &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].environment == [{ name = "TOKEN_ISSUER", value = "https://music.example.org" }]
    )
    error_message = "ECS must fetch secrets by their ARN; the rest is plain."
  }
}

run "health_check" {
  command = plan

  variables {
    health_url = "http://127.0.0.1:9100/healthz"
  }

  assert {
    condition     = contains(jsondecode(aws_ecs_task_definition.task.container_definitions)[0].environment, { name = "HEALTH_URL", value = "http://127.0.0.1:9100/healthz" })
    error_message = "The health check reads what to ask from HEALTH_URL."
  }

  assert {
    condition = (
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].healthCheck.command[0] == "CMD" &&
      jsondecode(aws_ecs_task_definition.task.container_definitions)[0].healthCheck.timeout > 4
    )
    error_message = "The health check runs without a shell and ends by itself before ECS ends it."
  }
}

run "execution_role_reads_these_secrets_only" {
  command = apply

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid => flatten([statement.Resource])
      } == {
      LogInToRegistry = ["*"]
      PullImage       = ["arn:aws:ecr:eu-central-1:210987654321:repository/antiphon-dev/auth"]
      WriteLog        = ["arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/antiphon-dev-auth-migrate:*"]
      ReadSecrets     = [var.secrets.AUTH_MIGRATION_DATABASE_URL]
      DecryptSecrets  = [var.kms_key_arn]
    }
    error_message = "Starting a task takes its own image, log and secrets."
  }

  assert {
    condition = toset(flatten([for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Action])) == toset([
      "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer",
      "logs:CreateLogStream", "logs:PutLogEvents", "secretsmanager:GetSecretValue", "kms:Decrypt",
    ])
    error_message = "Starting a task takes these actions and no other."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Condition if can(statement.Condition)
    ] == [{ StringEquals = { "kms:ViaService" = "secretsmanager.eu-west-1.amazonaws.com" } }]
    error_message = "The key decrypts what Secrets Manager hands out, nothing else."
  }

  assert {
    condition = alltrue([
      for role in [aws_iam_role.execution, aws_iam_role.task] :
      jsondecode(role.assume_role_policy).Statement[0].Principal == { Service = "ecs-tasks.amazonaws.com" } &&
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    ])
    error_message = "Only tasks of this account may take the roles."
  }
}

run "without_secrets_no_right_to_read_any" {
  command = plan

  variables {
    secrets = {}
  }

  # The log group's ARN is not known here, so the whole policy is not.
  override_resource {
    target          = aws_cloudwatch_log_group.task
    override_during = plan
    values          = { arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/ecs/antiphon-dev-auth-migrate" }
  }

  assert {
    condition     = [for statement in jsondecode(aws_iam_role_policy.execution.policy).Statement : statement.Sid] == ["LogInToRegistry", "PullImage", "WriteLog"]
    error_message = "A statement without resources would be refused by IAM."
  }
}
