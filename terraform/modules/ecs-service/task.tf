locals {
  port = var.service == null ? null : var.service.port

  log_prefix = "ecs"

  environment = merge(var.environment, var.health_url == null ? {} : { HEALTH_URL = var.health_url })

  # ECS does not read the image's own HEALTHCHECK.
  health_check = var.health_url == null ? null : {
    command = [
      "CMD", "python", "-ISc",
      "import os, urllib.request as r; r.urlopen(os.environ['HEALTH_URL'], timeout=4)",
    ]
    interval    = 10
    timeout     = 5
    retries     = 3
    startPeriod = 60
  }

  container = {
    name      = "app"
    image     = var.image
    essential = true
    command   = var.command

    environment = [for name, value in local.environment : { name = name, value = value }]
    secrets     = [for name, arn in var.secrets : { name = name, valueFrom = arn }]

    user                   = "10001"
    privileged             = false
    readonlyRootFilesystem = true
    linuxParameters = {
      # AWS stores the empty list by itself: without it each plan would replace the task definition.
      capabilities       = { add = [], drop = ["ALL"] }
      initProcessEnabled = true
    }
    # Each connection of a web and each of its clients takes a file.
    ulimits = [{ name = "nofile", softLimit = 65536, hardLimit = 65536 }]

    # The root file system is read-only: this is all that can be written to. Others than root may
    # because the image says VOLUME /tmp: Fargate then takes the folder's mode over from it.
    mountPoints  = [{ sourceVolume = "tmp", containerPath = "/tmp", readOnly = false }]
    volumesFrom  = []
    portMappings = [for port in local.port[*] : { containerPort = port, hostPort = port, protocol = "tcp" }]

    healthCheck = local.health_check
    stopTimeout = var.stop_timeout_seconds

    logConfiguration = {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.task.name
        "awslogs-region"        = local.aws.region
        "awslogs-stream-prefix" = local.log_prefix
        # A service does not wait for its logs: when CloudWatch is away, it loses lines.
        "mode"            = "non-blocking"
        "max-buffer-size" = "4m"
      }
    }
  }
}

resource "aws_ecs_task_definition" "task" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode([{ for key, value in local.container : key => value if value != null }])

  # The last revision must still be there when a deployment is rolled back to it.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = var.architecture
    operating_system_family = "LINUX"
  }

  volume {
    name = "tmp"
  }
}
