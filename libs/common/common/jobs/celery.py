"""The Celery application of a service: a transport for job ids, nothing more."""

from typing import Any

from celery import Celery

from common.settings import kombu_url


def make_celery(service: str, broker_url: str) -> Celery:
    """Return the service's Celery application; its tasks go to the queue `<service>.jobs`."""
    app = Celery(service, broker=kombu_url(broker_url), set_as_current=False)
    options: dict[str, Any] = {
        "unacked_key": f"antiphon.{service}.jobs.unacked",
        "unacked_index_key": f"antiphon.{service}.jobs.unacked_index",
        "unacked_mutex_key": f"antiphon.{service}.jobs.unacked_mutex",
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    app.conf.update(
        task_default_queue=f"{service}.jobs",
        # The lease decides who runs a job: late acks would only redeliver it without end.
        task_acks_late=False,
        task_ignore_result=True,
        worker_prefetch_multiplier=1,
        broker_connection_retry_on_startup=True,
        broker_transport_options={} if broker_url.startswith("amqp") else options,
        task_publish_retry=False,
        worker_send_task_events=False,
        worker_hijack_root_logger=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        enable_utc=True,
    )
    return app
