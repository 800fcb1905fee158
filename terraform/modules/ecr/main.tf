resource "aws_ecr_repository" "this" {
  for_each = var.names

  name = each.key
  # A tag that could move would make "roll back to it" mean something else each time.
  image_tag_mutability = "IMMUTABLE"
  force_delete         = !var.keep_data

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arn
  }
}

resource "aws_ecr_lifecycle_policy" "this" {
  for_each = aws_ecr_repository.this

  repository = each.value.name

  policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Keep the ${var.keep_images} newest tagged images"
        # Untagged ones would count as images here: each platform of a build is one, and so is its
        # attestation.
        selection = { tagStatus = "tagged", tagPatternList = ["*"], countType = "imageCountMoreThan", countNumber = var.keep_images }
        action    = { type = "expire" }
      },
      {
        rulePriority = 2
        # ECR leaves those alone that a tagged image still consists of.
        description = "Delete what no tag leads to any more"
        selection   = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action      = { type = "expire" }
      },
    ]
  })
}
