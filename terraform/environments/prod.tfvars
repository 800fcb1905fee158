# Nothing is there once only: three zones, two of everything that answers, what can be lost on Spot.
environment        = "prod"
region             = "eu-central-1"
availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
nat_per_zone       = true
# Images, logs and secrets of every task's start pass here, not through NAT by the gigabyte.
interface_endpoints = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]

domain         = "antiphon.example.com"
hosted_zone_id = "Z0123456789ABCDEFGHIJ"

web    = { cpu = 1024, memory = 2048, minimum = 2, maximum = 20, spot = false }
worker = { cpu = 512, memory = 1024, minimum = 2, maximum = 10, spot = true }
jobs   = { cpu = 2048, memory = 4096, minimum = 1, maximum = 20, spot = true }

database = { min_acu = 1, max_acu = 32, instances = 2, backup_days = 30 }
broker   = { node_type = "cache.t4g.small", nodes = 2, snapshot_days = 1 }
cache    = { node_type = "cache.t4g.medium", nodes = 2, snapshot_days = 0 }

protected          = true
keep_data          = true
waf                = true
log_retention_days = 365
