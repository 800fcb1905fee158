locals {
  # No try() in these: it makes all unknown of what is unknown in part, as on a first apply.
  scaling  = var.service == null ? null : var.service.scaling
  requests = local.scaling == null ? null : local.scaling.requests_per_target

  tracked = {
    for name, policy in {
      cpu = {
        metric = "ECSServiceAverageCPUUtilization"
        label  = null
        target = local.scaling == null ? null : local.scaling.cpu_percent
      }
      requests = {
        metric = "ALBRequestCountPerTarget"
        label  = local.requests == null ? null : local.requests.resource_label
        target = local.requests == null ? null : local.requests.value
      }
    } : name => policy if policy.target != null
  }
}

resource "aws_appautoscaling_target" "service" {
  count = var.service == null ? 0 : 1

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.cluster.name}/${aws_ecs_service.service[0].name}"
  min_capacity       = var.service.minimum
  max_capacity       = var.service.maximum
}

resource "aws_appautoscaling_policy" "tracked" {
  for_each = local.tracked

  name               = "${var.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }
}
