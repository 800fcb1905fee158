data "aws_caller_identity" "current" {}

locals {
  runbook = "What to do: docs/operations"

  # Those of our own services that have such a process.
  workers = toset([for service in keys(var.target_groups) : service if contains(keys(var.services), "${var.name}-${service}-worker")])
  jobs    = toset([for service in keys(var.target_groups) : service if contains(keys(var.services), "${var.name}-${service}-jobs")])
}

resource "aws_sns_topic" "alarms" {
  name              = "${var.name}-alarms"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "alarms" {
  arn = aws_sns_topic.alarms.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      # Without it an alarm of any account could be sent here.
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarm_email == null ? [] : [var.alarm_email])

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}
