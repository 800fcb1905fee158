resource "aws_cloudwatch_log_group" "task" {
  name              = "/ecs/${var.name}"
  kms_key_id        = var.kms_key_arn
  retention_in_days = var.log_retention_days
}
