"""`antiphon bus`: what operators type, what they read, what it changes, and the exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import delete, select, update

from antiphon.embedded.folder import DataFolder, lock
from common.db import db_time, new_id, utcnow
from common.events import Event, Subscriptions, emit
from common.events.bus import KombuBus
from common.events.inbox import MAX_ATTEMPTS, receive, retry_due
from common.events.tables import inbox, outbox, outbox_delivery

RunJson = Callable[..., Any]


class ArtistDeleted(Event):
    event_type: ClassVar = "catalog.artist.deleted.v1"
    subject_kind: ClassVar = "artist"


class TrackDeleted(Event):
    event_type: ClassVar = "catalog.track.deleted.v1"
    subject_kind: ClassVar = "track"


ARTIST, TRACK = ArtistDeleted.event_type, TrackDeleted.event_type


@pytest.fixture
def emit_event(open_database: Any) -> Callable[..., str]:
    """Return a function that lets catalog emit an event."""

    def make(event: type[Event] = TrackDeleted) -> str:
        with open_database("catalog") as database, database.transaction() as session:
            return emit(session, event(id=new_id(), version=1))

    return make


@pytest.fixture
def kill_event(open_database: Any, emit_event: Callable[..., str]) -> Callable[..., str]:
    """Return a function that makes a dead letter in playlist."""

    def make(event: type[Event] = TrackDeleted) -> str:
        event_id = emit_event(event)
        with open_database("catalog") as database, database.reading() as session:
            mine = select(outbox.c.envelope).where(outbox.c.event_id == event_id)
            body = session.execute(mine).scalar_one()
        with open_database("playlist") as database:
            receive(database, Subscriptions(), body.encode())
            with database.transaction() as session:
                dying = {"attempts": MAX_ATTEMPTS - 1, "next_at": db_time(session)}
                session.execute(update(inbox).where(inbox.c.event_id == event_id).values(**dying))
            retry_due(database, Subscriptions())
        return event_id

    return make


@pytest.fixture
def bury_garbage(open_database: Any) -> str:
    with open_database("playlist") as database:
        receive(database, Subscriptions(), b"this is no event")
        with database.reading() as session:
            found: str = session.execute(select(inbox.c.event_id)).scalar_one()
    return found


@pytest.fixture
def states(open_database: Any) -> Callable[[], dict[str, str]]:
    """Return a function that gives the state of each event in playlist's inbox."""

    def read() -> dict[str, str]:
        with open_database("playlist") as database, database.reading() as session:
            return {row.event_id: row.state for row in session.execute(select(inbox))}

    return read


def test_status_of_a_stopped_antiphon(
    run: Any, run_json: RunJson, emit_event: Any, kill_event: Any
) -> None:
    emit_event()
    kill_event()

    result = run("bus", "status")

    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [*lines[[line[:2] for line in lines].index(["catalog", "playlist"])][:3]] == [
        "catalog", "playlist", "2",
    ]  # fmt: skip
    assert ["playlist", "0", "1", "?", "?", "?", "-", "-", "-", "-"] in lines
    assert ["media", "0", "0", "?", "?", "?", "?", "0", "0", "0"] in lines
    assert "Lengths of queues are unknown: Antiphon does not run here" in result.stderr
    status = run_json("bus", "status")
    assert status["services"]["playlist"]["dead"] == 1
    deliveries = {row["subscriber"]: row for row in status["services"]["catalog"]["deliveries"]}
    assert deliveries["playlist"]["undelivered"] == 2
    assert 0 < deliveries["media"]["oldest_age_seconds"] < 60
    assert deliveries["auth"]["undelivered"] == 0
    assert status["broker"]["answers"] is False


def test_status_of_a_running_antiphon_counts_queues(
    run: Any, run_json: RunJson, folder: DataFolder, broker_url: str
) -> None:
    lock(folder, "http://localhost:1")
    folder.broker.write_text(broker_url)
    bus = KombuBus(broker_url, "catalog")
    bus.publish("playlist.events", [b"1", b"2"])
    bus.close()

    assert "? " not in run("bus", "status").stdout
    status = run_json("bus", "status")
    assert status["broker"] == {"answers": True, "reason": None}
    assert status["services"]["playlist"]["queues"] == {
        "playlist.events": 2,
        "playlist.acks": 0,
    }
    assert status["services"]["media"]["queues"]["media.jobs"] == 0


def test_in_production_the_environment_names_what_to_look_into(
    run: Any, folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CATALOG_DATABASE_URL", folder.database_url("catalog"))
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    result = run("bus", "status")
    assert result.exit_code == 1
    assert "From the environment" in result.stdout
    assert "The broker does not answer" in result.stderr
    assert "databases were not named: auth, playlist, media." in result.stderr
    assert run("bus", "dead", "list", "--service", "playlist").exit_code == 1
    for nothing in (run("bus", "dead", "list"), run("bus", "retry", "list"), run("jobs", "list")):
        assert nothing.exit_code == 0
        assert "databases were not named: auth, playlist, media." in nothing.stderr


def test_a_database_that_cannot_be_read_is_named_and_the_others_are_shown(
    run: Any, folder: DataFolder
) -> None:
    folder.path.joinpath("auth.db").write_bytes(b"no database" * 100)
    result = run("bus", "status")
    assert result.exit_code == 1
    assert "The database of auth cannot be read: file is not a database" in result.stderr
    assert "media " in result.stdout
    assert run("bus", "dead", "list").exit_code == 1


def test_a_folder_without_antiphon_is_refused_and_left_as_it_is(run: Any, tmp_path: Path) -> None:
    result = run("bus", "status", "--data-dir", str(tmp_path / "none"))
    assert result.exit_code == 1
    assert "There is no Antiphon in" in result.stderr
    assert "CATALOG_DATABASE_URL" in result.stderr
    assert not (tmp_path / "none").exists()


def test_lists_and_shows_dead_letters(run: Any, run_json: RunJson, kill_event: Any) -> None:
    nothing = run("bus", "dead", "list").stdout
    assert nothing == "There are no dead letters in auth or catalog or playlist or media.\n"
    track, artist = kill_event(), kill_event(ArtistDeleted)

    listed = run("bus", "dead", "list")
    assert listed.exit_code == 0
    assert track in listed.stdout
    assert artist in listed.stdout
    assert "LookupError" in listed.stdout

    def ids(*options: str) -> list[str]:
        return [
            one["event_id"] for one in run_json("bus", "dead", "list", *options)["dead_letters"]
        ]

    assert ids() == [track, artist]
    assert ids("--type", ARTIST) == [artist]
    assert ids("--service", "media") == []
    assert ids("--since", "1h") == [track, artist]
    assert ids("--type", "auth.user.deleted.v1") == []
    shown = run("bus", "dead", "show", track)
    assert shown.exit_code == 0
    assert f"nothing here listens to {TRACK}" in shown.stdout
    (letter,) = run_json("bus", "dead", "show", track)["dead_letters"]
    assert letter["service"] == "playlist"
    assert letter["envelope"]["id"] == track
    nobody = run("bus", "dead", "show", "nobody")
    assert nobody.exit_code == 1
    assert "no dead letter of auth or catalog" in nobody.stderr


def test_replays_by_id_by_type_and_all(
    run: Any, run_json: RunJson, kill_event: Any, states: Any, bury_garbage: str
) -> None:
    first, second, artist = kill_event(), kill_event(), kill_event(ArtistDeleted)

    one = run("bus", "dead", "replay", first)
    assert one.exit_code == 0
    assert one.stdout == f"{first} {TRACK} will be tried again in playlist.\n"
    again = run("bus", "dead", "replay", first)
    assert again.exit_code == 1
    assert f"{first} in playlist is being tried again, attempt 1 at" in again.stderr
    assert f"antiphon bus retry now {first}" in again.stderr
    by_type = run_json("bus", "dead", "replay", "--type", TRACK)
    assert [change["event_id"] for change in by_type["changed"]] == [second]
    assert by_type["by"]
    rest = run("bus", "dead", "replay", "--all")
    assert rest.exit_code == 1
    assert artist in rest.stdout
    assert f"{bury_garbage} in playlist is no event that could be read" in rest.stderr
    assert states() == {first: "retry", second: "retry", artist: "retry", bury_garbage: "dead"}


def test_discards_only_when_told_twice(run: Any, kill_event: Any, states: Any) -> None:
    event_id = kill_event()
    refused = run("bus", "dead", "discard", "--all", stdin="n\n")
    assert refused.exit_code == 1
    assert event_id in refused.stderr
    unanswered = run("bus", "dead", "discard", "--all", stdin="")
    assert unanswered.exit_code == 1
    assert "--yes does without a question" in unanswered.stderr
    assert run("bus", "dead", "discard", "--all", "--json").exit_code == 2
    assert states() == {event_id: "dead"}
    assert run("bus", "dead", "discard", "--all", stdin="y\n").exit_code == 0
    assert states() == {event_id: "done"}
    nothing = run("bus", "dead", "discard", "--all", "--yes")
    assert nothing.exit_code == 1
    assert "There are no dead letters in" in nothing.stderr
    assert "Nothing was changed" in nothing.stderr
    late = run("bus", "dead", "replay", event_id)
    assert f"{event_id} in playlist was discarded by an operator" in late.stderr


def _wait_an_hour(open_database: Any, event_id: str) -> None:
    with open_database("playlist") as database, database.transaction() as session:
        later = {"state": "retry", "attempts": 3, "next_at": db_time(session) + timedelta(hours=1)}
        session.execute(update(inbox).where(inbox.c.event_id == event_id).values(**later))


def test_shows_and_hurries_what_is_tried_again(
    run: Any, run_json: RunJson, kill_event: Any, open_database: Any
) -> None:
    assert "No event is being tried again in" in run("bus", "retry", "list").stdout
    waiting, dead = kill_event(), kill_event()
    _wait_an_hour(open_database, waiting)

    listed = run("bus", "retry", "list")
    assert listed.exit_code == 0
    assert waiting in listed.stdout
    assert "next try" in listed.stdout
    assert dead not in listed.stdout
    assert "LookupError" in run("bus", "retry", "show", waiting).stdout
    (shown,) = run_json("bus", "retry", "show", waiting)["retrying"]
    assert (shown["attempts"], shown["envelope"]["id"]) == (3, waiting)
    assert _retry_due(open_database) == 0

    hurried = run("bus", "retry", "now", waiting, dead)

    assert hurried.exit_code == 1
    assert f"{waiting} {TRACK} is due at once in playlist." in hurried.stdout
    assert f"{dead} in playlist is a dead letter: `antiphon bus dead replay" in hurried.stderr
    assert _retry_due(open_database) == 1


def _retry_due(open_database: Any) -> int:
    with open_database("playlist") as database:
        return retry_due(database, Subscriptions())


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["dead", "replay", "--all", "--type", TRACK], "Only one of these"),
        (["retry", "now"], "Say which"),
        (["dead", "list", "--type", "nope"], "nope is no type of events. What is: auth."),
        (["dead", "list", "--since", "2126-01-01"], "is in the future"),
        (["replay", "--service", "catalog", "--subscriber", "playlist", "--since", "-1h"],
         "without the minus"),
    ],
)  # fmt: skip
def test_says_what_makes_no_sense(run: Any, arguments: list[str], reason: str) -> None:
    result = run("bus", *arguments)
    assert result.exit_code == 2
    assert reason in " ".join(result.stderr.replace("│", " ").split())


def test_a_replay_tells_what_it_cannot_bring_back(
    run: Any, kill_event: Any, open_database: Any
) -> None:
    waiting, _dead = kill_event(), kill_event()
    _wait_an_hour(open_database, waiting)
    replay = ["bus", "replay", "--service", "catalog", "--subscriber", "playlist"]
    told = run(*replay, "--since", "1h").stdout
    assert "2 events of catalog were still on their way to playlist" in told
    assert "will be delivered" not in told
    assert "1 of them playlist failed to apply and tries again by itself" in told
    assert "1 of them are dead letters of playlist" in told
    nothing = run(*replay, "--since", "0s")
    assert nothing.exit_code == 1
    assert "catalog emitted nothing for playlist since" in nothing.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["dead", "replay"],
        ["dead", "discard", "--yes"],
        ["dead", "replay", "id", "--all"],
        ["dead", "replay", "id", "--since", "1h"],
        ["dead", "replay", "--since", "1h"],
        ["dead", "list", "--since", "soon"],
        ["replay", "--service", "catalog", "--subscriber", "playlist"],
        ["replay", "--service", "catalog", "--subscriber", "catalog", "--since", "1h"],
        ["replay", "--service", "catalog", "--subscriber", "media", "--since", "1h",
         "--type", ARTIST],
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_usage(run: Any, arguments: list[str]) -> None:
    assert run("bus", *arguments).exit_code == 2


def test_replays_what_a_subscriber_lost(
    run: Any, run_json: RunJson, emit_event: Any, kill_event: Any, open_database: Any
) -> None:
    lost, dead, artist = emit_event(), kill_event(), emit_event(ArtistDeleted)
    with open_database("catalog") as database, database.transaction() as session:
        session.execute(delete(outbox_delivery))
    with open_database("playlist") as database, database.transaction() as session:
        session.execute(update(inbox).values(state="done"))
    replay = ["bus", "replay", "--service", "catalog", "--subscriber", "playlist", "--since", "1h"]

    (done,) = run_json(*replay, "--type", TRACK)["changed"]
    assert (done["events"], done["inserted"], done["done"], done["still_waiting"]) == (2, 2, 1, 0)
    again = run(*replay)
    assert again.exit_code == 0
    assert "1 events of catalog will be delivered to playlist again." in again.stdout
    assert "2 events of catalog were still on their way to playlist" in again.stdout
    assert "1 of them playlist has noted as done" in again.stdout
    with open_database("catalog") as database, database.reading() as session:
        rows = session.execute(select(outbox_delivery)).all()
    assert {(row.event_id, row.subscriber) for row in rows} == {
        (event_id, "playlist") for event_id in (lost, dead, artist)
    }
    since = utcnow().isoformat()
    none = run(*replay[:-1], since)
    assert none.exit_code == 1
    old = run(*replay[:-1], "60d")
    assert "keeps delivered events for 14 days" in old.stderr


def test_the_command_line_itself_stays_light() -> None:
    """`antiphon up` need not import what only these commands do."""
    code = "import sys, antiphon.main; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "kombu", "common", "common.db"} & set(done.stdout.split())


def test_as_a_program(folder: DataFolder, kill_event: Any) -> None:
    kill_event()
    command = [sys.executable, "-m", "antiphon", "bus", "dead", "list", "--json"]
    done = subprocess.run(
        [*command, "--data-dir", str(folder.path)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert len(json.loads(done.stdout)["dead_letters"]) == 1
