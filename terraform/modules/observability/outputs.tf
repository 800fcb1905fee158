output "topic_arn" {
  description = "ARN of the topic that all alarms are sent to."
  value       = aws_sns_topic.alarms.arn
}

output "deployment_alarm_names" {
  description = "Alarms of each service that end a deployment of its web and bring the old version back."
  value       = { for service, alarm in aws_cloudwatch_metric_alarm.http_errors : service => [alarm.alarm_name] }
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
