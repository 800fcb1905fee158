"""The worker process: `python -m auth.worker` relays auth's events and applies others'."""

from common.events.worker import run_worker

from auth.app import create_database
from auth.consumers.erasures import subscriptions
from auth.services.sessions import forget_expired_sessions
from auth.settings import AuthSettings

if __name__ == "__main__":
    settings = AuthSettings()
    database = create_database(settings)
    run_worker("auth", settings, database, subscriptions, pruners=[forget_expired_sessions])
