# The whole module against mocks, with the project's own route table.

mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "111122223333" }
  }
  mock_data "aws_vpc" {
    defaults = { cidr_block = "10.40.0.0/16" }
  }
  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:loadbalancer/app/antiphon-test/50dc6c495c0c9188"
      arn_suffix = "app/antiphon-test/50dc6c495c0c9188"
    }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:listener/app/antiphon-test/50dc6c495c0c9188/f2f7dc8efc522ab2" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::antiphon-test-alb-logs-111122223333" }
  }
}

override_resource {
  target = aws_lb_target_group.this["auth"]
  values = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/antiphon-test-auth/0000000000000001"
    arn_suffix = "targetgroup/antiphon-test-auth/0000000000000001"
  }
}

override_resource {
  target = aws_lb_target_group.this["catalog"]
  values = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/antiphon-test-catalog/0000000000000002"
    arn_suffix = "targetgroup/antiphon-test-catalog/0000000000000002"
  }
}

override_resource {
  target = aws_lb_target_group.this["playlist"]
  values = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/antiphon-test-playlist/0000000000000003"
    arn_suffix = "targetgroup/antiphon-test-playlist/0000000000000003"
  }
}

override_resource {
  target = aws_lb_target_group.this["media"]
  values = {
    arn        = "arn:aws:elasticloadbalancing:eu-central-1:111122223333:targetgroup/antiphon-test-media/0000000000000004"
    arn_suffix = "targetgroup/antiphon-test-media/0000000000000004"
  }
}

variables {
  name                   = "antiphon-test"
  vpc_id                 = "vpc-0a1b2c3d"
  subnet_ids             = ["subnet-0a", "subnet-0b"]
  certificate_arn        = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"
  services               = ["auth", "catalog", "playlist", "media"]
  routes                 = yamldecode(file("../../../gateway/routes.yaml")).routes
  deregistration_seconds = 30
  log_retention_days     = 365
  kms_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
  waf                    = false
  keep_data              = true
  target_port            = 8000
  deletion_protection    = true
}

run "each_prefix_goes_to_its_service" {
  assert {
    condition = alltrue([
      for route in var.routes :
      aws_lb_listener_rule.route[route.prefix].action[0].target_group_arn == aws_lb_target_group.this[route.service].arn
      && aws_lb_listener_rule.route[route.prefix].priority == route.priority
    ]) && length(aws_lb_listener_rule.route) == length(var.routes)
    error_message = "The rules are not the route table."
  }

  assert {
    condition     = aws_lb_listener_rule.route["/api/v1/me"].action[0].target_group_arn == output.target_groups["playlist"].arn
    error_message = "/api/v1/me does not reach playlist."
  }

  assert {
    # "/api/v1/me*" would take /api/v1/media away from media.
    condition = alltrue([
      for prefix, rule in aws_lb_listener_rule.route : alltrue([
        for pattern in one(rule.condition).path_pattern[0].values : pattern == prefix || pattern == "${prefix}/*"
      ])
    ])
    error_message = "A rule matches paths that do not belong to its prefix."
  }

  assert {
    condition     = output.target_groups["media"].resource_label == "app/antiphon-test/50dc6c495c0c9188/targetgroup/antiphon-test-media/0000000000000004"
    error_message = "ALBRequestCountPerTarget knows no such label; nothing would scale."
  }
}

run "only_the_table_leads_inside" {
  assert {
    condition = (
      aws_lb_listener.https.default_action[0].type == "fixed-response"
      && aws_lb_listener.https.default_action[0].fixed_response[0].status_code == "404"
      && jsondecode(aws_lb_listener.https.default_action[0].fixed_response[0].message_body).status == 404
    )
    error_message = "A path that is in no route is not answered with 404 and a problem."
  }

  assert {
    condition     = length(aws_lb_listener.https.default_action[0].fixed_response[0].message_body) <= 1024
    error_message = "ELB takes bodies of 1024 characters at most."
  }

  assert {
    condition     = aws_lb_listener.http.default_action[0].type == "redirect" && aws_lb_listener.http.default_action[0].redirect[0].protocol == "HTTPS"
    error_message = "Something is answered without TLS."
  }

  assert {
    condition     = one(aws_lb_listener_rule.root.condition).path_pattern[0].values == toset(["/"]) && aws_lb_listener_rule.root.priority > max(var.routes[*].priority...)
    error_message = "The way from / to /docs takes other paths, or stands before a route."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.targets.cidr_ipv4 == "10.40.0.0/16"
      && aws_vpc_security_group_egress_rule.targets.from_port == 8000 && aws_vpc_security_group_egress_rule.targets.to_port == 8000
    )
    error_message = "The load balancer reaches more than the services' port in the network."
  }

  assert {
    condition     = aws_lb.this.drop_invalid_header_fields
    error_message = "X_User passes, which WSGI reads as X-User."
  }
}

run "leaving_tasks_finish_and_busy_ones_stay" {
  assert {
    # A drained task says 503 on /healthz; gunicorn keeps connections for 75 s.
    condition     = aws_lb.this.idle_timeout == 600 && alltrue([for group in aws_lb_target_group.this : group.deregistration_delay == "30"])
    error_message = "Requests are sent on connections that the task has closed, or are cut off."
  }

  assert {
    condition = alltrue([
      for group in aws_lb_target_group.this : group.health_check[0].path == "/healthz" && group.health_check[0].interval * group.health_check[0].unhealthy_threshold >= 30
    ])
    error_message = "/readyz would replace every task in a database failover, as less than 30 s would a busy one."
  }
}

run "access_logs_are_written_and_kept_closed" {
  assert {
    condition     = aws_lb.this.access_logs[0].enabled && aws_lb.this.access_logs[0].bucket == aws_s3_bucket.logs.id
    error_message = "There is no access log."
  }

  assert {
    condition = [
      for statement in jsondecode(aws_s3_bucket_policy.logs.policy).Statement : statement.Resource if statement.Effect == "Allow"
    ] == ["arn:aws:s3:::antiphon-test-alb-logs-111122223333/AWSLogs/111122223333/*"]
    error_message = "More than this account's load balancers may write to the bucket."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.logs.block_public_acls, aws_s3_bucket_public_access_block.logs.block_public_policy,
      aws_s3_bucket_public_access_block.logs.ignore_public_acls, aws_s3_bucket_public_access_block.logs.restrict_public_buckets,
    ])
    error_message = "The access log could be made public."
  }

  assert {
    condition     = !aws_s3_bucket.logs.force_destroy && aws_s3_bucket_lifecycle_configuration.logs.rule[0].expiration[0].days == 365
    error_message = "A protected installation's access log can go before its time."
  }
}

run "without_a_firewall_there_is_none" {
  assert {
    condition     = length(aws_wafv2_web_acl.this) + length(aws_wafv2_web_acl_association.this) + length(aws_cloudwatch_log_group.waf) == 0
    error_message = "The firewall is paid for without being asked for."
  }
}
