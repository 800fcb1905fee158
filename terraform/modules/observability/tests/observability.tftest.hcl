mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:antiphon-test-alarms" }
  }
}

variables {
  name           = "antiphon-test"
  region         = "eu-central-1"
  kms_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  alarm_email    = null
  cluster_name   = "antiphon-test"
  alb_arn_suffix = "app/antiphon-test/50dc6c495c0c9188"
  target_groups = {
    auth  = "targetgroup/antiphon-test-auth/73e2d6bc24d8a067"
    media = "targetgroup/antiphon-test-media/83e2d6bc24d8a067"
  }
  services = {
    antiphon-test-auth-web     = { minimum = 2 }
    antiphon-test-auth-worker  = { minimum = 1 }
    antiphon-test-media-worker = { minimum = 1 }
    antiphon-test-media-jobs   = { minimum = 0 }
  }
  database_cluster_identifier = "antiphon-test"
  max_acu                     = 8
  redis = {
    broker = { members = ["antiphon-test-broker-001", "antiphon-test-broker-002"], evicts = false }
    cache  = { members = ["antiphon-test-cache-001"], evicts = true }
  }
  metrics_namespace = "antiphon-test"
}

run "alarms_reach_the_topic_and_nobody_else_does" {
  assert {
    condition = alltrue([
      for alarm in concat(
        values(aws_cloudwatch_metric_alarm.http_errors),
        [aws_cloudwatch_metric_alarm.balancer_errors],
        values(aws_cloudwatch_metric_alarm.slow),
        values(aws_cloudwatch_metric_alarm.unhealthy),
        values(aws_cloudwatch_metric_alarm.tasks_missing),
        values(aws_cloudwatch_metric_alarm.delivery_slow),
        values(aws_cloudwatch_metric_alarm.dead_events),
        values(aws_cloudwatch_metric_alarm.retrying_events),
        values(aws_cloudwatch_metric_alarm.dead_jobs),
        values(aws_cloudwatch_metric_alarm.jobs_wait),
        [aws_cloudwatch_metric_alarm.database_connections, aws_cloudwatch_metric_alarm.database_at_maximum],
        values(aws_cloudwatch_metric_alarm.redis_evicts),
        values(aws_cloudwatch_metric_alarm.redis_memory),
        values(aws_cloudwatch_metric_alarm.redis_busy),
      ) : one(alarm.alarm_actions) == aws_sns_topic.alarms.arn && length(coalesce(alarm.ok_actions, [])) == (startswith(alarm.alarm_description, "page: ") ? 1 : 0)
    ])
    error_message = "An alarm, or the end of what somebody was woken for, is sent to nobody; or the end of a ticket is told."
  }

  assert {
    condition = jsondecode(aws_sns_topic_policy.alarms.policy).Statement == [{
      Sid       = "Alarms"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alarms.arn
      Condition = { StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]
    error_message = "Others than this account's alarms may publish to the topic."
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "The topic is not encrypted by our key."
  }

  assert {
    condition     = length(aws_sns_topic_subscription.email) == 0
    error_message = "Somebody is subscribed without an address."
  }
}

run "an_address_is_subscribed" {
  variables {
    alarm_email = "ada@example.org"
  }

  assert {
    condition     = [for one in aws_sns_topic_subscription.email : "${one.protocol} ${one.endpoint}"] == ["email ada@example.org"]
    error_message = "The address that was given gets no mail."
  }
}

run "a_deployment_ends_by_the_errors_of_its_own_service" {
  command = plan

  assert {
    condition = output.deployment_alarm_names == {
      auth  = ["antiphon-test-HttpErrorRateHigh-auth"]
      media = ["antiphon-test-HttpErrorRateHigh-media"]
    }
    error_message = "A service's deployment looks at alarms that are not its own."
  }

  assert {
    condition = alltrue([
      for service, alarm in aws_cloudwatch_metric_alarm.http_errors : alltrue([
        for query in alarm.metric_query : query.metric[0].dimensions["TargetGroup"] == var.target_groups[service] if length(query.metric) > 0
      ])
    ])
    error_message = "A service's alarm counts another's answers."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.http_errors :
      toset([for query in alarm.metric_query : query.metric[0].metric_name if length(query.metric) > 0]) == toset(["HTTPCode_Target_5XX_Count", "TargetConnectionErrorCount", "RequestCount"])
      && one([for query in alarm.metric_query : query.expression if query.id == "failed"]) == "FILL(errors, 0) + FILL(refused, 0)"
    ])
    error_message = "A web that cannot be reached, which the load balancer answers for, does not end its deployment."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.http_errors : alarm.treat_missing_data == "notBreaching"])
    error_message = "A service without requests would never get a new version."
  }
}

run "silence_is_an_alarm_where_something_ran_and_must_run" {

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.tasks_missing)) == toset(["antiphon-test-auth-web", "antiphon-test-auth-worker", "antiphon-test-media-worker"])
    error_message = "A service that must run is not watched, or one that need not run is."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.tasks_missing["antiphon-test-auth-web"].threshold == 2
    error_message = "One task fewer than wanted goes unnoticed."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.tasks_missing), values(aws_cloudwatch_metric_alarm.delivery_slow)) :
      one(alarm.insufficient_data_actions) == aws_sns_topic.alarms.arn && alarm.treat_missing_data == "missing"
    ])
    error_message = "Processes that tell nothing any more go unnoticed, or those that never ran are missed."
  }
}

run "bus_and_jobs_are_watched_where_there_are_workers_and_jobs" {
  command = plan

  assert {
    condition     = toset([for alarm in aws_cloudwatch_metric_alarm.delivery_slow : "${alarm.namespace} ${alarm.dimensions["Service"]}"]) == toset(["antiphon-test auth", "antiphon-test media"])
    error_message = "Deliveries are not watched under the name that workers publish."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.dead_jobs) == ["media"] && keys(aws_cloudwatch_metric_alarm.jobs_wait) == ["media"]
    error_message = "Jobs are not watched, or where there are none."
  }
}

run "nothing_is_missed_of_workers_that_need_not_run" {
  command = plan
  variables {
    services = { antiphon-test-auth-worker = { minimum = 0 }, antiphon-test-media-worker = { minimum = 1 } }
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.delivery_slow) == ["media"] && toset(keys(aws_cloudwatch_metric_alarm.dead_events)) == toset(["auth", "media"])
    error_message = "Workers that may all be stopped are missed, or what they gave up is not."
  }
}

run "before_the_first_service_nothing_is_missed" {
  command = plan
  variables {
    services = {}
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.tasks_missing) + length(aws_cloudwatch_metric_alarm.delivery_slow) == 0
    error_message = "Alarms for what was never started."
  }
}

run "only_the_broker_must_not_evict_or_fill_up" {
  command = plan

  assert {
    condition     = toset(keys(aws_cloudwatch_metric_alarm.redis_evicts)) == toset(var.redis["broker"].members)
    error_message = "A broker may evict unnoticed, or the cache may not evict."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.redis_memory) == keys(aws_cloudwatch_metric_alarm.redis_evicts)
    error_message = "A broker may fill up unnoticed, or the cache may not."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.redis_busy) == 3
    error_message = "A node may be overloaded unnoticed."
  }
}

run "connections_are_judged_by_the_capacity" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.database_connections.threshold == 800
    error_message = "Aurora of 8 units takes 1000 connections."
  }
}

run "connections_between_two_steps_are_those_of_the_lower" {
  command = plan
  variables {
    max_acu = 2
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.database_connections.threshold == 72
    error_message = "Aurora of 2 units takes no more connections than one of 1."
  }
}

run "the_largest_database_is_known" {
  command = plan
  variables {
    max_acu = 256
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.database_connections.threshold == 4800
    error_message = "Aurora of 256 units takes 6000 connections."
  }
}

run "the_dashboard_shows_what_there_is" {
  command = plan

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : widget.properties.region == "eu-central-1" && length(widget.properties.metrics) > 0])
    error_message = "A graph is empty or of another region."
  }

  assert {
    condition = anytrue([
      for widget in jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets : contains([for metric in widget.properties.metrics : slice(metric, 0, 4)], ["antiphon-test", "OpenJobs", "Service", "media"])
    ])
    error_message = "Jobs that wait are not shown."
  }
}

run "wrong_input_is_refused" {
  command = plan
  variables {
    name              = "Antiphon"
    region            = "Frankfurt"
    alarm_email       = "nobody"
    alb_arn_suffix    = "antiphon-test"
    target_groups     = { auth = "antiphon-test-auth" }
    max_acu           = 0.5
    metrics_namespace = "AWS/ECS"
  }

  expect_failures = [
    var.name, var.region, var.alarm_email, var.alb_arn_suffix, var.target_groups, var.max_acu,
    var.metrics_namespace,
  ]
}

run "services_of_another_installation_are_refused" {
  command = plan
  variables {
    services = { antiphon-other-auth-web = { minimum = 1 } }
  }

  expect_failures = [var.services]
}
