output "url" {
  description = "Where Antiphon is."
  value       = "https://${var.domain}"
}

output "repository_urls" {
  description = "Where each image is pushed to, by its short name."
  value       = { for image in local.images : image => module.ecr.repository_urls["${local.name}/${image}"] }
}

output "image_tags" {
  description = "Tags that run; the next plan needs them again."
  value       = var.image_tags
}

output "migration_tags" {
  description = "Tags of the migrations; the next plan needs them again."
  value       = var.migration_tags
}

output "secrets_version" {
  description = "Number of the passwords in the secrets; the next plan needs it again."
  value       = var.secrets_version
}

output "running_secrets_version" {
  description = "Number of the passwords that tasks were started for; the next plan needs it again."
  value       = var.running_secrets_version
}

output "cluster" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.this.name
}

output "services" {
  description = "Services in the cluster with the task definitions that they are to run, by process."
  value = {
    for name, service in module.service : name => { name = service.service_name, task_definition = service.task_definition_arn }
  }
}

output "tasks" {
  description = "What running each one-off task takes: task definition, container, subnets, security group; and where its log is."
  value = {
    for name, task in module.task : name => {
      task_definition   = task.task_definition_arn
      subnet_ids        = module.network.private_subnet_ids
      security_group_id = task.security_group_id
      container         = task.container_name
      log_group         = task.log_group_name
      log_prefix        = task.log_prefix
    }
  }
}

output "cloudinary_secret" {
  description = "Name of the secret that is to hold Cloudinary's URL."
  value       = aws_secretsmanager_secret.cloudinary.name
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

output "alarm_topic" {
  description = "ARN of the SNS topic that alarms are sent to."
  value       = module.observability.topic_arn
}

output "region" {
  description = "AWS region of everything."
  value       = var.region
}

output "platform" {
  description = "Platform that images are built for, as Docker names it."
  value       = var.architecture == "ARM64" ? "linux/arm64" : "linux/amd64"
}
