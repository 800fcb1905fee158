locals {
  oldest_age = local.scaling == null ? null : local.scaling.oldest_age
  too_old    = local.oldest_age == null ? null : local.oldest_age.scale_out_seconds

  # Out after a minute, in after a quarter of an hour: a task too many costs less than one too few.
  # Bounds are seconds from the threshold.
  steps = {
    for name, step in {
      out = {
        comparison = "GreaterThanThreshold"
        threshold  = local.too_old
        period     = 60
        periods    = 1
        cooldown   = 60
        adjustments = [
          { from = 0, to = local.too_old, add = 1 },
          { from = local.too_old, to = null, add = 3 },
        ]
      }
      in = {
        comparison  = "LessThanThreshold"
        threshold   = local.too_old == null ? null : local.too_old / 2
        period      = 300
        periods     = 3
        cooldown    = 300
        adjustments = [{ from = null, to = 0, add = -1 }]
      }
    } : name => step if step.threshold != null
  }
}

resource "aws_appautoscaling_policy" "step" {
  for_each = local.steps

  name               = "${var.name}-age-${each.key}"
  policy_type        = "StepScaling"
  service_namespace  = aws_appautoscaling_target.service[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[0].resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    cooldown                = each.value.cooldown
    metric_aggregation_type = "Maximum"

    dynamic "step_adjustment" {
      for_each = each.value.adjustments

      content {
        metric_interval_lower_bound = step_adjustment.value.from
        metric_interval_upper_bound = step_adjustment.value.to
        scaling_adjustment          = step_adjustment.value.add
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "step" {
  for_each = local.steps

  alarm_name          = "${var.name}-age-${each.key}"
  alarm_description   = "Scales ${var.name} ${each.key}; nothing to do for people."
  alarm_actions       = [aws_appautoscaling_policy.step[each.key].arn]
  namespace           = local.oldest_age.namespace
  metric_name         = local.oldest_age.metric_name
  dimensions          = local.oldest_age.dimensions
  statistic           = "Maximum"
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  # Nobody tells: no reason to start or to stop anything.
  treat_missing_data = "notBreaching"
}
