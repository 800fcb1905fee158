locals {
  # An ALB cannot answer application/problem+json; the body is what RFC 9457 asks for.
  not_found = jsonencode({
    type   = "about:blank"
    title  = "Not Found"
    status = 404
    detail = "There is nothing at this path. The paths of the API are listed at /docs."
  })
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80

  default_action {
    type = "redirect"

    redirect {
      protocol    = "HTTPS"
      port        = "443"
      status_code = "HTTP_301"
    }
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  certificate_arn   = var.certificate_arn
  # TLS 1.3, and of 1.2 the suites with forward secrecy and authenticated encryption.
  ssl_policy = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  routing_http_response_server_enabled                         = false
  routing_http_response_strict_transport_security_header_value = "max-age=31536000"

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "application/json"
      message_body = local.not_found
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "route" {
  for_each = { for route in var.routes : route.prefix => route }

  listener_arn = aws_lb_listener.https.arn
  priority     = each.value.priority

  condition {
    path_pattern {
      # Not one "/docs*", which would match /docs-old, too.
      values = [each.key, "${each.key}/*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.value.service].arn
  }
}

resource "aws_lb_listener_rule" "root" {
  listener_arn = aws_lb_listener.https.arn
  # The last there is: no route can ever be given the same. None matches / either.
  priority = 50000

  condition {
    path_pattern {
      values = ["/"]
    }
  }

  action {
    type = "redirect"

    redirect {
      path        = "/docs"
      status_code = "HTTP_302"
    }
  }
}
