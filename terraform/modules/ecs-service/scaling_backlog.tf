locals {
  backlog = local.scaling == null ? null : local.scaling.backlog_per_task
}

resource "aws_appautoscaling_policy" "backlog" {
  count = local.backlog == null ? 0 : 1

  name               = "${var.name}-backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.service[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.service[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.service[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.backlog.value
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    customized_metric_specification {
      metrics {
        id          = "backlog"
        return_data = false

        metric_stat {
          # Each worker tells the same number: their sum would count it once a worker.
          stat = "Maximum"

          metric {
            namespace   = local.backlog.namespace
            metric_name = local.backlog.metric_name

            dynamic "dimensions" {
              for_each = local.backlog.dimensions

              content {
                name  = dimensions.key
                value = dimensions.value
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = var.cluster.name
            }

            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.service[0].name
            }
          }
        }
      }

      metrics {
        id          = "per_task"
        label       = "Backlog per task"
        expression  = "backlog / IF(running < 1, 1, running)"
        return_data = true
      }
    }
  }
}
