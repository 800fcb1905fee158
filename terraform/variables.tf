variable "environment" {
  description = "Which installation this is, such as dev or prod; part of every name."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]{1,9}$", var.environment))
    error_message = "Names of AWS are short: 2 to 10 lower-case letters and digits, a letter first."
  }
}

variable "region" {
  description = "AWS region of everything."
  type        = string
}

variable "availability_zones" {
  description = "Zones to spread over, two to four of the region's; append, never insert."
  type        = list(string)
}

variable "cidr" {
  description = "Addresses of the network: an IPv4 block of /16 to /20."
  type        = string
  default     = "10.40.0.0/16"
}

variable "nat_per_zone" {
  description = "Whether each zone has its own way out, so that none depends on another's."
  type        = bool
}

variable "interface_endpoints" {
  description = "AWS services reached inside the network instead of over NAT, such as ecr.api."
  type        = set(string)
  default     = []
}

variable "domain" {
  description = "Public host name, such as antiphon.example.com; also the tokens' issuer."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "Give a host name in lower case, without https:// and without a path."
  }
}

variable "hosted_zone_id" {
  description = "Route 53 zone that holds the domain; certificate and address are entered there."
  type        = string
}

variable "image_tags" {
  description = "Image tag that runs of auth, catalog, playlist, media and cli. What has none does not run: {} before the first deploy. `make deploy` sets it."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.image_tags), ["auth", "catalog", "playlist", "media", "cli"])) == 0
    error_message = "Tags are for auth, catalog, playlist, media and cli only."
  }

  validation {
    condition     = alltrue([for tag in values(var.image_tags) : can(regex("^[\\w][\\w.-]{0,127}$", tag)) && tag != "latest"])
    error_message = "A tag names one build for ever: letters, digits, dot, dash and underscore, and never latest."
  }
}

variable "migration_tags" {
  description = "Image tag that migrates each service's schema; ahead of image_tags during a deploy. `make deploy` sets it."
  type        = map(string)

  validation {
    condition     = length(setsubtract(keys(var.migration_tags), ["auth", "catalog", "playlist", "media"])) == 0
    error_message = "Tags are for auth, catalog, playlist and media only."
  }

  validation {
    condition     = alltrue([for tag in values(var.migration_tags) : can(regex("^[\\w][\\w.-]{0,127}$", tag)) && tag != "latest"])
    error_message = "A tag names one build for ever: letters, digits, dot, dash and underscore, and never latest."
  }
}

variable "secrets_version" {
  description = "Number of the passwords of database users and Redis. `make rotate` raises it."
  type        = number
}

variable "running_secrets_version" {
  description = "Number of the passwords that tasks were started for; behind secrets_version during `make rotate`."
  type        = number
}

variable "architecture" {
  description = "Processor that the images were built for: X86_64 or ARM64."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.architecture)
    error_message = "The processor is X86_64 or ARM64."
  }
}

variable "web" {
  description = "Size of each service's web process: CPU units, memory in MiB, tasks at least and at most, on Spot or not."
  type        = object({ cpu = number, memory = number, minimum = number, maximum = number, spot = bool })
}

variable "worker" {
  description = "Size of each service's worker, as for web."
  type        = object({ cpu = number, memory = number, minimum = number, maximum = number, spot = bool })
}

variable "jobs" {
  description = "Size of media's jobs, as for web; each task runs two ffmpeg at a time."
  type        = object({ cpu = number, memory = number, minimum = number, maximum = number, spot = bool })
}

variable "sizes" {
  description = "Sizes of single processes, such as catalog-web, where they differ from web, worker and jobs."
  type = map(object({
    cpu     = optional(number)
    memory  = optional(number)
    minimum = optional(number)
    maximum = optional(number)
    spot    = optional(bool)
  }))
  default = {}

  validation {
    condition = alltrue([
      for process in keys(var.sizes) : can(regex("^((auth|catalog|playlist|media)-(web|worker)|media-jobs)$", process))
    ])
    error_message = "Processes are auth-web, auth-worker and so on, and media-jobs."
  }
}

variable "settings" {
  description = "Further environment variables of each service's processes, such as {catalog = {CATALOG_PUBLIC_READ = \"true\"}}; nothing secret."
  type        = map(map(string))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.settings), ["auth", "catalog", "playlist", "media"])) == 0
    error_message = "Settings are for auth, catalog, playlist and media."
  }
}

variable "database" {
  description = "Aurora: capacity in ACU (2 GiB of memory each), number of instances (a second one takes over), days of backups."
  type        = object({ min_acu = number, max_acu = number, instances = number, backup_days = number })
}

variable "broker" {
  description = "Redis of the bus: node type, number of nodes (a second one takes over), days of snapshots."
  type        = object({ node_type = string, nodes = number, snapshot_days = number })
}

variable "cache" {
  description = "Redis of the cache, as for broker."
  type        = object({ node_type = string, nodes = number, snapshot_days = number })
}

variable "protected" {
  description = "Whether database and load balancer refuse to be deleted."
  type        = bool
}

variable "keep_data" {
  description = "Whether a last snapshot, backups, secrets (for 30 days), images and access logs outlive what they belong to."
  type        = bool
}

variable "waf" {
  description = "Whether a web application firewall stands before the load balancer."
  type        = bool
}

variable "log_retention_days" {
  description = "How long logs are kept, in days."
  type        = number

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288 or 3653 days."
  }
}

variable "alarm_email" {
  description = "Where alarms are sent to, once the address has confirmed; null for nowhere."
  type        = string
  default     = null
}
