"""The worker process: `python -m media.worker` relays events, applies others', sends jobs."""

from functools import partial

from common.events.worker import run_worker
from common.jobs import send_due_jobs
from common.jobs.celery import make_celery

from media.app import create_database, create_storage, create_subscriptions
from media.services.processing import give_up
from media.services.sweeping import Sweeper
from media.settings import MediaSettings
from media.tasks import sender

if __name__ == "__main__":
    settings = MediaSettings()
    database, storage = create_database(settings), create_storage(settings)
    send = sender(make_celery("media", settings.broker_url))
    run_worker(
        "media",
        settings,
        database,
        create_subscriptions(storage),
        chores=[partial(send_due_jobs, database, send, give_up), Sweeper(database, storage)],
    )
