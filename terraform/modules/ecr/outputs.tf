output "repository_urls" {
  description = "Where to push to and pull from, by full name."
  value       = { for name, repository in aws_ecr_repository.this : name => repository.repository_url }
}
