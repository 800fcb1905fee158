variable "name" {
  description = "Name of the installation, such as antiphon-dev; the start of every name here."
  type        = string
}

variable "vpc_id" {
  description = "Network of the load balancer and its targets."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets of the load balancer, one in each of at least two zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A load balancer needs subnets in two zones at least."
  }
}

variable "certificate_arn" {
  description = "ARN of the issued certificate of the public host name."
  type        = string
}

variable "routes" {
  description = "The route table of gateway/routes.yaml: prefix P goes to its service with P and P/*, lowest priority number first."
  type        = list(object({ prefix = string, service = string, priority = number }))

  validation {
    condition     = alltrue([for route in var.routes : can(regex("^(/[A-Za-z0-9._~-]+)+$", route.prefix))])
    error_message = "A prefix is /segment/segment, of letters, digits and . _ ~ -, without a slash at the end and without * or ?."
  }

  validation {
    condition     = alltrue([for route in var.routes : length(setintersection(split("/", route.prefix), [".", ".."])) == 0])
    error_message = "A prefix has no segment . or .., which clients resolve before they send it."
  }

  validation {
    # A pattern has 128 characters at most, and "/*" is added.
    condition     = alltrue([for route in var.routes : length(route.prefix) <= 126])
    error_message = "A prefix has 126 characters at most."
  }

  validation {
    condition     = length(setintersection(var.routes[*].prefix, ["/healthz", "/readyz", "/metrics"])) == 0
    error_message = "/healthz, /readyz and /metrics are internal to a process and are never routed."
  }

  validation {
    condition     = alltrue([for route in var.routes : contains(var.services, route.service)])
    error_message = "Every route's service must be one of services."
  }

  validation {
    condition     = length(setsubtract(var.services, var.routes[*].service)) == 0
    error_message = "Every service needs a route: ECS starts no service on a target group that no rule leads to."
  }

  validation {
    condition     = length(distinct(var.routes[*].prefix)) == length(var.routes)
    error_message = "A prefix is used more than once; make it unique."
  }

  validation {
    condition     = length(distinct(var.routes[*].priority)) == length(var.routes)
    error_message = "A priority is used more than once; make it unique."
  }

  validation {
    condition     = alltrue([for route in var.routes : route.priority >= 1 && route.priority < 50000 && floor(route.priority) == route.priority])
    error_message = "A priority is a whole number from 1 to 49999; 50000 is the redirect from / to /docs."
  }

  validation {
    condition = alltrue(flatten([
      for route in var.routes : [
        for other in var.routes : route.priority < other.priority if startswith(route.prefix, "${other.prefix}/")
      ]
    ]))
    error_message = "A prefix below another one is never reached unless it has the lower priority number."
  }
}

variable "services" {
  description = "Services that get a target group each."
  type        = set(string)

  validation {
    condition     = alltrue([for service in var.services : length("${var.name}-${service}") <= 32])
    error_message = "The name of a target group, <name>-<service>, has 32 characters at most."
  }
}

variable "target_port" {
  description = "Port that the services' tasks listen on."
  type        = number
}

variable "deregistration_seconds" {
  description = "How long requests under way at a leaving task may still take, in seconds."
  type        = number

  validation {
    condition     = var.deregistration_seconds >= 0 && var.deregistration_seconds <= 3600
    error_message = "Give 0 to 3600 seconds."
  }
}

variable "log_retention_days" {
  description = "How long access logs, and the firewall's, are kept, in days."
  type        = number
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the firewall's log. Access logs cannot have it."
  type        = string
}

variable "waf" {
  description = "Whether a web application firewall stands before the load balancer."
  type        = bool
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted."
  type        = bool
}

variable "keep_data" {
  description = "Whether the bucket of access logs refuses to be deleted while there are any in it."
  type        = bool
}
