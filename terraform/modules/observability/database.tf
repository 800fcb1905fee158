locals {
  # What Aurora MySQL sets max_connections to, by the capacity an instance may reach. The least
  # capacity matters to Aurora PostgreSQL only.
  max_connections = {
    1 = 90, 4 = 135, 8 = 1000, 16 = 2000, 32 = 3000, 64 = 4000, 128 = 5000, 192 = 6000
  }
  connections = max([for acu, number in local.max_connections : number if tonumber(acu) <= var.max_acu]...)
}

resource "aws_cloudwatch_metric_alarm" "database_connections" {
  alarm_name          = "${var.name}-DatabaseConnectionsHigh"
  alarm_description   = "page: an instance of Aurora has over 80 % of the ${local.connections} connections that it takes. ${local.runbook}.md#databaseconnectionshigh"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/RDS"
  metric_name         = "DatabaseConnections"
  dimensions          = { DBClusterIdentifier = var.database_cluster_identifier }
  period              = 60
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = floor(0.8 * local.connections)
  evaluation_periods  = 5
  # Paused, it has none.
  treat_missing_data = "notBreaching"
}

resource "aws_cloudwatch_metric_alarm" "database_at_maximum" {
  alarm_name          = "${var.name}-DatabaseAtMaximum"
  alarm_description   = "ticket: Aurora's writer has run at its limit of ${var.max_acu} capacity units for a quarter of an hour. ${local.runbook}.md#databaseatmaximum"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  namespace           = "AWS/RDS"
  metric_name         = "ServerlessDatabaseCapacity"
  dimensions          = { DBClusterIdentifier = var.database_cluster_identifier, Role = "WRITER" }
  period              = 300
  statistic           = "Average"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 0.95 * var.max_acu
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching"
}
