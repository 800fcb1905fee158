"""The worker process: `python -m playlist.worker` relays playlist's events, applies others'."""

from common.events import open_database
from common.events.worker import run_worker
from common.idempotency import prune_answers
from common.settings import load
from playlist.consumers import auth, catalog
from playlist.services.erasure import make_eraser
from playlist.settings import PlaylistSettings

subscriptions = auth.subscriptions | catalog.subscriptions

if __name__ == "__main__":
    settings = load(PlaylistSettings)
    database = open_database("playlist", settings)
    run_worker(
        "playlist",
        settings,
        database,
        subscriptions,
        chores=[make_eraser(database)],
        pruners=[prune_answers],
    )
