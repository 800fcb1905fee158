"""The worker process: `python -m media.worker` relays events, applies others', sends jobs."""

from functools import partial

from common.events import Subscriptions, open_database
from common.events.worker import run_worker
from common.jobs import send_due_jobs
from common.jobs.celery import make_celery
from media.adapters.storage import LocalStorage
from media.consumers import auth, catalog
from media.ports import Storage
from media.services.processing import give_up
from media.services.sweeping import Sweeper
from media.settings import MediaSettings
from media.tasks import sender


def create_subscriptions(storage: Storage) -> Subscriptions:
    """Join the subscriptions of all upstream services."""
    return catalog.subscriptions | auth.make_subscriptions(storage)


if __name__ == "__main__":
    settings = MediaSettings()
    database, storage = open_database("media", settings), LocalStorage(settings.storage_dir)
    send = sender(make_celery("media", settings.broker_url))
    run_worker(
        "media",
        settings,
        database,
        create_subscriptions(storage),
        chores=[partial(send_due_jobs, database, send, give_up), Sweeper(database, storage)],
    )
