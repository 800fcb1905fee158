output "cluster_identifier" {
  description = "The cluster's identifier: what its metrics are named by."
  value       = aws_rds_cluster.this.cluster_identifier
}

output "master_secret_arn" {
  description = "The secret, managed and rotated by RDS, with the administrator's user name and password as JSON."
  value       = one(aws_rds_cluster.this.master_user_secret).secret_arn
}

output "bootstrap_url" {
  description = "URL of the server without user and schema, for BOOTSTRAP_DATABASE_URL."
  value       = "mysql+pymysql://${aws_rds_cluster.this.endpoint}:3306/${local.options}"
}

output "secrets" {
  description = "ARNs of the secrets with each service's URLs: of the user for its processes and of the one for its migrations."
  value = {
    for service in var.services : service => {
      runtime   = aws_secretsmanager_secret.user["${service}/database"].arn
      migration = aws_secretsmanager_secret.user["${service}/migration"].arn
    }
  }
  # Who reads a secret must not come before its value.
  depends_on = [aws_secretsmanager_secret_version.user]
}
