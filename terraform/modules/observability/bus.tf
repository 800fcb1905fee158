# What workers publish themselves: common.metrics.cloudwatch. All of a service tell the same, so
# each alarm takes the maximum.

resource "aws_cloudwatch_metric_alarm" "delivery_slow" {
  for_each = toset([for service in local.workers : service if var.services["${var.name}-${service}-worker"].minimum > 0])

  alarm_name        = "${var.name}-BusDeliverySlow-${each.key}"
  alarm_description = "page: an event of ${each.key} has waited for over a minute to be applied elsewhere, or no worker of ${each.key} tells. ${local.runbook}.md#busdeliveryslow"
  alarm_actions     = [aws_sns_topic.alarms.arn]
  ok_actions        = [aws_sns_topic.alarms.arn]
  # Workers that do not run any more, or cannot read their database, deliver nothing either.
  insufficient_data_actions = [aws_sns_topic.alarms.arn]
  namespace                 = var.metrics_namespace
  metric_name               = "OldestUndeliveredAge"
  dimensions                = { Service = each.key }
  period                    = 60
  statistic                 = "Maximum"
  comparison_operator       = "GreaterThanThreshold"
  threshold                 = 60
  # Longer than it takes to scale out.
  evaluation_periods = 5
  treat_missing_data = "missing"
}

resource "aws_cloudwatch_metric_alarm" "dead_events" {
  for_each = local.workers

  alarm_name          = "${var.name}-BusDeadLetters-${each.key}"
  alarm_description   = "ticket: ${each.key} has given up events. ${local.runbook}.md#busdeadletters"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = var.metrics_namespace
  metric_name         = "DeadEvents"
  dimensions          = { Service = each.key }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  # They are still dead while nobody counts them.
  treat_missing_data = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "retrying_events" {
  for_each = local.workers

  alarm_name          = "${var.name}-BusRetryBacklog-${each.key}"
  alarm_description   = "ticket: over 50 events fail again and again in ${each.key}. ${local.runbook}.md#busretrybacklog"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = var.metrics_namespace
  metric_name         = "RetryingEvents"
  dimensions          = { Service = each.key }
  period              = 300
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 50
  evaluation_periods  = 2
  treat_missing_data  = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "dead_jobs" {
  for_each = local.jobs

  alarm_name          = "${var.name}-JobsDead-${each.key}"
  alarm_description   = "ticket: jobs of ${each.key} are given up. ${local.runbook}.md#jobsdead"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = var.metrics_namespace
  metric_name         = "DeadJobs"
  dimensions          = { Service = each.key }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "jobs_wait" {
  for_each = local.jobs

  alarm_name          = "${var.name}-JobsWaitLong-${each.key}"
  alarm_description   = "ticket: a job of ${each.key} has been queued for over a quarter of an hour. ${local.runbook}.md#jobswaitlong"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = var.metrics_namespace
  metric_name         = "OldestJobAge"
  dimensions          = { Service = each.key }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 900
  evaluation_periods  = 5
  treat_missing_data  = "ignore"
}
