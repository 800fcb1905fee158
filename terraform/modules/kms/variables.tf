variable "name" {
  description = "Name of the installation, such as antiphon-dev; the key's alias."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*[a-z0-9]$", var.name))
    error_message = "A name has lower-case letters, digits and dashes, a letter first, such as antiphon-dev."
  }
}
