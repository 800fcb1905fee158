resource "aws_cloudwatch_metric_alarm" "tasks_missing" {
  for_each = { for name, service in var.services : name => service if service.minimum > 0 }

  alarm_name        = "${var.name}-TasksMissing-${trimprefix(each.key, "${var.name}-")}"
  alarm_description = "page: fewer than ${each.value.minimum} tasks of ${each.key} run. ${local.runbook}.md#tasksmissing"
  alarm_actions     = [aws_sns_topic.alarms.arn]
  ok_actions        = [aws_sns_topic.alarms.arn]
  # A service without tasks has no metric. Unlike missing data that counts as breaching, this tells
  # only of what there was before: not of the minutes until a new service's first task.
  insufficient_data_actions = [aws_sns_topic.alarms.arn]
  namespace                 = "ECS/ContainerInsights"
  metric_name               = "RunningTaskCount"
  dimensions                = { ClusterName = var.cluster_name, ServiceName = each.key }
  period                    = 60
  statistic                 = "Minimum"
  comparison_operator       = "LessThanThreshold"
  threshold                 = each.value.minimum
  evaluation_periods        = 5
  treat_missing_data        = "missing"
}
