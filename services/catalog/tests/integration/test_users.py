"""What the ends of logins and accounts do here."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from catalog.models import (
    Album,
    Artist,
    Asset,
    Credit,
    Lyrics,
    PlayCount,
    SearchDocument,
    Track,
)
from catalog.worker import subscriptions
from common.db import Database, new_id
from common.events import Envelope
from common.events.inbox import receive
from common.events.tables import inbox, outbox
from common.testing.contracts import rows

Deliver = Callable[..., str]
NOW = "2026-11-23T12:00:00Z"


def count(database: Database, *models: Any) -> list[int]:
    with database.reading() as session:
        return [session.scalar(select(func.count()).select_from(m)) or 0 for m in models]


def test_nothing_of_a_deleted_user_remains(
    client: FlaskClient,
    owner: dict[str, str],
    owner_id: str,
    publish: Callable[..., str],
    deliver: Deliver,
    asset: Callable[..., dict[str, Any]],
    database: Database,
    erase: Callable[[], None],
    emitted: Callable[[], list[Envelope]],
) -> None:
    kept = publish("Theirs", owner_id=new_id())
    track_id = publish("Mine", tags={"artist": "A; B"})
    client.post("/api/v1/artists", json={"name": "By hand"}, headers=owner)
    client.put(f"/api/v1/tracks/{track_id}/lyrics", json={"plain": "la"}, headers=owner)
    deliver("playlist.track.played.v1", track_id=track_id, played_at=NOW)
    before = {e.id for e in emitted()}

    deliver("auth.user.deleted.v1", id=owner_id, version=2, updated_at=NOW)
    late = asset("Too late")
    deliver("media.asset.ready.v1", **late)
    erase()

    everything = (Track, Album, Artist, Credit, Lyrics, PlayCount, Asset)
    assert count(database, *everything) == [1, 1, 1, 1, 0, 0, 1]
    with database.reading() as session:
        assert session.scalars(select(Track.id)).one() == kept
        assert session.scalar(select(func.count()).select_from(SearchDocument)) == 3
    told = [e.type for e in emitted() if e.id not in before]
    assert sorted(told) == sorted(
        ["catalog.track.deleted.v1", "catalog.album.deleted.v1", "catalog.user_data.erased.v1"]
        + ["catalog.artist.deleted.v1"] * 3
    )
    receipt = emitted()[-1].data
    assert (receipt["id"], receipt["service"], receipt["rows"]) == (owner_id, "catalog", 6)

    deliver("media.asset.ready.v1", **late)
    assert count(database, Track, Asset) == [1, 1]


def test_erasing_a_user_who_owns_nothing_sends_a_receipt(
    deliver: Deliver, erase: Callable[[], None], emitted: Callable[[], list[Envelope]]
) -> None:
    user_id = deliver("auth.user.deleted.v1", version=2, updated_at=NOW)
    erase()
    [receipt] = emitted()
    assert (receipt.data["id"], receipt.data["rows"]) == (user_id, 0)


def test_a_revoked_session_and_a_disabled_user_are_refused(
    client: FlaskClient,
    bearer: Callable[..., dict[str, str]],
    deliver: Deliver,
) -> None:
    session_id, user_id = new_id(), new_id()
    headers = [bearer(session_id=session_id), bearer(user_id), bearer()]
    # The list of revocations is read again a second after it was last read, so first read it now.
    deliver("auth.session.revoked.v1", id=session_id, user_id=new_id(), revoked_at=NOW)
    deliver("auth.user.disabled.v1", id=user_id, updated_at="2999-01-01T00:00:00Z")
    answers = [client.get("/api/v1/genres", headers=h).status_code for h in headers]
    assert answers == [401, 401, 200]


def test_no_word_of_an_erased_user_is_kept(
    client: FlaskClient,
    owner: dict[str, str],
    owner_id: str,
    publish: Callable[..., str],
    asset: Callable[..., dict[str, Any]],
    deliver: Deliver,
    erase: Callable[[], None],
    database: Database,
) -> None:
    tags = {"artist": "Mirabel Quince", "album": "Larkspur Hours", "lyrics": "hush now barley"}
    kept, gone = publish("Tansy and Rue", tags=tags), publish("Sorrel at Noon", tags=tags)
    deliver("playlist.track.played.v1", track_id=kept, played_at=NOW, user_id=owner_id)
    key = {"Idempotency-Key": new_id()}
    client.post("/api/v1/artists", json={"name": "Ann Teasel"}, headers=owner | key)
    assert client.delete(f"/api/v1/tracks/{gone}", headers=owner).status_code == 204
    refused = asset("Comfrey by Night", duration_ms="long")
    for state in ("retry", "dead"):
        event_id = new_id()
        envelope = Envelope(
            id=event_id,
            source="/media",
            type="media.asset.ready.v1",
            subject=f"asset/{refused['id']}",
            time=NOW,
            dataschema="/x",
            sequence="3",
            data=refused,
        )
        receive(database, subscriptions, envelope.model_dump_json().encode())
        with database.transaction() as session:
            session.execute(update(inbox).where(inbox.c.event_id == event_id).values(state=state))
    # Single words of names stay in the vocabulary that corrects typos; it says nothing of whose.
    secrets = ["Mirabel Quince", "Larkspur Hours", "barley", "Tansy and Rue", "Sorrel at Noon"]
    secrets += ["Ann Teasel", "Comfrey by Night", "under_pressure.flac"]
    assert [word for word in secrets if not tables_with(database, word)] == []

    deliver("auth.user.deleted.v1", id=owner_id, version=2, updated_at=NOW)
    erase()
    assert {word: found for word in secrets if (found := tables_with(database, word))} == {}
    # An id remains where it blocks what comes late, and in events that hold no more than ids.
    assert tables_with(database, owner_id) == {"erased_user", "inbox", "outbox", "revocation"}
    with database.reading() as session:
        named = select(outbox.c.type).where(outbox.c.envelope.contains(owner_id)).distinct()
        kinds = {kind.split(".", 1)[1] for kind in session.scalars(named)}
        noted = select(inbox.c.subject).where(inbox.c.envelope.is_not(None))
        assert session.scalars(noted).all() == []
    assert kinds == {
        "artist.deleted.v1",
        "album.deleted.v1",
        "track.deleted.v1",
        "user_data.erased.v1",
    }


def tables_with(database: Database, words: str) -> set[str]:
    """Return the tables in which a text is found, whatever its case."""
    return {
        table
        for table, found in rows(database).items()
        if any(words.casefold() in row.casefold() for row in found)
    }
