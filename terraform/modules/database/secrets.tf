locals {
  options = "?charset=utf8mb4&ssl_ca=/etc/ssl/antiphon/rds.pem"
  users = merge(
    { for service in var.services : "${service}/database" => { schema = service, user = service } },
    { for service in var.services : "${service}/migration" => { schema = service, user = "${service}_migration" } },
  )
}

# Made anew at each plan and forgotten: only the secret knows the one that was written.
ephemeral "aws_secretsmanager_random_password" "user" {
  for_each = local.users

  password_length     = 40
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "user" {
  # checkov:skip=CKV2_AWS_57: rotated by raising password_version, as containers read secrets only when they start; a rotation without a deployment would lock them out
  for_each = local.users

  name                    = "${var.name}/${each.key}"
  description             = "URL of schema ${each.value.schema} for user ${each.value.user}"
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.keep_data ? 30 : 0
}

resource "aws_secretsmanager_secret_version" "user" {
  for_each = local.users

  secret_id                = aws_secretsmanager_secret.user[each.key].id
  secret_string_wo         = "mysql+pymysql://${each.value.user}:${ephemeral.aws_secretsmanager_random_password.user[each.key].random_password}@${aws_rds_cluster.this.endpoint}:3306/${each.value.schema}${local.options}"
  secret_string_wo_version = var.password_version
}
