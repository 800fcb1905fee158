locals {
  identifier = "${var.name}-database"
  # Sessions of our code set these by themselves; operators' ought to be no different.
  instance_parameters = {
    sql_mode              = "TRADITIONAL,ONLY_FULL_GROUP_BY"
    transaction_isolation = "READ-COMMITTED"
    slow_query_log        = "1"
    long_query_time       = "1"
  }
  cluster_parameters = {
    character_set_server     = "utf8mb4"
    collation_server         = "utf8mb4_unicode_520_ci"
    time_zone                = "UTC"
    require_secure_transport = "ON"
    server_audit_logging     = "1"
    # Of statements, CREATE USER holds a password.
    server_audit_events = "CONNECT"
  }
}

resource "aws_db_subnet_group" "this" {
  name        = local.identifier
  description = "Where the database is: subnets without a way out"
  subnet_ids  = var.subnet_ids
}

resource "aws_rds_cluster_parameter_group" "this" {
  name        = local.identifier
  description = "TLS only, UTF-8, UTC, sign-ins audited"
  family      = "aurora-mysql8.0"

  dynamic "parameter" {
    for_each = local.cluster_parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }
}

resource "aws_db_parameter_group" "this" {
  name        = local.identifier
  description = "Strict, READ COMMITTED, slow queries logged"
  family      = "aurora-mysql8.0"

  dynamic "parameter" {
    for_each = local.instance_parameters

    content {
      name  = parameter.key
      value = parameter.value
    }
  }
}

# RDS would make them by itself, unencrypted and for ever.
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(["audit", "error", "slowquery"])

  name              = "/aws/rds/cluster/${local.identifier}/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Differs from one cluster of this name to the next, as the names of their last snapshots must.
resource "terraform_data" "last_snapshot" {}

resource "aws_rds_cluster" "this" {
  # checkov:skip=CKV_AWS_326: backtrack turns back all schemas at once, and what consumers have seen does not follow; a point in time is restored to a second cluster instead
  # checkov:skip=CKV2_AWS_8: RDS itself backs up continuously, for as long as backup_days says; AWS Backup would add a copy in the same account
  cluster_identifier = local.identifier
  engine             = "aurora-mysql"
  # The default minor version when made; later ones come by themselves.
  engine_version                  = "8.0"
  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name

  master_username               = "administrator"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.kms_key_arn
  # For people, who need no shared password then. Services have passwords: tokens last 15 minutes,
  # and pools connect at any time.
  iam_database_authentication_enabled = true

  storage_encrypted               = true
  kms_key_id                      = var.kms_key_arn
  enabled_cloudwatch_logs_exports = ["audit", "error", "slowquery"]
  backup_retention_period         = var.backup_days
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.keep_data
  final_snapshot_identifier       = "${local.identifier}-${terraform_data.last_snapshot.id}"
  delete_automated_backups        = !var.keep_data
  # Who raises a capacity because of an alarm does not wait for the window of maintenance.
  apply_immediately = true

  serverlessv2_scaling_configuration {
    min_capacity = var.min_acu
    max_capacity = var.max_acu
  }

  depends_on = [aws_cloudwatch_log_group.this]
}

resource "aws_rds_cluster_instance" "this" {
  # checkov:skip=CKV_AWS_118: serverless sizes its system by itself, and what enhanced monitoring tells of it lies in a log group that RDS makes, without our key
  for_each = toset([for number in range(1, var.instances + 1) : tostring(number)])

  identifier              = "${local.identifier}-${each.key}"
  cluster_identifier      = aws_rds_cluster.this.id
  engine                  = aws_rds_cluster.this.engine
  instance_class          = "db.serverless"
  db_parameter_group_name = aws_db_parameter_group.this.name
  # Readers of tiers 0 and 1 are always as large as the writer that they are to replace.
  promotion_tier             = each.key == "1" ? 0 : 1
  publicly_accessible        = false
  auto_minor_version_upgrade = true
  apply_immediately          = true

  performance_insights_enabled    = true
  performance_insights_kms_key_id = var.kms_key_arn
}
