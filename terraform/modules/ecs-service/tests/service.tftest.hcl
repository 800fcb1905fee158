mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/mocked" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/antiphon-dev-auth-web:7" }
  }
  mock_resource "aws_appautoscaling_policy" {
    defaults = { arn = "arn:aws:autoscaling:eu-west-1:123456789012:scalingPolicy:mocked" }
  }
}

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
  health_url           = "http://127.0.0.1:8000/healthz"
  stop_timeout_seconds = 90
  log_retention_days   = 14
  command              = null
  architecture         = "X86_64"
  environment          = {}
  secrets              = {}
  service              = null
}

run "service_at_zero" {
  command = plan

  variables {
    service = { minimum = 0, maximum = 4, spot = true }
  }

  assert {
    condition     = aws_ecs_service.service[0].desired_count == 0 && aws_appautoscaling_target.service[0].min_capacity == 0
    error_message = "Before the first migration no task may start."
  }
}

run "web" {
  command = apply

  variables {
    service = {
      minimum                  = 2
      maximum                  = 6
      spot                     = false
      target_group_arn         = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/auth/0123456789abcdef"
      port                     = 8000
      source_security_group_id = "sg-balancer"
      deployment_alarms        = ["antiphon-dev-auth-5xx"]
      scaling = {
        cpu_percent         = 60
        requests_per_target = { resource_label = "app/antiphon-dev/1/targetgroup/auth/2", value = 1000 }
      }
    }
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.balancer[0].referenced_security_group_id == "sg-balancer" &&
      aws_vpc_security_group_ingress_rule.balancer[0].from_port == 8000 && aws_vpc_security_group_ingress_rule.balancer[0].to_port == 8000
    )
    error_message = "The load balancer, and nobody else, reaches the port."
  }

  assert {
    condition = (
      one(aws_ecs_service.service[0].load_balancer).target_group_arn == var.service.target_group_arn &&
      one(aws_ecs_service.service[0].load_balancer).container_name == jsondecode(aws_ecs_task_definition.task.container_definitions)[0].name &&
      one(aws_ecs_service.service[0].load_balancer).container_port == one(jsondecode(aws_ecs_task_definition.task.container_definitions)[0].portMappings).containerPort
    )
    error_message = "The load balancer must be told a container and port that there are."
  }

  assert {
    condition     = aws_ecs_service.service[0].health_check_grace_period_seconds > 0
    error_message = "A web that is still starting must not be replaced."
  }

  assert {
    condition = (
      aws_ecs_service.service[0].deployment_circuit_breaker[0].enable && aws_ecs_service.service[0].deployment_circuit_breaker[0].rollback &&
      aws_ecs_service.service[0].alarms[0].rollback && aws_ecs_service.service[0].alarms[0].alarm_names == toset(["antiphon-dev-auth-5xx"])
    )
    error_message = "A deployment whose tasks do not start, or that raises an alarm, must be rolled back."
  }

  assert {
    condition     = aws_ecs_service.service[0].deployment_minimum_healthy_percent == 100 && aws_ecs_service.service[0].deployment_maximum_percent == 200
    error_message = "New tasks must be up before old ones go."
  }

  assert {
    condition     = aws_ecs_task_definition.task.skip_destroy
    error_message = "What a deployment is rolled back to must still be there."
  }

  assert {
    condition     = !aws_ecs_service.service[0].network_configuration[0].assign_public_ip
    error_message = "Tasks must have no public address."
  }

  assert {
    condition     = one(aws_ecs_service.service[0].capacity_provider_strategy).capacity_provider == "FARGATE"
    error_message = "Without spot tasks must not be taken away."
  }

  assert {
    condition = (
      aws_appautoscaling_target.service[0].resource_id == "service/antiphon-dev/antiphon-dev-auth-web" &&
      aws_appautoscaling_target.service[0].min_capacity == 2 && aws_appautoscaling_target.service[0].max_capacity == 6
    )
    error_message = "Scaling must know this service and its limits."
  }

  assert {
    condition = {
      for name, policy in aws_appautoscaling_policy.tracked :
      one(one(policy.target_tracking_scaling_policy_configuration).predefined_metric_specification).predefined_metric_type => one(policy.target_tracking_scaling_policy_configuration).target_value
    } == { ECSServiceAverageCPUUtilization = 60, ALBRequestCountPerTarget = 1000 }
    error_message = "A web scales by both."
  }

  assert {
    condition     = one(one(aws_appautoscaling_policy.tracked["requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/antiphon-dev/1/targetgroup/auth/2"
    error_message = "Requests are counted at this service's target group."
  }

  assert {
    condition     = length(aws_appautoscaling_policy.step) == 0 && length(aws_appautoscaling_policy.backlog) == 0
    error_message = "Nothing else scales it."
  }
}

run "worker" {
  command = apply

  variables {
    service = {
      minimum = 1
      maximum = 5
      spot    = true
      scaling = {
        oldest_age       = { namespace = "antiphon-dev", metric_name = "OldestUndeliveredAge", dimensions = { Service = "auth" }, scale_out_seconds = 20 }
        backlog_per_task = { namespace = "antiphon-dev", metric_name = "QueueLength", dimensions = { Service = "auth" }, value = 500 }
      }
    }
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.balancer) == 0 && length(aws_ecs_service.service[0].load_balancer) == 0
    error_message = "Nobody has to reach a worker."
  }

  assert {
    condition     = length(aws_ecs_service.service[0].alarms) == 0
    error_message = "ECS refuses an empty list of alarms."
  }

  assert {
    condition     = one(aws_ecs_service.service[0].capacity_provider_strategy).capacity_provider == "FARGATE_SPOT"
    error_message = "Spot must get through."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.step["out"].threshold == 20 && aws_cloudwatch_metric_alarm.step["out"].comparison_operator == "GreaterThanThreshold" &&
      aws_cloudwatch_metric_alarm.step["out"].statistic == "Maximum" && aws_cloudwatch_metric_alarm.step["out"].dimensions == tomap({ Service = "auth" })
    )
    error_message = "The oldest of what any worker sees counts."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.step["in"].threshold < aws_cloudwatch_metric_alarm.step["out"].threshold &&
      aws_cloudwatch_metric_alarm.step["in"].period * aws_cloudwatch_metric_alarm.step["in"].evaluation_periods >= 10 * aws_cloudwatch_metric_alarm.step["out"].period * aws_cloudwatch_metric_alarm.step["out"].evaluation_periods
    )
    error_message = "In later than out and below it, or the number of tasks swings."
  }

  assert {
    condition = (
      alltrue([for step in aws_appautoscaling_policy.step["out"].step_scaling_policy_configuration[0].step_adjustment : step.scaling_adjustment > 0]) &&
      alltrue([for step in aws_appautoscaling_policy.step["in"].step_scaling_policy_configuration[0].step_adjustment : step.scaling_adjustment < 0])
    )
    error_message = "Out must add tasks, in take away."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.step : alarm.treat_missing_data == "notBreaching"])
    error_message = "Without figures nothing is to be started or stopped."
  }

  assert {
    condition = {
      for metric in one(one(aws_appautoscaling_policy.backlog[0].target_tracking_scaling_policy_configuration).customized_metric_specification).metrics :
      metric.id => metric.return_data
    } == { backlog = false, running = false, per_task = true }
    error_message = "Backlog per task is what is kept, not the backlog."
  }

  assert {
    condition = {
      for dimension in flatten([
        for metric in one(one(aws_appautoscaling_policy.backlog[0].target_tracking_scaling_policy_configuration).customized_metric_specification).metrics :
        [for stat in metric.metric_stat : [for dimension in one(stat.metric).dimensions : dimension]]
      ]) : dimension.name => dimension.value
    } == { Service = "auth", ClusterName = "antiphon-dev", ServiceName = "antiphon-dev-auth-web" }
    error_message = "The tasks counted must be this service's."
  }
}
