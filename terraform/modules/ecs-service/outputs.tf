output "security_group_id" {
  description = "The tasks' security group."
  value       = aws_security_group.task.id
}

output "task_definition_arn" {
  description = "ARN of the task definition, with its revision."
  value       = aws_ecs_task_definition.task.arn
}

output "task_definition_family" {
  description = "Name of the task definition, without its revision."
  value       = aws_ecs_task_definition.task.family
}

output "service_name" {
  description = "Name of the service; null if there is none."
  value       = one(aws_ecs_service.service[*].name)
}

output "log_group_name" {
  description = "The tasks' log group."
  value       = aws_cloudwatch_log_group.task.name
}

output "execution_role_arn" {
  description = "The role that ECS starts the tasks with: it pulls the image, reads the secrets and writes the log."
  value       = aws_iam_role.execution.arn
}

output "task_role_arn" {
  description = "The role that our code has."
  value       = aws_iam_role.task.arn
}
