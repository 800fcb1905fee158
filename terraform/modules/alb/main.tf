data "aws_vpc" "this" {
  id = var.vpc_id
}

resource "aws_lb" "this" {
  # checkov:skip=CKV2_AWS_76: the firewall blocks Log4j's exploits; the check also wants listeners behind a VPN shut out
  name               = var.name
  load_balancer_type = "application"
  subnets            = var.subnet_ids
  security_groups    = [aws_security_group.this.id]

  # An upload's answer comes when the file is at Cloudinary: no byte passes meanwhile, for minutes.
  idle_timeout = 600
  # Names with an underscore among them: WSGI would read X_User as X-User.
  drop_invalid_header_fields = true
  enable_deletion_protection = var.deletion_protection

  access_logs {
    enabled = true
    bucket  = aws_s3_bucket.logs.id
  }

  # ELB tries the bucket when it is told of it.
  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_security_group" "this" {
  name        = "${var.name}-alb"
  description = "Load balancer: HTTP and HTTPS from anywhere, out to the services only"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "HTTPS from anywhere"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_ingress_rule" "http" {
  # checkov:skip=CKV_AWS_260: only a redirect to HTTPS answers on port 80
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "HTTP from anywhere, which is redirected"
  ip_protocol       = "tcp"
  from_port         = 80
  to_port           = 80
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  security_group_id = aws_security_group.this.id
  cidr_ipv4         = data.aws_vpc.this.cidr_block
  description       = "Requests and health checks to the services"
  ip_protocol       = "tcp"
  from_port         = var.target_port
  to_port           = var.target_port
}

resource "aws_lb_target_group" "this" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer; the tasks are in private subnets and let in nothing but it
  for_each = var.services

  name        = "${var.name}-${each.key}"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "HTTP"
  port        = var.target_port

  deregistration_delay = var.deregistration_seconds
  # An upload takes minutes and a search milliseconds: taking turns would not share the work.
  load_balancing_algorithm_type = "least_outstanding_requests"

  health_check {
    path     = "/healthz"
    matcher  = "200"
    interval = 10
    timeout  = 5
    # Soon enough for a deploy; slow enough that a task with all threads at work is not replaced.
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}
