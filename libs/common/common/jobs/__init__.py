"""Jobs: Celery carries only ids, the `job` table with its lease is the truth."""

from common.jobs.lease import Fenced, Interrupted, RunningJob, run_job
from common.jobs.queue import cancel_jobs, enqueue, prune_jobs, send_due_jobs

__all__ = [
    "Fenced",
    "Interrupted",
    "RunningJob",
    "cancel_jobs",
    "enqueue",
    "prune_jobs",
    "run_job",
    "send_due_jobs",
]
