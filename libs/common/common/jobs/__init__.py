"""Jobs: Celery carries only ids, the `job` table with its lease is the truth."""

from common.jobs.lease import Fenced, Interrupted, RunningJob, run_job
from common.jobs.queue import (
    GivenUp,
    cancel_jobs,
    end_cancelled_jobs,
    enqueue,
    prune_jobs,
    send_due_jobs,
)

__all__ = [
    "Fenced",
    "GivenUp",
    "Interrupted",
    "RunningJob",
    "cancel_jobs",
    "end_cancelled_jobs",
    "enqueue",
    "prune_jobs",
    "run_job",
    "send_due_jobs",
]
