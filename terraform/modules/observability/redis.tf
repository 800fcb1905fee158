locals {
  nodes = merge([
    for redis in values(var.redis) : { for member in redis.members : member => redis.evicts }
  ]...)
  keeping_nodes = toset([for member, evicts in local.nodes : member if !evicts])
}

resource "aws_cloudwatch_metric_alarm" "redis_evicts" {
  for_each = local.keeping_nodes

  alarm_name          = "${var.name}-RedisEvicts-${each.key}"
  alarm_description   = "page: ${each.key} throws messages away, which it must never do: it is not set to noeviction. ${local.runbook}.md#redisevicts"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ElastiCache"
  metric_name         = "Evictions"
  dimensions          = { CacheClusterId = each.key }
  period              = 60
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
}

# One that evicts is meant to be full.
resource "aws_cloudwatch_metric_alarm" "redis_memory" {
  for_each = local.keeping_nodes

  alarm_name          = "${var.name}-RedisMemoryHigh-${each.key}"
  alarm_description   = "ticket: ${each.key} uses over three quarters of its memory; at its limit it refuses messages. ${local.runbook}.md#redismemoryhigh"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ElastiCache"
  metric_name         = "DatabaseMemoryUsagePercentage"
  dimensions          = { CacheClusterId = each.key }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 75
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "redis_busy" {
  for_each = local.nodes

  alarm_name          = "${var.name}-RedisBusy-${each.key}"
  alarm_description   = "ticket: the thread that ${each.key} works with is busy over 90 % of the time. ${local.runbook}.md#redisbusy"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ElastiCache"
  metric_name         = "EngineCPUUtilization"
  dimensions          = { CacheClusterId = each.key }
  period              = 300
  statistic           = "Average"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 90
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
}
