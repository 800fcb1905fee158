locals {
  name     = "antiphon-${var.environment}"
  services = toset(["auth", "catalog", "playlist", "media"])
  images   = setunion(local.services, ["media-jobs", "cli"])

  routes = yamldecode(file("${path.module}/../gateway/routes.yaml")).routes

  # Times to stop are those of docs/operations.md, "Timeouts on Fargate".
  kinds = {
    web = {
      size    = var.web
      command = null
      stop    = 90
      url     = "http://127.0.0.1:${local.web_port}/healthz"
      settings = {
        WEB_WORKERS          = "2"
        WEB_DRAIN_SECONDS    = "20"
        WEB_GRACEFUL_SECONDS = "60"
        # Longer than the load balancer keeps a connection, so that it is the one who closes.
        WEB_KEEPALIVE_SECONDS = "615"
      }
    }
    worker = {
      size     = var.worker
      command  = "worker"
      stop     = 30
      url      = local.metrics_health_url
      settings = local.metrics
    }
    jobs = {
      size     = var.jobs
      command  = "jobs"
      stop     = 120
      url      = local.metrics_health_url
      settings = merge(local.metrics, { MEDIA_JOB_CONCURRENCY = "2", MEDIA_JOB_GRACE_SECONDS = "90" })
    }
  }
  metrics            = { METRICS_BIND = "0.0.0.0:9100", CLOUDWATCH_NAMESPACE = local.name }
  metrics_health_url = "http://127.0.0.1:9100/healthz"

  processes = merge(
    { for service in local.services : "${service}-web" => { service = service, kind = "web", image = service } },
    { for service in local.services : "${service}-worker" => { service = service, kind = "worker", image = service } },
    { media-jobs = { service = "media", kind = "jobs", image = "media-jobs" } },
  )
  running = {
    for name, process in local.processes : name => merge(
      process,
      local.kinds[process.kind].size,
      { for key, value in try(var.sizes[name], {}) : key => value if value != null },
    ) if contains(keys(var.image_tags), process.service)
  }

  settings = {
    TOKEN_ISSUER = "https://${var.domain}"
    JWKS_URL     = "https://${var.domain}/.well-known/jwks.json"
    LOG_FORMAT   = "json"
    # Read by nobody: tasks read secrets when they start, so new ones need new tasks.
    SECRETS_VERSION = tostring(var.running_secrets_version)
  }
  own_settings = {
    auth     = {}
    catalog  = {}
    playlist = {}
    media    = { STORAGE = "cloudinary", MEDIA_STORAGE_DIR = "/tmp/media" }
  }

  stores = { BROKER_URL = module.redis["broker"].url_secret_arn, CACHE_URL = module.redis["cache"].url_secret_arn }
  secrets = {
    for service in local.services : service => merge(
      local.stores,
      { "${upper(service)}_DATABASE_URL" = module.database.secrets[service].runtime },
      local.own_secrets[service],
    )
  }
  own_secrets = {
    auth     = { AUTH_KEY_PASSPHRASE = aws_secretsmanager_secret.generated["auth/key-passphrase"].arn }
    catalog  = {}
    playlist = {}
    media = {
      MEDIA_URL_SECRET = aws_secretsmanager_secret.generated["media/url-secret"].arn
      CLOUDINARY_URL   = aws_secretsmanager_secret.cloudinary.arn
    }
  }
}
