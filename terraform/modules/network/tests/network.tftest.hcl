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
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:111122223333:log-group:/antiphon-test/flow" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::111122223333:role/antiphon-test-flow-logs" }
  }
}

variables {
  name                = "antiphon-test"
  cidr                = "10.40.0.0/16"
  availability_zones  = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat_per_zone        = true
  interface_endpoints = ["ecr.api", "secretsmanager"]
  log_retention_days  = 365
  kms_key_arn         = "arn:aws:kms:eu-central-1:111122223333:key/0a1b2c3d-0000-4000-8000-000000000000"
}

run "databases_have_no_way_out" {
  assert {
    condition = alltrue([
      for route in concat([aws_route.public], values(aws_route.private)) : route.route_table_id != aws_route_table.isolated.id
    ]) && !contains(aws_vpc_endpoint.s3.route_table_ids, aws_route_table.isolated.id)
    error_message = "The databases' route table has a route."
  }

  assert {
    condition = alltrue([
      for zone in var.availability_zones : aws_route_table_association.isolated[zone].route_table_id == aws_route_table.isolated.id
      && aws_route_table_association.isolated[zone].subnet_id == aws_subnet.isolated[zone].id
    ])
    error_message = "A database's subnet is on another route table."
  }

  assert {
    condition     = length(setintersection(output.isolated_subnet_ids, concat(output.public_subnet_ids, output.private_subnet_ids))) == 0
    error_message = "A database's subnet is handed out for something else."
  }
}

run "tasks_are_not_reached_from_the_internet" {
  assert {
    condition = alltrue([
      for zone in var.availability_zones : aws_route_table_association.private[zone].route_table_id == aws_route_table.private[zone].id
    ]) && alltrue([for route in values(aws_route.private) : route.gateway_id == null])
    error_message = "A subnet of tasks leads to the internet gateway."
  }

  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.map_public_ip_on_launch != true])
    error_message = "What starts in a subnet gets a public address."
  }

  assert {
    condition     = aws_vpc_security_group_ingress_rule.endpoints[0].cidr_ipv4 == "10.40.0.0/16"
    error_message = "The endpoints are open to more than the network."
  }
}

run "zones_do_not_depend_on_each_other" {
  assert {
    condition = alltrue([
      for zone in var.availability_zones : aws_route.private[zone].nat_gateway_id == aws_nat_gateway.this[zone].id
      && aws_nat_gateway.this[zone].subnet_id == aws_subnet.public[zone].id
      && aws_subnet.public[zone].availability_zone == zone
    ])
    error_message = "A zone's way out leads through another zone."
  }

  assert {
    condition     = aws_subnet.private["eu-central-1b"].cidr_block == "10.40.80.0/20" && aws_subnet.isolated["eu-central-1a"].cidr_block == "10.40.128.0/20"
    error_message = "A subnet moved: its databases and tasks would be replaced."
  }
}

run "one_nat_serves_all_zones" {
  variables {
    nat_per_zone        = false
    interface_endpoints = []
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["eu-central-1a"] && length(aws_route.private) == 3
    error_message = "There is more than one NAT gateway, or a zone has no way out."
  }

  assert {
    condition     = alltrue([for route in values(aws_route.private) : route.nat_gateway_id == aws_nat_gateway.this["eu-central-1a"].id])
    error_message = "A zone's way out is not the only NAT gateway."
  }

  assert {
    condition     = toset(aws_vpc_endpoint.s3.route_table_ids) == toset(values(aws_route_table.private)[*].id)
    error_message = "Images' layers do not come over the endpoint of S3."
  }
}

run "the_smallest_network_holds_four_zones" {
  variables {
    cidr               = "10.40.16.0/20"
    availability_zones = ["us-east-1a", "us-east-1b", "us-east-1c", "us-east-1d"]
  }

  assert {
    condition = length(distinct(concat(
      values(aws_subnet.public)[*].cidr_block, values(aws_subnet.private)[*].cidr_block, values(aws_subnet.isolated)[*].cidr_block,
    ))) == 12
    error_message = "Two subnets have the same addresses."
  }
}

run "one_zone_less_moves_no_subnet" {
  variables {
    availability_zones = ["eu-central-1a", "eu-central-1b"]
  }

  assert {
    condition     = aws_subnet.private["eu-central-1b"].cidr_block == "10.40.80.0/20" && aws_subnet.isolated["eu-central-1a"].cidr_block == "10.40.128.0/20"
    error_message = "How many zones there are changes the addresses of the first two."
  }
}

run "flow_logs_are_written_for_this_account_only" {
  assert {
    condition     = jsondecode(aws_iam_role.flow.assume_role_policy).Statement[0].Condition.StringEquals == { "aws:SourceAccount" = "111122223333" }
    error_message = "Another account's network may write with this role."
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.flow.policy).Statement :
      statement.Resource == "${aws_cloudwatch_log_group.flow.arn}:*" || statement.Action == "logs:DescribeLogGroups"
    ])
    error_message = "The role of the flow logs writes to other log groups."
  }

  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow.arn
    error_message = "Connections are not recorded in the log group."
  }
}

run "refuses_a_single_zone" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_zone_twice" {
  command = plan

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1a"]
  }

  expect_failures = [var.availability_zones]
}

run "refuses_a_network_too_small_for_its_subnets" {
  command = plan

  variables {
    cidr = "10.40.0.0/24"
  }

  expect_failures = [var.cidr]
}

run "refuses_a_block_not_named_by_its_first_address" {
  command = plan

  variables {
    cidr = "10.40.1.0/16"
  }

  expect_failures = [var.cidr]
}

run "refuses_the_full_name_of_an_endpoint" {
  command = plan

  variables {
    interface_endpoints = ["com.amazonaws.eu-central-1.logs"]
  }

  expect_failures = [var.interface_endpoints]
}

run "refuses_a_second_endpoint_of_s3" {
  command = plan

  variables {
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.interface_endpoints]
}
