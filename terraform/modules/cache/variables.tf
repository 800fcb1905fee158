variable "name" {
  description = "The replication group's name, such as antiphon-dev-broker."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 40
    error_message = "The name must be lower-case letters, digits and single hyphens, begin with a letter and have 40 characters at most."
  }
}

variable "vpc_id" {
  description = "The VPC that the nodes are in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets for the nodes, without a way out."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "Name one subnet at least."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "The key that encrypts data, secrets and logs."
  type        = string
}

variable "node_type" {
  description = "Type of the nodes, such as cache.t4g.micro."
  type        = string

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "The type of a node looks like cache.t4g.micro."
  }
}

variable "nodes" {
  description = "Number of nodes: a primary, and replicas in other zones that take over if it fails."
  type        = number

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6 && floor(var.nodes) == var.nodes
    error_message = "There must be 1 to 6 nodes."
  }
}

variable "maxmemory_policy" {
  description = "What happens when memory is full: noeviction (a broker must forget nothing) or allkeys-lru."
  type        = string

  validation {
    condition     = contains(["noeviction", "allkeys-lru"], var.maxmemory_policy)
    error_message = "The policy is noeviction for a broker, allkeys-lru for a cache."
  }
}

variable "snapshot_days" {
  description = "For how many days daily snapshots are kept; 0 for none."
  type        = number

  validation {
    condition     = var.snapshot_days >= 0 && var.snapshot_days <= 35
    error_message = "Snapshots are kept for 0 to 35 days."
  }
}

variable "token_version" {
  description = "Raise it to make a new token; the old one is good until the next change, so that there is time to deploy anew."
  type        = number

  validation {
    condition     = var.token_version >= 1 && floor(var.token_version) == var.token_version
    error_message = "The version is a whole number from 1."
  }
}

variable "secret_recovery_days" {
  description = "For how many days a deleted secret can be restored: 7 to 30, or 0, which lets its name be used again at once."
  type        = number

  validation {
    condition     = var.secret_recovery_days == 0 || (var.secret_recovery_days >= 7 && var.secret_recovery_days <= 30)
    error_message = "Deleted secrets can be restored for 7 to 30 days, or not at all (0)."
  }
}

variable "log_retention_days" {
  description = "For how many days the log of slow commands is kept, one of the numbers that CloudWatch Logs has."
  type        = number
}
