# What is made once for ever: the passphrase encrypts auth's signing keys, links are signed with
# the other. Neither value is in the state.
ephemeral "aws_secretsmanager_random_password" "generated" {
  for_each = toset(["auth/key-passphrase", "media/url-secret"])

  password_length     = 48
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "generated" {
  # checkov:skip=CKV2_AWS_57: a new passphrase could not read the keys that the former one encrypted, and a new link secret would end every link that is out
  for_each = toset(["auth/key-passphrase", "media/url-secret"])

  name                    = "${local.name}/${each.key}"
  description             = "Made once; services read it at their start."
  kms_key_id              = module.kms.key_arn
  recovery_window_in_days = local.recovery_days
}

resource "aws_secretsmanager_secret_version" "generated" {
  for_each = aws_secretsmanager_secret.generated

  secret_id                = each.value.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.generated[each.key].random_password
  secret_string_wo_version = 1
}

# Cloudinary gives this value to people, not to Terraform: `make deploy` says how to put it here.
resource "aws_secretsmanager_secret" "cloudinary" {
  # checkov:skip=CKV2_AWS_57: Cloudinary makes it, and only its console makes a new one
  name                    = "${local.name}/media/cloudinary-url"
  description             = "cloudinary://KEY:SECRET@CLOUD, as Cloudinary's console shows it."
  kms_key_id              = module.kms.key_arn
  recovery_window_in_days = local.recovery_days
}

locals {
  recovery_days = var.keep_data ? 30 : 0
}
