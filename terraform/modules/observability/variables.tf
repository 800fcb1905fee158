variable "name" {
  description = "Name of the installation, such as antiphon-dev; alarms and services are named by it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.name))
    error_message = "A name has lower-case letters, digits and dashes, a letter first, such as antiphon-dev."
  }
}

variable "region" {
  description = "Region whose metrics the dashboard shows, such as eu-central-1."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region is written as in eu-central-1."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the topic of alarms; CloudWatch must be allowed to use it."
  type        = string
}

variable "alarm_email" {
  description = "Address that alarms are sent to, once its owner has confirmed; null to subscribe others."
  type        = string

  validation {
    condition     = var.alarm_email == null || can(regex("^[^@ ]+@[^@ ]+$", var.alarm_email))
    error_message = "That is no e-mail address; null sends alarms to the topic only."
  }
}

variable "cluster_name" {
  description = "Name of the ECS cluster; its Container Insights must be on."
  type        = string
}

variable "alb_arn_suffix" {
  description = "What CloudWatch calls the load balancer: app/<name>/<id>."
  type        = string

  validation {
    condition     = startswith(var.alb_arn_suffix, "app/")
    error_message = "The ARN suffix of an application load balancer begins with app/."
  }
}

variable "target_groups" {
  description = "What CloudWatch calls the target group of each of our services' webs: targetgroup/<name>/<id>."
  type        = map(string)

  validation {
    condition     = alltrue([for suffix in values(var.target_groups) : startswith(suffix, "targetgroup/")])
    error_message = "The ARN suffix of a target group begins with targetgroup/."
  }
}

variable "services" {
  description = "Services of ECS by their names, <name>-<service>-<web|worker|jobs>, with how many tasks run at least."
  type        = map(object({ minimum = number }))

  validation {
    condition     = alltrue([for name in keys(var.services) : startswith(name, "${var.name}-")])
    error_message = "The name of each service begins with that of the installation."
  }
}

variable "database_cluster_identifier" {
  description = "Identifier of the Aurora cluster."
  type        = string
}

variable "max_acu" {
  description = "Most that an instance of Aurora may scale to, in Aurora capacity units (2 GiB of memory each)."
  type        = number

  validation {
    condition     = var.max_acu >= 1 && var.max_acu <= 256
    error_message = "Aurora Serverless scales to 1 to 256 capacity units."
  }
}

variable "redis" {
  description = "Nodes of each Redis, broker and cache, and whether it may evict what is in it."
  type        = map(object({ members = list(string), evicts = bool }))
}

variable "metrics_namespace" {
  description = "Namespace that workers publish to: their CLOUDWATCH_NAMESPACE."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.#/-][A-Za-z0-9_.#:/-]{0,254}$", var.metrics_namespace)) && !startswith(var.metrics_namespace, "AWS/")
    error_message = "A namespace has letters, digits and _.#:/- only, and none of ours begins with AWS/."
  }
}
