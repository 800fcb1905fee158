"""Celery's side of the jobs: a task gets a job id, the `job` table says the rest."""

from collections.abc import Callable
from functools import partial

from celery import Celery

from common.jobs import RunningJob, run_job
from media.services.processing import Workshop, delete_files, describe_asset, transcode_asset
from media.services.uploads import DELETE_FILES, DESCRIBE, TRANSCODE

JOBS: dict[str, Callable[[Workshop, RunningJob], None]] = {
    DESCRIBE: describe_asset,
    TRANSCODE: transcode_asset,
    DELETE_FILES: delete_files,
}


def perform(shop: Workshop, kind: str, job_id: str) -> bool:
    """Run a job of a kind if it is there to be taken."""
    return run_job(shop.database, job_id, partial(JOBS[kind], shop), lease=shop.lease)


def register_tasks(celery: Celery, shop: Workshop) -> None:
    """Give Celery a task for each kind of job."""

    @celery.task(name=DESCRIBE)  # type: ignore[untyped-decorator]
    def describe(job_id: str) -> None:
        perform(shop, DESCRIBE, job_id)

    @celery.task(name=TRANSCODE)  # type: ignore[untyped-decorator]
    def transcode(job_id: str) -> None:
        perform(shop, TRANSCODE, job_id)

    @celery.task(name=DELETE_FILES)  # type: ignore[untyped-decorator]
    def delete(job_id: str) -> None:
        perform(shop, DELETE_FILES, job_id)
