mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
}

variables {
  name = "antiphon-test"
}

run "services_use_the_key_for_this_account_only" {
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this.policy).Statement :
      statement.Principal == { AWS = "arn:aws:iam::111122223333:root" } || can(statement.Condition)
    ])
    error_message = "A service may use the key without a condition: then it does so for any account."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition.ArnLike
      if try(statement.Principal.Service, "") == "logs.eu-central-1.amazonaws.com"
    ])["kms:EncryptionContext:aws:logs:arn"] == "arn:aws:logs:eu-central-1:111122223333:log-group:*"
    error_message = "CloudWatch Logs may use the key for other than this account's log groups."
  }

  assert {
    condition = one([
      for statement in jsondecode(aws_kms_key.this.policy).Statement : statement.Condition
      if try(statement.Principal.Service, "") == "cloudwatch.amazonaws.com"
      ]) == {
      StringEquals = { "aws:SourceAccount" = "111122223333" }
      ArnLike      = { "aws:SourceArn" = "arn:aws:cloudwatch:eu-central-1:111122223333:alarm:*" }
    }
    error_message = "Other than this account's alarms may use the key."
  }
}

run "only_the_account_administers_the_key" {
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_kms_key.this.policy).Statement :
      alltrue([for action in flatten([statement.Action]) : startswith(action, "kms:") && !contains(["kms:*", "kms:PutKeyPolicy", "kms:CreateGrant"], action)])
      if can(statement.Principal.Service)
    ])
    error_message = "A service may do more with the key than encrypt and decrypt."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key is never renewed."
  }
}

run "refuses_a_name_that_no_alias_can_have" {
  command = plan

  variables {
    name = "Antiphon Test"
  }

  expect_failures = [var.name]
}
