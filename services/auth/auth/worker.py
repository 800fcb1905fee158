"""The worker process: `python -m auth.worker` relays auth's events and applies others'."""

from auth.consumers.erasures import subscriptions
from auth.services.sessions import forget_expired_sessions
from auth.settings import AuthSettings
from common.events import open_database
from common.events.worker import run_worker
from common.idempotency import prune_answers
from common.settings import load

if __name__ == "__main__":
    settings = load(AuthSettings)
    database = open_database("auth", settings)
    pruners = [forget_expired_sessions, prune_answers]
    run_worker("auth", settings, database, subscriptions, pruners=pruners)
