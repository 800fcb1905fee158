# What gateway/gateway/routes.py refuses is refused here, too, and what only an ALB cannot do.

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
}

variables {
  name                   = "antiphon-test"
  vpc_id                 = "vpc-0a1b2c3d"
  subnet_ids             = ["subnet-0a", "subnet-0b"]
  certificate_arn        = "arn:aws:acm:eu-central-1:111122223333:certificate/0a1b2c3d-0000-4000-8000-000000000000"
  services               = ["auth", "catalog"]
  routes                 = [{ prefix = "/docs", service = "auth", priority = 100 }, { prefix = "/search", service = "catalog", priority = 110 }]
  deregistration_seconds = 30
  log_retention_days     = 365
  kms_key_arn            = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
  waf                    = false
  keep_data              = false
  target_port            = 8000
  deletion_protection    = true
}

run "takes_a_nested_prefix_that_is_asked_first" {
  variables {
    routes = [{ prefix = "/api", service = "auth", priority = 110 }, { prefix = "/api/tracks", service = "catalog", priority = 100 }]
  }

  assert {
    condition     = aws_lb_listener_rule.route["/api/tracks"].priority < aws_lb_listener_rule.route["/api"].priority
    error_message = "The shorter prefix is asked first."
  }
}

run "takes_a_prefix_that_only_begins_like_another" {
  variables {
    routes = [{ prefix = "/api/me", service = "auth", priority = 100 }, { prefix = "/api/media", service = "catalog", priority = 110 }]
  }

  assert {
    condition     = length(aws_lb_listener_rule.route) == 2
    error_message = "A route is missing."
  }
}

run "refuses_a_prefix_twice" {
  command = plan

  variables {
    services = ["auth", "catalog"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100 }, { prefix = "/docs", service = "catalog", priority = 110 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_priority_twice" {
  command = plan

  variables {
    services = ["auth", "catalog"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100 }, { prefix = "/search", service = "catalog", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_nested_prefix_that_is_asked_last" {
  command = plan

  variables {
    services = ["auth", "catalog"]
    routes   = [{ prefix = "/api", service = "auth", priority = 100 }, { prefix = "/api/tracks", service = "catalog", priority = 110 }]
  }

  expect_failures = [var.routes]
}

run "refuses_an_unknown_service" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100 }, { prefix = "/search", service = "katalog", priority = 110 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_service_without_a_route" {
  command = plan

  variables {
    services = ["auth", "catalog"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_slash_at_the_end" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs/", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_prefix_without_a_slash" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "docs", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_everything" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_wildcard" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs*", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_way_up" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs/../metrics", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_what_is_internal_to_a_process" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100 }, { prefix = "/metrics", service = "auth", priority = 110 }]
  }

  expect_failures = [var.routes]
}

run "refuses_the_priority_of_the_redirect" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 50000 }]
  }

  expect_failures = [var.routes]
}

run "refuses_half_a_priority" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/docs", service = "auth", priority = 100.5 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_pattern_that_is_too_long" {
  command = plan

  variables {
    services = ["auth"]
    routes   = [{ prefix = "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", service = "auth", priority = 100 }]
  }

  expect_failures = [var.routes]
}

run "refuses_a_name_too_long_for_a_target_group" {
  command = plan

  variables {
    name = "antiphon-of-another-team-1"
  }

  expect_failures = [var.services]
}

run "refuses_a_single_subnet" {
  command = plan

  variables {
    subnet_ids = ["subnet-0a"]
  }

  expect_failures = [var.subnet_ids]
}
