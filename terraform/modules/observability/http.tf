locals {
  # How long the slowest hundredth of a service's answers may take; 1 s for services not named. An
  # upload is answered when all of it has come.
  slow_seconds = { media = 30 }
}

resource "aws_cloudwatch_metric_alarm" "http_errors" {
  for_each = var.target_groups

  alarm_name          = "${var.name}-HttpErrorRateHigh-${each.key}"
  alarm_description   = "page: over 2 % of the requests to ${each.key} end with 5xx or reach no task. ${local.runbook}.md#httperrorratehigh"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  comparison_operator = "GreaterThanThreshold"
  threshold           = 2
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"

  metric_query {
    id          = "percent"
    label       = "failed, %"
    return_data = true
    # With few requests a single failure would be a high rate.
    expression = "IF(failed >= 3, 100 * failed / requests, 0)"
  }
  # Where there is no connection the load balancer itself answers 502, and counts that for all
  # targets together only. Either metric is missing while it is 0.
  metric_query {
    id         = "failed"
    expression = "FILL(errors, 0) + FILL(refused, 0)"
  }
  dynamic "metric_query" {
    for_each = {
      errors   = "HTTPCode_Target_5XX_Count"
      refused  = "TargetConnectionErrorCount"
      requests = "RequestCount"
    }

    content {
      id = metric_query.key
      metric {
        namespace   = "AWS/ApplicationELB"
        metric_name = metric_query.value
        dimensions  = { LoadBalancer = var.alb_arn_suffix, TargetGroup = each.value }
        period      = 60
        stat        = "Sum"
      }
    }
  }
}

# A count and no rate: while no target takes requests, CloudWatch knows of no requests.
resource "aws_cloudwatch_metric_alarm" "balancer_errors" {
  alarm_name          = "${var.name}-BalancerErrors"
  alarm_description   = "page: the load balancer itself answers 5xx: it reaches no target, or one broke off. ${local.runbook}.md#balancererrors"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_ELB_5XX_Count"
  dimensions          = { LoadBalancer = var.alb_arn_suffix }
  period              = 60
  statistic           = "Sum"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 10
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "slow" {
  for_each = var.target_groups

  alarm_name          = "${var.name}-HttpSlow-${each.key}"
  alarm_description   = "ticket: a hundredth of the answers of ${each.key} take over ${lookup(local.slow_seconds, each.key, 1)} s. ${local.runbook}.md#httpslow"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = { LoadBalancer = var.alb_arn_suffix, TargetGroup = each.value }
  period              = 300
  extended_statistic  = "p99"
  comparison_operator = "GreaterThanThreshold"
  threshold           = lookup(local.slow_seconds, each.key, 1)
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
  # Of a few requests the slowest hundredth is the slowest one.
  evaluate_low_sample_count_percentiles = "ignore"
}

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  for_each = var.target_groups

  alarm_name          = "${var.name}-TargetUnhealthy-${each.key}"
  alarm_description   = "ticket: a task of ${each.key}-web fails its health check for 5 minutes and is not replaced. ${local.runbook}.md#targetunhealthy"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/ApplicationELB"
  metric_name         = "UnHealthyHostCount"
  dimensions          = { LoadBalancer = var.alb_arn_suffix, TargetGroup = each.value }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  evaluation_periods  = 5
  treat_missing_data  = "notBreaching"
}
