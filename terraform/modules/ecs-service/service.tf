resource "aws_ecs_service" "service" {
  count = var.service == null ? 0 : 1

  name            = var.name
  cluster         = var.cluster.arn
  task_definition = aws_ecs_task_definition.task.arn
  desired_count   = var.service.minimum

  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = local.port == null ? null : 60

  enable_ecs_managed_tags = true
  propagate_tags          = "SERVICE"

  # Without it a change of the capacity provider would replace the service.
  force_new_deployment = true

  capacity_provider_strategy {
    capacity_provider = var.service.spot ? "FARGATE_SPOT" : "FARGATE"
    weight            = 1
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.task.id]
    assign_public_ip = false
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  dynamic "alarms" {
    for_each = length(var.service.deployment_alarms) == 0 ? [] : [var.service.deployment_alarms]

    content {
      alarm_names = alarms.value
      enable      = true
      rollback    = true
    }
  }

  dynamic "load_balancer" {
    for_each = local.port[*]

    content {
      target_group_arn = var.service.target_group_arn
      container_name   = local.container.name
      container_port   = load_balancer.value
    }
  }

  lifecycle {
    # Scaling decides.
    ignore_changes = [desired_count]
  }

  # Tasks that start before would fail, and the circuit breaker counts them.
  depends_on = [
    aws_iam_role_policy.execution,
    aws_vpc_security_group_egress_rule.task,
    aws_vpc_security_group_ingress_rule.balancer,
  ]
}
