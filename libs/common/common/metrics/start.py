"""Where metrics are switched on; what it takes is imported only then."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from common.db import Database
from common.settings import ServiceSettings

if TYPE_CHECKING:
    from common.metrics.state import State

WORKER_LOOPS = ("relay", "acks", "consumer", "chores")
CELERY_LOOP = "celery"


def start_metrics(settings: ServiceSettings, service: str, database: Database) -> None:
    """Measure a worker process for those who are to know.

    Serve `/metrics` and `/healthz` where METRICS_BIND says, if it says so; exits if the address
    cannot be used. Publish to CLOUDWATCH_NAMESPACE, if there is one.
    """
    if settings.metrics_bind is None and settings.cloudwatch_namespace is None:
        return
    state = _state(settings, service, database)
    if settings.metrics_bind is not None:
        _serve(settings.metrics_bind, state, WORKER_LOOPS)
    if settings.cloudwatch_namespace is not None:
        from common.metrics.cloudwatch import publish

        publish(settings.cloudwatch_namespace, state)


def start_job_metrics(settings: ServiceSettings, service: str, database: Database) -> None:
    """Serve those of a Celery worker, before it starts: its heartbeats are the loop.

    CloudWatch is told by the service's `worker`, which reads the same schema.
    """
    if settings.metrics_bind is not None:
        from celery.signals import heartbeat_sent

        heartbeat_sent.connect(_note_heartbeat, weak=False)
        _serve(settings.metrics_bind, _state(settings, service, database), [CELERY_LOOP])


def _state(settings: ServiceSettings, service: str, database: Database) -> "State":
    from common.metrics.state import State

    return State(service, database, settings.broker_url)


def _serve(bind: str, state: "State", loops: Sequence[str]) -> None:
    from common.metrics.server import serve

    serve(bind, state, loops)


def _note_heartbeat(**_: object) -> None:
    from common.metrics.observer import observer

    observer().looped(CELERY_LOOP)
