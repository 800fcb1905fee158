ephemeral "aws_secretsmanager_random_password" "token" {
  password_length     = 64
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: rotated by raising token_version, as containers read secrets only when they start; a rotation without a deployment would lock them out
  for_each = {
    token = "Token of ${var.name}"
    url   = "URL of ${var.name}, with its token"
  }

  name                    = "${var.name}/${each.key}"
  description             = each.value
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.secret_recovery_days
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id                = aws_secretsmanager_secret.this["token"].id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.token.random_password
  secret_string_wo_version = var.token_version
}

# The provider takes the token in no other way than one that leaves it in the state: guard the
# state's bucket as the secret itself.
data "aws_secretsmanager_secret_version" "token" {
  secret_id  = aws_secretsmanager_secret.this["token"].id
  version_id = aws_secretsmanager_secret_version.token.version_id
}

resource "aws_secretsmanager_secret_version" "url" {
  secret_id                = aws_secretsmanager_secret.this["url"].id
  secret_string_wo         = "rediss://:${data.aws_secretsmanager_secret_version.token.secret_string}@${aws_elasticache_replication_group.this.primary_endpoint_address}:6379/0"
  secret_string_wo_version = var.token_version
}
