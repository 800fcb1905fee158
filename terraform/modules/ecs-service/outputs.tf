output "security_group_id" {
  description = "The tasks' security group."
  value       = aws_security_group.task.id
}

output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.task.arn
}

output "service_name" {
  description = "Name of the service; null if there is none."
  value       = one(aws_ecs_service.service[*].name)
}

output "log_group_name" {
  description = "The tasks' log group."
  value       = aws_cloudwatch_log_group.task.name
}

output "container_name" {
  description = "Name of the task's only container."
  value       = local.container.name
}

output "log_prefix" {
  description = "What the names of the log's streams begin with."
  value       = local.log_prefix
}
