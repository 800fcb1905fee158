variable "name" {
  description = "What names begin with, such as antiphon-dev; the cluster is `<name>-database`."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 50
    error_message = "The name must be lower-case letters, digits and single hyphens, begin with a letter and have 50 characters at most."
  }
}

variable "vpc_id" {
  description = "The VPC that the cluster is in."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets without a way out, in at least two availability zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Aurora needs subnets in two availability zones at least."
  }
}

variable "client_security_group_ids" {
  description = "Security groups that may connect, by a name for each."
  type        = map(string)
}

variable "kms_key_arn" {
  description = "The key that encrypts storage, secrets, logs and Performance Insights."
  type        = string
}

variable "services" {
  description = "Services that get a schema of their name and two users: the service's and `<service>_migration`."
  type        = set(string)

  validation {
    # MySQL allows 32 characters in the name of a user.
    condition     = length(var.services) > 0 && alltrue([for service in var.services : can(regex("^[a-z][a-z0-9_]{0,21}$", service))])
    error_message = "Name one service at least; each begins with a letter and has 22 lower-case letters, digits and underscores at most."
  }
}

variable "min_acu" {
  description = "Capacity that is always there, in ACU (about 2 GiB of memory each), in steps of 0.5; 0 lets an idle cluster pause."
  type        = number

  validation {
    condition     = var.min_acu >= 0 && var.min_acu <= 256 && floor(var.min_acu * 2) == var.min_acu * 2
    error_message = "The smallest capacity must be a multiple of 0.5 from 0 to 256 ACU."
  }
}

variable "max_acu" {
  description = "Capacity that the cluster may grow to, in ACU, in steps of 0.5."
  type        = number

  validation {
    condition     = var.max_acu >= 1 && var.max_acu <= 256 && floor(var.max_acu * 2) == var.max_acu * 2
    error_message = "The largest capacity must be a multiple of 0.5 from 1 to 256 ACU."
  }

  validation {
    condition     = var.max_acu >= var.min_acu
    error_message = "The largest capacity must not be below the smallest."
  }
}

variable "instances" {
  description = "Number of instances: a writer, and readers that take over if it fails."
  type        = number

  validation {
    condition     = var.instances >= 1 && var.instances <= 16 && floor(var.instances) == var.instances
    error_message = "There must be 1 to 16 instances."
  }
}

variable "backup_days" {
  description = "For how many days any point in time can be restored."
  type        = number

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Backups are kept for 1 to 35 days."
  }
}

variable "deletion_protection" {
  description = "Whether the cluster refuses to be deleted."
  type        = bool
}

variable "keep_data" {
  description = "What a deleted cluster leaves: a last snapshot, the backups for backup_days and secrets that can be restored for 30 days; or nothing."
  type        = bool
}

variable "password_version" {
  description = "Raise it to make new passwords for all users of the services; then run the bootstrap and deploy anew."
  type        = number

  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "The version is a whole number from 1."
  }
}

variable "log_retention_days" {
  description = "For how many days the server's logs are kept."
  type        = number
}
