output "member_cluster_ids" {
  description = "The nodes' identifiers, which metrics are named by."
  # As ElastiCache numbers them: alarms for each node need the names before there are nodes.
  value = [for number in range(1, var.nodes + 1) : format("%s-%03d", var.name, number)]
}

output "url_secret_arn" {
  description = "The secret whose value is the URL, rediss:// with the token."
  value       = aws_secretsmanager_secret.this["url"].arn
  # Who reads it must not come before its value.
  depends_on = [aws_secretsmanager_secret_version.url]
}
