"""Where metrics are switched on; what it takes is imported only then."""

from collections.abc import Sequence

from common.db import Database
from common.settings import ServiceSettings

WORKER_LOOPS = ("relay", "acks", "consumer", "chores")
CELERY_LOOP = "celery"


def start_metrics(
    settings: ServiceSettings, service: str, database: Database, loops: Sequence[str] = WORKER_LOOPS
) -> None:
    """Serve `/metrics` and `/healthz` of this process where METRICS_BIND says, if it says so.

    `loops` must get round for the process to be healthy. Exits if the address cannot be used.
    """
    if settings.metrics_bind is not None:
        from common.metrics.server import serve
        from common.metrics.state import State

        serve(settings.metrics_bind, State(service, database, settings.broker_url), loops)


def start_job_metrics(settings: ServiceSettings, service: str, database: Database) -> None:
    """Do the same in a Celery worker, before it starts: its heartbeats are the loop."""
    if settings.metrics_bind is not None:
        from celery.signals import heartbeat_sent

        heartbeat_sent.connect(_note_heartbeat, weak=False)
        start_metrics(settings, service, database, [CELERY_LOOP])


def _note_heartbeat(**_: object) -> None:
    from common.metrics.observer import observer

    observer().looped(CELERY_LOOP)
