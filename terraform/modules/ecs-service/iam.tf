locals {
  aws = provider::aws::arn_parse(var.cluster.arn)

  repository = regex("^(?P<account>[0-9]+)\\.dkr\\.ecr\\.(?P<region>[a-z0-9-]+)\\.[^/]+/(?P<name>[^:@]+)", var.image)

  assume = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "ecs-tasks.amazonaws.com" }
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.aws.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${local.aws.partition}:ecs:${local.aws.region}:${local.aws.account_id}:*" }
      }
    }]
  })

  start = [
    {
      Sid      = "LogInToRegistry"
      Effect   = "Allow"
      Action   = "ecr:GetAuthorizationToken"
      Resource = "*"
    },
    {
      Sid    = "PullImage"
      Effect = "Allow"
      Action = [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
      ]
      Resource = "arn:${local.aws.partition}:ecr:${local.repository.region}:${local.repository.account}:repository/${local.repository.name}"
    },
    {
      Sid      = "WriteLog"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = "${aws_cloudwatch_log_group.task.arn}:*"
    },
  ]

  read_secrets = [
    {
      Sid      = "ReadSecrets"
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = distinct(values(var.secrets))
    },
    {
      Sid      = "DecryptSecrets"
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = var.kms_key_arn
      Condition = {
        StringEquals = { "kms:ViaService" = "secretsmanager.${local.aws.region}.amazonaws.com" }
      }
    },
  ]
}

# What ECS itself does before the container starts.
resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = local.assume
}

resource "aws_iam_role_policy" "execution" {
  name = "start"
  role = aws_iam_role.execution.name
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = concat(local.start, [for statement in local.read_secrets : statement if length(var.secrets) > 0])
  })
}

# What our code may do on AWS: nothing. Its metrics are lines of its log.
resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = local.assume
}
