mock_provider "aws" {}

variables {
  names       = ["antiphon-test/auth", "antiphon-test/media-jobs"]
  kms_key_arn = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
  keep_images = 30
  keep_data   = true
}

run "a_tag_names_one_image_for_ever" {
  assert {
    condition     = alltrue([for repository in aws_ecr_repository.this : repository.image_tag_mutability == "IMMUTABLE"])
    error_message = "A tag can be pushed twice: a rollback would not bring back what ran."
  }

  assert {
    condition     = keys(output.repository_urls) == ["antiphon-test/auth", "antiphon-test/media-jobs"]
    error_message = "A repository is missing, or is not found by its full name."
  }
}

run "only_old_images_are_deleted" {
  assert {
    condition = alltrue([
      for policy in aws_ecr_lifecycle_policy.this : alltrue([
        for rule in jsondecode(policy.policy).rules : rule.selection.tagStatus == "untagged" || rule.selection.countNumber == 30
      ]) && !contains(jsondecode(policy.policy).rules[*].selection.tagStatus, "any")
    ])
    error_message = "Tagged images are deleted before there are 30 newer ones, or parts of images are counted."
  }
}

run "refuses_to_keep_too_few_images_to_roll_back" {
  command = plan

  variables {
    keep_images = 1
  }

  expect_failures = [var.keep_images]
}

run "refuses_a_name_that_ecr_does_not_take" {
  command = plan

  variables {
    names = ["antiphon-test/Auth"]
  }

  expect_failures = [var.names]
}

run "refuses_a_url_for_a_name" {
  command = plan

  variables {
    names = ["111122223333.dkr.ecr.eu-central-1.amazonaws.com/antiphon-test/auth:v1"]
  }

  expect_failures = [var.names]
}
