resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "Tasks of ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  # By the port: the group's id is not known before the first apply.
  count = local.port == null ? 0 : 1

  security_group_id            = aws_security_group.task.id
  description                  = "HTTP from the load balancer"
  ip_protocol                  = "tcp"
  from_port                    = local.port
  to_port                      = local.port
  referenced_security_group_id = var.service.source_security_group_id
}

resource "aws_vpc_security_group_egress_rule" "task" {
  for_each = {
    # Not to the network alone, even where nothing outside is needed: an environment may reach AWS by
    # NAT only, and layers of images come from S3's public addresses in any.
    https = { port = 443, cidr = "0.0.0.0/0", description = "AWS, file storage and the keys of tokens" }
    mysql = { port = 3306, cidr = var.vpc_cidr, description = "Database" }
    redis = { port = 6379, cidr = var.vpc_cidr, description = "Broker and cache" }
  }

  security_group_id = aws_security_group.task.id
  description       = each.value.description
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
}
