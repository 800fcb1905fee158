"""What a service's schema and the broker hold, read at most every few seconds for all who ask."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import inspect

from common.db import Database
from common.events.operations import Backlog, backlogs_of, inbox_counts
from common.events.outbox import Outbox
from common.events.queues import BrokerState, read_broker
from common.jobs.operations import JobBacklog, job_backlog
from common.metrics.reading import Reading


@dataclass(frozen=True)
class Stored:
    """What the schema says; `jobs` is None where there is no table of them."""

    backlogs: Sequence[Backlog]
    inbox: dict[str, int]
    jobs: JobBacklog | None


class State:
    """What is the same in each process of a service, whichever is asked."""

    def __init__(self, service: str, database: Database, broker_url: str) -> None:
        self.service = service
        self._database = database
        self._broker_url = broker_url
        self._has_jobs = False
        self._stored = Reading("database", self._read_database)
        self._broker = Reading("broker", self._read_broker)

    def stored(self) -> Stored | None:
        """Return what the schema says, or None while the database does not answer."""
        return self._stored.value()

    def broker(self) -> BrokerState | None:
        """Return what waits in the service's queues, or None while the broker does not answer."""
        return self._broker.value()

    def everything_answers(self) -> bool:
        """Say whether database and broker answer, as far as known since a few seconds."""
        return self.stored() is not None and self.broker() is not None

    def _read_database(self) -> Stored:
        with self._database.reading() as session:
            if not self._has_jobs:
                self._has_jobs = inspect(self._database.engine).has_table("job")
            carried: Outbox | None = session.info.get("outbox")
            backlogs = backlogs_of(session, self.service, carried.routes if carried else {})
            jobs = job_backlog(session) if self._has_jobs else None
            return Stored(backlogs, inbox_counts(session), jobs)

    def _read_broker(self) -> BrokerState:
        queues = [f"{self.service}.events", f"{self.service}.acks"]
        if self._has_jobs:
            queues.append(f"{self.service}.jobs")
        return read_broker(self._broker_url, [self.service], queues)
