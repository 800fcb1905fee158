locals {
  # A row has three. Each graph: title, statistic, and its metrics.
  graphs = [
    {
      title   = "Requests a minute"
      stat    = "Sum"
      metrics = [for service, group in var.target_groups : ["AWS/ApplicationELB", "RequestCount", "TargetGroup", group, "LoadBalancer", var.alb_arn_suffix, { label = service }]]
    },
    {
      title = "Answers 5xx a minute"
      stat  = "Sum"
      metrics = concat(
        [for service, group in var.target_groups : ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "TargetGroup", group, "LoadBalancer", var.alb_arn_suffix, { label = service }]],
        [["AWS/ApplicationELB", "HTTPCode_ELB_5XX_Count", "LoadBalancer", var.alb_arn_suffix, { label = "load balancer" }]],
      )
    },
    {
      title   = "Slowest hundredth of answers, s"
      stat    = "p99"
      metrics = [for service, group in var.target_groups : ["AWS/ApplicationELB", "TargetResponseTime", "TargetGroup", group, "LoadBalancer", var.alb_arn_suffix, { label = service }]]
    },
    {
      title   = "Oldest undelivered event by who is to apply it, s"
      stat    = "Maximum"
      metrics = [for service in local.workers : [var.metrics_namespace, "OldestUndeliveredAge", "Subscriber", service, { label = service }]]
    },
    {
      title   = "Messages that wait for workers"
      stat    = "Maximum"
      metrics = [for service in local.workers : [var.metrics_namespace, "QueueLength", "Service", service, { label = service }]]
    },
    {
      title = "Events that fail"
      stat  = "Maximum"
      metrics = concat(
        [for service in local.workers : [var.metrics_namespace, "DeadEvents", "Service", service, { label = "${service}, given up" }]],
        [for service in local.workers : [var.metrics_namespace, "RetryingEvents", "Service", service, { label = "${service}, tried again" }]],
      )
    },
    {
      title = "Jobs"
      stat  = "Maximum"
      metrics = concat(
        [for service in local.jobs : [var.metrics_namespace, "OpenJobs", "Service", service, { label = "${service}, open" }]],
        [for service in local.jobs : [var.metrics_namespace, "DeadJobs", "Service", service, { label = "${service}, given up" }]],
      )
    },
    {
      title   = "Tasks"
      stat    = "Average"
      metrics = [for service in keys(var.services) : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.cluster_name, "ServiceName", service, { label = trimprefix(service, "${var.name}-") }]]
    },
    {
      title   = "Processor time of tasks, %"
      stat    = "Average"
      metrics = [for service in keys(var.services) : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service, { label = trimprefix(service, "${var.name}-") }]]
    },
    {
      title   = "Aurora, capacity units"
      stat    = "Maximum"
      metrics = [for role in ["WRITER", "READER"] : ["AWS/RDS", "ServerlessDatabaseCapacity", "DBClusterIdentifier", var.database_cluster_identifier, "Role", role, { label = lower(role) }]]
    },
    {
      title   = "Aurora, connections"
      stat    = "Maximum"
      metrics = [["AWS/RDS", "DatabaseConnections", "DBClusterIdentifier", var.database_cluster_identifier, { label = "of ${local.connections}" }]]
    },
    {
      title   = "Redis, memory, %"
      stat    = "Maximum"
      metrics = [for member in keys(local.nodes) : ["AWS/ElastiCache", "DatabaseMemoryUsagePercentage", "CacheClusterId", member, { label = member }]]
    },
  ]
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name
  dashboard_body = jsonencode({
    widgets = [
      for number, graph in local.graphs : {
        type   = "metric"
        x      = number % 3 * 8
        y      = floor(number / 3) * 6
        width  = 8
        height = 6
        properties = {
          title   = graph.title
          stat    = graph.stat
          metrics = graph.metrics
          period  = 60
          region  = var.region
          view    = "timeSeries"
        }
      } if length(graph.metrics) > 0
    ]
  })
}
