# The nine services of ECS: four webs, four workers, and media's jobs.

module "service" {
  source   = "./modules/ecs-service"
  for_each = local.running

  name                 = "${local.name}-${each.key}"
  cluster              = { arn = aws_ecs_cluster.this.arn, name = aws_ecs_cluster.this.name }
  image                = "${module.ecr.repository_urls["${local.name}/${each.value.image}"]}:${var.image_tags[each.value.service]}"
  command              = each.value.kind == "web" ? null : ["python", "-m", "${each.value.service}.${local.kinds[each.value.kind].command}"]
  cpu                  = each.value.cpu
  memory               = each.value.memory
  architecture         = var.architecture
  health_url           = local.kinds[each.value.kind].url
  stop_timeout_seconds = local.kinds[each.value.kind].stop
  log_retention_days   = var.log_retention_days
  environment = merge(
    local.settings,
    local.kinds[each.value.kind].settings,
    local.own_settings[each.value.service],
    try(var.settings[each.value.service], {}),
  )
  secrets     = local.secrets[each.value.service]
  kms_key_arn = module.kms.key_arn
  vpc_id      = module.network.vpc_id
  vpc_cidr    = var.cidr
  subnet_ids  = module.network.private_subnet_ids

  service = {
    minimum = each.value.minimum
    maximum = each.value.maximum
    spot    = each.value.spot

    target_group_arn         = each.value.kind == "web" ? module.alb.target_groups[each.value.service].arn : null
    port                     = each.value.kind == "web" ? local.web_port : null
    source_security_group_id = each.value.kind == "web" ? module.alb.security_group_id : null
    deployment_alarms        = each.value.kind == "web" ? module.observability.deployment_alarm_names[each.value.service] : []

    scaling = {
      cpu_percent = each.value.kind == "web" ? 60 : null
      requests_per_target = each.value.kind == "web" ? {
        resource_label = module.alb.target_groups[each.value.service].resource_label
        value          = 6000 # per minute
      } : null
      oldest_age = each.value.kind == "worker" ? {
        namespace   = local.name
        metric_name = "OldestUndeliveredAge"
        # How far behind it is with what all others tell it.
        dimensions        = { Subscriber = each.value.service }
        scale_out_seconds = 10
      } : null
      backlog_per_task = each.value.kind == "jobs" ? {
        namespace   = local.name
        metric_name = "OpenJobs"
        dimensions  = { Service = each.value.service }
        # As many as a busy task runs at a time: with more, half of the tasks that are all busy would
        # be stopped while the last jobs run.
        value = 2
      } : null
    }
  }

  # Tasks that start before their secrets hold a value fail, and trip the circuit breaker.
  depends_on = [aws_secretsmanager_secret_version.generated, aws_ecs_cluster_capacity_providers.this]
}

locals {
  # The image's own, WEB_BIND.
  web_port = 8000

  database_clients = merge(
    { for name, service in module.service : name => service.security_group_id },
    { for name, task in module.task : name => task.security_group_id },
  )
  redis_clients = {
    for name, id in local.database_clients : name => id if !endswith(name, "-migrate") && name != "bootstrap"
  }
}
