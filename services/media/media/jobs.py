"""The jobs process: `python -m media.jobs` is a Celery worker whose threads wait for ffmpeg."""

from datetime import timedelta
from threading import Event, Timer

from celery.signals import worker_shutting_down

from common.db import Database
from common.events import open_database
from common.jobs.celery import make_celery
from common.logging import configure_logging
from common.metrics import start_job_metrics
from common.settings import load
from common.tracing import configure_tracing
from media.adapters.ffmpeg import Ffmpeg, find_ffmpeg
from media.adapters.opening import open_storage
from media.adapters.transcoder import FfmpegTranscoder
from media.services.processing import Workshop
from media.settings import MediaSettings
from media.tasks import register_tasks


def create_workshop(settings: MediaSettings, database: Database, stopping: Event) -> Workshop:
    """Bring together what the jobs work with; raises FileNotFoundError without ffmpeg."""
    ffmpeg = Ffmpeg(
        find_ffmpeg(settings.ffmpeg),
        threads=settings.ffmpeg_threads,
        timeout_seconds=settings.ffmpeg_timeout_seconds,
        memory_bytes=settings.ffmpeg_memory_bytes,
    )
    storage = open_storage(settings)
    transcoder = FfmpegTranscoder(ffmpeg, settings.max_duration_seconds)
    lease = timedelta(seconds=settings.job_lease_seconds)
    return Workshop(database, storage, transcoder, stopping, lease)


def main() -> None:
    """Work until SIGTERM; jobs that then outlast the grace time go back to the queue."""
    settings = load(MediaSettings)
    configure_logging("media", settings.log_level, settings.log_format)
    configure_tracing("media")
    stopping = Event()

    @worker_shutting_down.connect  # type: ignore[untyped-decorator]
    def begin_to_stop(**_: object) -> None:
        timer = Timer(settings.job_grace_seconds, stopping.set)
        timer.daemon = True
        timer.start()

    database = open_database("media", settings)
    start_job_metrics(settings, "media", database)
    celery = make_celery("media", settings.broker_url)
    register_tasks(celery, create_workshop(settings, database, stopping))
    # No task_time_limit: it cannot end a thread, while ffmpeg has a timeout of its own. Nor
    # REMAP_SIGTERM and worker_soft_shutdown_timeout, which leave running tasks behind at the end:
    # after SIGTERM Celery waits for ours, and after `job_grace_seconds` they raise Interrupted.
    # Celery's command line would take BROKER_URL, spelled for redis-py, from the environment.
    celery.Worker(
        pool="threads",
        concurrency=settings.job_concurrency,
        # Workers share only the job table: there are no leaders to elect and no revoked tasks to
        # learn of, for which each would ask the others at its start, and wait for a second.
        without_gossip=True,
        without_mingle=True,
        loglevel=settings.log_level,
    ).start()


if __name__ == "__main__":
    main()
