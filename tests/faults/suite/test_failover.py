"""The database server dies under load and comes back; no process of ours is started again."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
import requests
from sqlalchemy import text
from tests.faults.scale import Scale, seeded
from tests.faults.servers import SqlServer
from tests.faults.suite.harness import Suite
from tests.faults.suite.people import Person

pytestmark = pytest.mark.timeout(600)

_CLIENTS = 3
_RECOVERY_SECONDS = 30


class Client(threading.Thread):
    """Somebody who makes playlists, one after the other, and notes every answer."""

    def __init__(self, person: Person) -> None:
        super().__init__(daemon=True)
        self.person = person
        self.made: list[str] = []
        self.answers: Counter[str] = Counter()
        self._end = threading.Event()

    def run(self) -> None:
        while not self._end.is_set():
            self.answers[self._write()] += 1

    def end(self) -> None:
        self._end.set()
        self.join(60)

    def _write(self) -> str:
        try:
            answer = self.person.call("playlist", "POST", "/api/v1/playlists", json={"name": "M"})
        except requests.RequestException as error:
            return type(error).__name__
        if answer.status_code == 201:
            self.made.append(answer.json()["id"])
            return "201"
        time.sleep(0.05)
        return f"{answer.status_code}, Retry-After {answer.headers.get('Retry-After')}"


@pytest.mark.parametrize("sql_server", ["mariadb"], indirect=True)
def test_the_database_server_killed_under_load(
    make_suite: Callable[..., Suite], sql_server: SqlServer, scale: Scale
) -> None:
    suite, dice = make_suite(), seeded(20, sql_server.dialect)
    suite.migrate("auth", "playlist")
    suite.start("auth.web", "playlist.web", "playlist.worker")
    clients = [Client(suite.person(f"client{number}")) for number in range(_CLIENTS)]
    for client in clients:
        client.person.register()
        client.start()
    outages = []
    for _ in range(scale.database_kills):
        _wait_for_writes(clients, 20)
        sql_server.kill()
        time.sleep(dice.uniform(1, 2))
        sql_server.start()
        began = time.monotonic()
        _wait_for_writes(clients, 1)
        outages.append(time.monotonic() - began)
    _wait_for_writes(clients, 20)
    for client in clients:
        client.end()
    made = {playlist_id for client in clients for playlist_id in client.made}
    answers = sum((client.answers for client in clients), Counter[str]())
    with suite.database("playlist").reading() as session:
        kept = set(session.execute(text("SELECT id FROM playlist")).scalars())
    print(
        f"{len(outages)} kills, {dict(answers)}, acknowledged {len(made)}, "
        f"lost {len(made - kept)}, kept without an answer {len(kept - made)}, "
        f"writes again within {max(outages):.2f} s"
    )
    assert made - kept == set()
    assert answers.keys() == {"201", "503, Retry-After 2"}, suite.tails()
    assert [process.starts for process in suite.processes] == [1, 1, 1]
    assert all(process.is_alive for process in suite.processes)


def _wait_for_writes(clients: list[Client], more: int) -> None:
    """Wait until `more` writes have been acknowledged."""
    goal = sum(len(client.made) for client in clients) + more
    deadline = time.monotonic() + _RECOVERY_SECONDS
    while sum(len(client.made) for client in clients) < goal:
        assert time.monotonic() < deadline, [client.answers for client in clients]
        time.sleep(0.01)
