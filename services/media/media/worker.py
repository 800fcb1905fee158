"""The worker process: `python -m media.worker` relays events, applies others', sends jobs."""

from functools import partial

from common.events import open_database
from common.events.worker import run_worker
from common.jobs import end_cancelled_jobs, prune_jobs, send_due_jobs
from common.jobs.celery import JobSender
from common.settings import load
from media.adapters.opening import open_storage
from media.consumers import auth, catalog
from media.services.erasure import make_eraser
from media.services.processing import give_up
from media.services.sweeping import Sweeper
from media.settings import MediaSettings

subscriptions = auth.subscriptions | catalog.subscriptions

if __name__ == "__main__":
    settings = load(MediaSettings)
    storage = open_storage(settings)
    database = open_database("media", settings)
    sender = JobSender("media", settings.broker_url)
    run_worker(
        "media",
        settings,
        database,
        subscriptions,
        chores=[
            partial(end_cancelled_jobs, database, give_up),
            partial(send_due_jobs, database, sender, give_up),
            make_eraser(database, storage),
            Sweeper(database, storage),
        ],
        pruners=[prune_jobs],
    )
