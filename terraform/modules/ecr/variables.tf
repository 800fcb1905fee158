variable "names" {
  description = "Full names of the repositories, such as antiphon-dev/auth."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.names : length(name) <= 256 && can(regex("^[a-z][a-z0-9]*([._-][a-z0-9]+)*(/[a-z0-9]+([._-][a-z0-9]+)*)*$", name))])
    error_message = "A repository is named in lower-case letters, digits and single . _ - between them, in parts joined by a slash, such as antiphon-dev/auth."
  }
}

variable "kms_key_arn" {
  description = "ARN of the key that encrypts the images."
  type        = string
}

variable "keep_images" {
  description = "How many tagged images each repository keeps, newest first; a rollback reaches no further."
  type        = number

  validation {
    condition     = var.keep_images >= 5 && floor(var.keep_images) == var.keep_images
    error_message = "Keep at least 5 images, or the one that runs may be deleted while newer ones are built."
  }
}

variable "keep_data" {
  description = "Whether repositories refuse to be deleted while there are images in them."
  type        = bool
}
