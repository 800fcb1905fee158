mock_provider "aws" {}

run "plan_with_unknown_values" {
  command = plan

  module {
    source = "./tests/first-apply"
  }

  assert {
    condition     = output.service_name == "antiphon-dev-auth-web"
    error_message = "The first apply must be possible in one go."
  }
}
