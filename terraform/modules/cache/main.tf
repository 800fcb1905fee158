resource "aws_elasticache_subnet_group" "this" {
  name        = var.name
  description = "Where ${var.name} is: subnets without a way out"
  subnet_ids  = var.subnet_ids
}

resource "aws_elasticache_parameter_group" "this" {
  name        = var.name
  description = "What ${var.name} does when its memory is full"
  family      = "valkey7"

  parameter {
    name  = "maxmemory-policy"
    value = var.maxmemory_policy
  }
}

resource "aws_elasticache_replication_group" "this" {
  # checkov:skip=CKV2_AWS_50: fails over by itself where there is a second node; a single one, for development, has nowhere to
  replication_group_id = var.name
  description          = "Valkey of ${var.name}"
  engine               = "valkey"
  engine_version       = "7.2"
  node_type            = var.node_type
  num_cache_clusters   = var.nodes
  parameter_group_name = aws_elasticache_parameter_group.this.name
  subnet_group_name    = aws_elasticache_subnet_group.this.name
  security_group_ids   = [aws_security_group.this.id]

  automatic_failover_enabled = var.nodes > 1
  multi_az_enabled           = var.nodes > 1
  snapshot_retention_limit   = var.snapshot_days
  # Who raises a size because of an alarm does not wait for the window of maintenance.
  apply_immediately = true

  at_rest_encryption_enabled = true
  kms_key_id                 = var.kms_key_arn
  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  auth_token                 = data.aws_secretsmanager_secret_version.token.secret_string
  # The old token stays good beside the new one.
  auth_token_update_strategy = "ROTATE"

  # No person can ask with SLOWLOG: only tasks are let in.
  log_delivery_configuration {
    log_type         = "slow-log"
    log_format       = "json"
    destination_type = "cloudwatch-logs"
    destination      = aws_cloudwatch_log_group.slow.name
  }
}

resource "aws_cloudwatch_log_group" "slow" {
  # Of groups under this prefix AWS keeps one line in all in the account's resource policy, whose
  # length is limited.
  name              = "/aws/vendedlogs/${var.name}/slow"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_security_group" "this" {
  name        = var.name
  description = "${var.name}: reached by its clients, reaches nothing"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "client" {
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.this.id
  referenced_security_group_id = each.value
  description                  = "Redis protocol from ${each.key}"
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}
