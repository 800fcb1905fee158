"""The Celery application of a service: a transport for job ids, nothing more."""

from typing import Any

from celery import Celery
from kombu.exceptions import ChannelError

from common.settings import kombu_url

# More than workers start until the sender looks again, a second later. What is beyond waits in the
# table: each 30 s Redis would get another copy of it.
_LONGEST_QUEUE = 200

# RabbitMQ stops reading from publishers when its memory or disk is full: do not wait with it.
_AMQP = {"confirm_publish": True, "read_timeout": 10, "write_timeout": 10}


def make_celery(service: str, broker_url: str) -> Celery:
    """Return the service's Celery application; its tasks go to the queue `<service>.jobs`."""
    app = Celery(service, broker=kombu_url(broker_url), set_as_current=False)
    options: dict[str, Any] = {
        # Apart from the bus's own and from other services': an ack in a shared hash erases theirs.
        "unacked_key": f"antiphon.{service}.jobs.unacked",
        "unacked_index_key": f"antiphon.{service}.jobs.unacked_index",
        "unacked_mutex_key": f"antiphon.{service}.jobs.unacked_mutex",
        # Acknowledged when taken, so this only matters for what a worker prefetched and died with;
        # the job table sends those again much sooner.
        "visibility_timeout": 3600,
        # Half-open sockets must be noticed.
        "socket_timeout": 10,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
        "health_check_interval": 10,
    }
    app.conf.update(
        task_default_queue=f"{service}.jobs",
        # The lease decides who runs a job: late acks would only redeliver it without end.
        task_acks_late=False,
        # Results are rows that the job's own transaction writes.
        task_ignore_result=True,
        # What one worker holds back, another one could run.
        worker_prefetch_multiplier=1,
        # The broker may start later than the worker.
        broker_connection_retry_on_startup=True,
        # After 100 tries it would end, and an outage may be long.
        broker_connection_max_retries=None,
        broker_transport_options=_AMQP if broker_url.startswith("amqp") else options,
        # The sweeper tries again; until then it has other things to do than to wait.
        task_publish_retry=False,
        # Nobody would read them.
        worker_send_task_events=False,
        # Ours writes JSON, with the ids of the trace.
        worker_hijack_root_logger=False,
        # The lease decides, not the connection: a broker's restart is no reason to begin again.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        enable_utc=True,
    )
    return app


class JobSender:
    """Puts job ids on a service's queue; it must not be shared between threads."""

    def __init__(self, service: str, broker_url: str) -> None:
        self._celery = make_celery(service, broker_url)
        self._queue: str = self._celery.conf.task_default_queue

    def has_room(self) -> bool:
        """Whether fewer jobs wait than workers could soon take; raises when the broker is away."""
        with self._celery.connection_for_write() as connection:
            # By itself the channel would try for six seconds, and other chores wait with it.
            connection.ensure_connection(max_retries=0)
            try:
                declared = connection.default_channel.queue_declare(self._queue, passive=True)
            except ChannelError:  # nobody has used it yet
                return True
            return int(declared.message_count) < _LONGEST_QUEUE

    def send(self, kind: str, job_id: str) -> None:
        """Put a job's id on the queue; raises what kombu raises when the broker is away."""
        self._celery.send_task(kind, args=[job_id])
