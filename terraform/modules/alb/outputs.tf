output "arn_suffix" {
  description = "How CloudWatch names the load balancer: app/<name>/<id>."
  value       = aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "AWS's host name of the load balancer, for an alias record."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "Route 53 zone of AWS's host name, for an alias record."
  value       = aws_lb.this.zone_id
}

output "security_group_id" {
  description = "Security group of the load balancer: whom the services' tasks let in."
  value       = aws_security_group.this.id
}

output "target_groups" {
  description = "By service: ARN, CloudWatch's name, and the label that ALBRequestCountPerTarget is scaled on."
  value = {
    for service, group in aws_lb_target_group.this : service => {
      arn            = group.arn
      arn_suffix     = group.arn_suffix
      resource_label = "${aws_lb.this.arn_suffix}/${group.arn_suffix}"
    }
  }

  # ECS refuses a service on a target group that no rule leads to yet.
  depends_on = [aws_lb_listener_rule.route]
}
