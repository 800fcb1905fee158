# The cheapest that is whole: one of each, on Spot.
environment        = "dev"
region             = "eu-central-1"
availability_zones = ["eu-central-1a", "eu-central-1b"]
nat_per_zone       = false

domain         = "dev.antiphon.example.com"
hosted_zone_id = "Z0123456789ABCDEFGHIJ"

web    = { cpu = 256, memory = 1024, minimum = 1, maximum = 2, spot = true }
worker = { cpu = 256, memory = 512, minimum = 1, maximum = 2, spot = true }
jobs   = { cpu = 1024, memory = 4096, minimum = 1, maximum = 2, spot = true }

# Aurora takes as many connections as the largest capacity has memory for: below 8 they run short.
database = { min_acu = 0.5, max_acu = 8, instances = 1, backup_days = 1 }
broker   = { node_type = "cache.t4g.micro", nodes = 1, snapshot_days = 0 }
cache    = { node_type = "cache.t4g.micro", nodes = 1, snapshot_days = 0 }

protected          = false
keep_data          = false
waf                = false
log_retention_days = 14
