from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auth import events
from auth.consumers.erasures import subscriptions
from auth.models import ErasureReceipt, Role, User
from common.db import Database, new_id, utcnow
from common.events import emit
from common.testing.contracts import (
    Sample,
    assert_applied_once,
    assert_order_is_irrelevant,
    barest,
    consume,
    emitted_types,
    published_samples,
    received_samples,
    with_unknown_fields,
)
from common.testing.plugin import MakeDatabase

LogIn = Callable[..., dict[str, str]]


def test_the_use_cases_emit_every_event_that_auth_publishes(
    register: Callable[..., Any],
    log_in: LogIn,
    client: Any,
    database: Database,
    contracts_dir: Path,
) -> None:
    ann, root = register("ann"), register("root")
    with database.transaction() as session:
        session.get_one(User, root["id"]).role_names = " ".join(Role)
    admin = {"Authorization": log_in("root")["bearer"]}
    for change in ({"roles": ["listener"]}, {"enabled": False}, {"enabled": True}):
        changed = client.patch(f"/api/v1/users/{ann['id']}", headers=admin, json=change)
        assert changed.status_code == 200
    client.post("/api/v1/auth/revoke", data={"token": log_in("root")["refresh_token"]})
    assert client.delete("/api/v1/users/me", headers=admin).status_code == 204
    assert emitted_types(database) == published_samples(contracts_dir, "auth").keys()


def test_an_event_with_unknown_fields_is_applied_once(
    database: Database, received_sample: Sample
) -> None:
    assert_applied_once(database, subscriptions, with_unknown_fields(received_sample))


def test_an_event_with_as_little_as_its_schema_allows_is_applied(
    database: Database, received_sample: Sample, contracts_dir: Path
) -> None:
    consume(database, subscriptions, barest(contracts_dir, received_sample))


def test_events_may_come_in_any_order(make_database: MakeDatabase, contracts_dir: Path) -> None:
    samples = list(received_samples(contracts_dir, "auth").values())
    databases = make_database("auth"), make_database("auth")
    assert_order_is_irrelevant(databases, subscriptions, samples, {"erasure_receipt": "*"})


def test_receipts_of_all_services_are_kept(contracts_dir: Path, database: Database) -> None:
    for sample in received_samples(contracts_dir, "auth").values():
        consume(database, subscriptions, sample)
    with database.reading() as session:
        assert session.query(ErasureReceipt).count() == 3


def test_a_receipt_that_comes_late_does_not_replace_a_newer_one(
    contracts_dir: Path, database: Database
) -> None:
    sample = received_samples(contracts_dir, "auth")["catalog.user_data.erased.v1"]
    for version, count in ((2, 20), (1, 10), (3, 30), (2, 20)):
        data = sample["data"] | {"version": version, "rows": count}
        consume(database, subscriptions, sample | {"id": new_id(), "data": data})
    with database.reading() as session:
        receipt = session.query(ErasureReceipt).one()
    assert (receipt.version, receipt.rows) == (3, 30)


def test_emitting_an_event_nobody_routes_is_an_error(
    database: Database,
) -> None:
    class Unrouted(events.SessionRevoked):
        event_type = "auth.nobody.listens.v1"

    event = Unrouted(id="x", version=1, user_id="y", revoked_at=utcnow())
    with pytest.raises(LookupError, match=r"subscribers\.yaml"), database.transaction() as session:
        emit(session, event)
