variable "name" {
  description = "Name of the installation, such as antiphon-dev; the start of every name here."
  type        = string
}

variable "cidr" {
  description = "Addresses of the network, an IPv4 block of /16 to /20; every subnet gets a sixteenth of it."
  type        = string

  validation {
    condition     = can(cidrnetmask(var.cidr)) && try(cidrhost(var.cidr, 0) == split("/", var.cidr)[0], false)
    error_message = "Give an IPv4 block by its first address, such as 10.40.0.0/16."
  }

  validation {
    condition     = try(contains(range(16, 21), tonumber(split("/", var.cidr)[1])), false)
    error_message = "A network of AWS is /16 at most, and below /20 its subnets are too small for the tasks of a deploy."
  }
}

variable "availability_zones" {
  description = "Zones to spread over, two to four. Their order gives the subnets their addresses: append, never insert."
  type        = list(string)

  validation {
    condition     = contains([2, 3, 4], length(var.availability_zones)) && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "Name two to four different zones: load balancer and database need two, and there are addresses for four."
  }
}

variable "nat_per_zone" {
  description = "Whether each zone has a NAT gateway of its own; otherwise all go through the first zone's."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS services reached inside the network instead of over NAT, by the end of their name, such as ecr.api."
  type        = set(string)

  validation {
    condition     = alltrue([for service in var.interface_endpoints : can(regex("^[a-z0-9-]+(\\.[a-z0-9-]+)*$", service)) && !startswith(service, "com.amazonaws")])
    error_message = "Give the part after com.amazonaws.<region>, such as ecr.api or secretsmanager."
  }

  validation {
    condition     = !contains(var.interface_endpoints, "s3")
    error_message = "S3 always has its gateway endpoint, which costs nothing; leave s3 out."
  }
}

variable "log_retention_days" {
  description = "How long records of connections are kept, in days."
  type        = number
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the records of connections."
  type        = string
}
