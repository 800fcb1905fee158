output "vpc_id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets of the load balancer, one per zone: reached from the internet."
  value       = [for zone in var.availability_zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Subnets of the tasks, one per zone: a way out, none in."
  value       = [for zone in var.availability_zones : aws_subnet.private[zone].id]

  # A task that starts before its way out is there cannot fetch its image.
  depends_on = [aws_route.private, aws_route_table_association.private]
}

output "isolated_subnet_ids" {
  description = "Subnets of the databases, one per zone: no way in or out."
  value       = [for zone in var.availability_zones : aws_subnet.isolated[zone].id]
}
