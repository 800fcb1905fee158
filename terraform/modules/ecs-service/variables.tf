variable "name" {
  description = "Name of the task definition, of the service and of all that belongs to them, such as antiphon-dev-auth-web."
  type        = string

  validation {
    # A role's name has 64 characters at most, and "-execution" follows.
    condition     = can(regex("^[a-z][a-z0-9-]{0,52}[a-z0-9]$", var.name))
    error_message = "The name must have 2 to 54 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

variable "cluster" {
  description = "The ECS cluster. It must have the capacity providers FARGATE and FARGATE_SPOT, and Container Insights for scaling by backlog."
  type        = object({ arn = string, name = string })
}

variable "image" {
  description = "The container's image: a repository of ECR with a tag or digest."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com/[a-z0-9][a-z0-9._/-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "The image must be one of ECR with a tag other than \"latest\", or with a digest: a roll back needs to know what ran before."
  }
}

variable "command" {
  description = "What to run instead of the image's CMD, behind its ENTRYPOINT; null leaves it."
  type        = list(string)
}

variable "cpu" {
  description = "The task's processor share, in units of 1/1024 vCPU."
  type        = number

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096, 8192, 16384], var.cpu)
    error_message = "Fargate has 256, 512, 1024, 2048, 4096, 8192 or 16384 CPU units."
  }
}

variable "memory" {
  description = "The task's memory in MiB; which amounts there are depends on cpu."
  type        = number

  validation {
    condition = contains(lookup({
      256   = [512, 1024, 2048]
      512   = range(1024, 4097, 1024)
      1024  = range(2048, 8193, 1024)
      2048  = range(4096, 16385, 1024)
      4096  = range(8192, 30721, 1024)
      8192  = range(16384, 61441, 4096)
      16384 = range(32768, 122881, 8192)
    }, var.cpu, []), var.memory)
    error_message = "Fargate does not have this memory for these CPU units: see \"Task size\" in its documentation."
  }
}

variable "architecture" {
  description = "The processors' architecture, which the image must have: X86_64 or ARM64."
  type        = string
}

variable "environment" {
  description = "Environment variables that anyone who may look at the task may read."
  type        = map(string)
}

variable "secrets" {
  description = "Environment variables whose values are secrets: from the variable's name to the ARN of a secret of Secrets Manager, whose whole value it gets."
  type        = map(string)

  validation {
    condition     = alltrue([for arn in values(var.secrets) : can(regex("^arn:[a-z-]+:secretsmanager:[^:]+:[0-9]{12}:secret:[^:]+$", arn))])
    error_message = "Each secret must be the ARN of a whole secret, without a JSON key or version behind it."
  }

  validation {
    condition     = length(setintersection(keys(var.secrets), keys(var.environment))) == 0
    error_message = "A variable must be in environment or in secrets, not in both: ECS refuses that."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the secrets and the logs."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the tasks."
  type        = string
}

variable "vpc_cidr" {
  description = "The VPC's addresses, where databases and caches are."
  type        = string
}

variable "subnet_ids" {
  description = "The private subnets, with a way out, that the service puts its tasks in."
  type        = list(string)
}

variable "health_url" {
  description = "What the container's health check asks, inside the container, such as http://127.0.0.1:8000/healthz; null for tasks that end by themselves."
  type        = string

  validation {
    condition     = var.health_url == null || can(regex("^http://127\\.0\\.0\\.1:[0-9]+/", var.health_url))
    error_message = "The container asks itself how it is: the URL must begin with http://127.0.0.1:PORT/."
  }
}

variable "stop_timeout_seconds" {
  description = "Seconds from SIGTERM to SIGKILL: more than the process takes to stop in order."
  type        = number

  validation {
    condition     = var.stop_timeout_seconds >= 2 && var.stop_timeout_seconds <= 120
    error_message = "Fargate waits 2 to 120 seconds."
  }
}

variable "log_retention_days" {
  description = "Days that logs are kept, one of those that CloudWatch Logs has."
  type        = number
}

variable "service" {
  description = <<-EOT
    How the task runs as a service; null if it is only started by hand. minimum and maximum are
    numbers of tasks; spot says whether they may be taken away at two minutes' notice. Behind a load
    balancer: target_group_arn, the port it asks and its security group, all three.
    deployment_alarms are names of CloudWatch alarms that roll a deployment back.

    scaling, each optional: cpu_percent, the CPU use to keep; requests_per_target, the requests per
    task and minute to keep; oldest_age, a metric in seconds over which (scale_out_seconds) tasks
    are added, under half of which they are slowly taken away; backlog_per_task, a metric that counts
    what waits, and how much of it each task is to have.
  EOT
  type = object({
    minimum                  = number
    maximum                  = number
    spot                     = bool
    target_group_arn         = optional(string)
    port                     = optional(number)
    source_security_group_id = optional(string)
    deployment_alarms        = optional(list(string), [])
    scaling = optional(object({
      cpu_percent         = optional(number)
      requests_per_target = optional(object({ resource_label = string, value = number }))
      oldest_age = optional(object({
        namespace         = string
        metric_name       = string
        dimensions        = map(string)
        scale_out_seconds = number
      }))
      backlog_per_task = optional(object({
        namespace   = string
        metric_name = string
        dimensions  = map(string)
        value       = number
      }))
    }), {})
  })

  validation {
    condition     = var.service == null ? true : var.service.minimum >= 0 && var.service.maximum >= max(1, var.service.minimum)
    error_message = "There must be 0 tasks or more, and the maximum at least 1 and no less than the minimum."
  }

  validation {
    condition = var.service == null ? true : length(distinct([
      var.service.target_group_arn == null,
      var.service.port == null,
      var.service.source_security_group_id == null,
    ])) == 1
    error_message = "Behind a load balancer a service needs target_group_arn, port and source_security_group_id; else none of them."
  }

  validation {
    condition     = var.service == null ? true : var.service.scaling.requests_per_target == null || var.service.port != null
    error_message = "Only a service behind a load balancer scales by requests_per_target."
  }

  validation {
    condition     = try(var.service.scaling.cpu_percent >= 10 && var.service.scaling.cpu_percent <= 90, true)
    error_message = "cpu_percent must be 10 to 90: with less there is no end to scaling out, with more no beginning."
  }

  validation {
    condition = alltrue([
      try(var.service.scaling.requests_per_target.value > 0, true),
      try(var.service.scaling.oldest_age.scale_out_seconds > 0, true),
      try(var.service.scaling.backlog_per_task.value > 0, true),
    ])
    error_message = "What to scale by must be over 0."
  }
}
