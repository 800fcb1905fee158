output "key_arn" {
  description = "ARN of the key that encrypts all that is stored."
  value       = aws_kms_key.this.arn
}
