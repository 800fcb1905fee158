mock_provider "aws" {
  mock_data "aws_vpc" {
    defaults = { cidr_block = "10.40.0.0/16" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/antiphon-test/50dc6c495c0c9188" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/antiphon-test/0000000000000001" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/antiphon-test/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }
  mock_resource "aws_wafv2_web_acl" {
    defaults = { arn = "arn:aws:wafv2:eu-central-1:111122223333:regional/webacl/antiphon-test/0a1b2c3d-0000-4000-8000-000000000000" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:aws-waf-logs-antiphon-test" }
  }
}

variables {
  name                   = "antiphon-test"
  vpc_id                 = "vpc-0a1b2c3d"
  subnet_ids             = ["subnet-0a", "subnet-0b"]
  certificate_arn        = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"
  services               = ["auth"]
  routes                 = [{ prefix = "/docs", service = "auth", priority = 100 }]
  deregistration_seconds = 30
  log_retention_days     = 365
  kms_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
  waf                    = true
  keep_data              = false
  target_port            = 8000
  deletion_protection    = false
}

run "the_firewall_stands_before_the_load_balancer_and_blocks" {
  assert {
    condition     = aws_wafv2_web_acl_association.this[0].resource_arn == aws_lb.this.arn && aws_wafv2_web_acl_association.this[0].web_acl_arn == aws_wafv2_web_acl.this[0].arn
    error_message = "The firewall stands before nothing."
  }

  assert {
    condition = toset(flatten(aws_wafv2_web_acl.this[0].rule[*].statement[0].managed_rule_group_statement[*].name)) == toset([
      "AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesCommonRuleSet",
    ])
    error_message = "A set of AWS's rules is missing."
  }

  assert {
    condition = alltrue([
      for rule in aws_wafv2_web_acl.this[0].rule : length(flatten(rule.override_action[*].count)) == 0 && length(flatten(rule.action[*].count)) == 0
    ])
    error_message = "A rule only counts what it should block."
  }
}

run "a_flood_is_told_to_wait" {
  assert {
    condition = one([
      for rule in aws_wafv2_web_acl.this[0].rule : rule.action[0].block[0].custom_response[0].response_code if rule.name == "rate"
    ]) == 429
    error_message = "Too many requests look like forbidden ones."
  }

  assert {
    condition     = jsondecode(one(aws_wafv2_web_acl.this[0].custom_response_body).content).status == 429
    error_message = "The problem that is sent names another status than the answer."
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this[0].rule : rule.name == "rate" || rule.priority > 10])
    error_message = "Requests that another rule blocks do not count."
  }
}

run "free_text_and_audio_pass_the_common_rules_and_nothing_else_does" {
  assert {
    condition = toset(one([
      for rule in aws_wafv2_web_acl.this[0].rule : rule.statement[0].managed_rule_group_statement[0].rule_action_override[*].name if rule.name == "common"
    ])) == toset(["CrossSiteScripting_BODY", "EC2MetaDataSSRF_BODY", "GenericLFI_BODY", "GenericRFI_BODY", "SizeRestrictions_BODY"])
    error_message = "Lyrics or audio are blocked for what they look like, or a rule about something else was switched off."
  }

  assert {
    condition     = alltrue([for rule in aws_wafv2_web_acl.this[0].rule : length(flatten(rule.statement[0].managed_rule_group_statement[*].scope_down_statement)) == 0])
    error_message = "Requests of some kind are not looked at."
  }
}

run "the_firewalls_log_holds_what_was_blocked_and_no_tokens" {
  assert {
    condition = flatten([
      for filter in aws_wafv2_web_acl_logging_configuration.this[0].logging_filter[0].filter : [
        for condition in filter.condition : condition.action_condition[0].action
      ]
    ]) == ["BLOCK"]
    error_message = "Every upload and song text is in the log, or nothing is."
  }

  assert {
    condition = toset(flatten(aws_wafv2_web_acl_logging_configuration.this[0].redacted_fields[*].single_header[0].name)) == toset([
      "authorization", "cookie",
    ])
    error_message = "Tokens of users are written to the firewall's log."
  }

  assert {
    condition     = startswith(aws_cloudwatch_log_group.waf[0].name, "aws-waf-logs-") && aws_cloudwatch_log_group.waf[0].kms_key_id == var.kms_key_arn
    error_message = "WAF writes to no group of another name."
  }
}
