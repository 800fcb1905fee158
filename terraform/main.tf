# What everything stands on; what runs there is in services.tf and tasks.tf.

module "kms" {
  source = "./modules/kms"

  name = local.name
}

module "network" {
  source = "./modules/network"

  name                = local.name
  cidr                = var.cidr
  availability_zones  = var.availability_zones
  nat_per_zone        = var.nat_per_zone
  interface_endpoints = var.interface_endpoints
  log_retention_days  = var.log_retention_days
  kms_key_arn         = module.kms.key_arn
}

module "ecr" {
  source = "./modules/ecr"

  names       = toset([for image in local.images : "${local.name}/${image}"])
  kms_key_arn = module.kms.key_arn
  keep_images = 200
  keep_data   = var.keep_data
}

module "alb" {
  source = "./modules/alb"

  name                   = local.name
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.public_subnet_ids
  certificate_arn        = aws_acm_certificate_validation.public.certificate_arn
  routes                 = local.routes
  services               = local.services
  target_port            = local.web_port
  deregistration_seconds = 80
  log_retention_days     = var.log_retention_days
  kms_key_arn            = module.kms.key_arn
  waf                    = var.waf
  deletion_protection    = var.protected
  keep_data              = var.keep_data
}

module "database" {
  source = "./modules/database"

  name                      = local.name
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.isolated_subnet_ids
  client_security_group_ids = local.database_clients
  kms_key_arn               = module.kms.key_arn
  services                  = local.services
  min_acu                   = var.database.min_acu
  max_acu                   = var.database.max_acu
  instances                 = var.database.instances
  backup_days               = var.database.backup_days
  deletion_protection       = var.protected
  keep_data                 = var.keep_data
  password_version          = var.secrets_version
  log_retention_days        = var.log_retention_days
}

module "redis" {
  source   = "./modules/cache"
  for_each = { broker = var.broker, cache = var.cache }

  name                      = "${local.name}-${each.key}"
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.isolated_subnet_ids
  client_security_group_ids = local.redis_clients
  kms_key_arn               = module.kms.key_arn
  node_type                 = each.value.node_type
  nodes                     = each.value.nodes
  snapshot_days             = each.value.snapshot_days
  token_version             = var.secrets_version
  secret_recovery_days      = local.recovery_days
  log_retention_days        = var.log_retention_days
  # Evicting a message would lose it until it is sent again; the cache is there to be evicted.
  maxmemory_policy = each.key == "broker" ? "noeviction" : "allkeys-lru"
}

module "observability" {
  source = "./modules/observability"

  name                        = local.name
  region                      = var.region
  kms_key_arn                 = module.kms.key_arn
  alarm_email                 = var.alarm_email
  cluster_name                = aws_ecs_cluster.this.name
  alb_arn_suffix              = module.alb.arn_suffix
  target_groups               = { for service, group in module.alb.target_groups : service => group.arn_suffix }
  services                    = { for name, process in local.running : "${local.name}-${name}" => { minimum = process.minimum } }
  database_cluster_identifier = module.database.cluster_identifier
  max_acu                     = var.database.max_acu
  redis = {
    for role, redis in module.redis : role => { members = redis.member_cluster_ids, evicts = role == "cache" }
  }
  metrics_namespace = local.name
}

resource "aws_ecs_cluster" "this" {
  name = local.name

  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
}
