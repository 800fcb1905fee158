"""A deleted user leaves nothing behind, whatever fails meanwhile: test 19."""

import random
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.faults.scale import Scale, seeded
from tests.faults.suite.agreement import disagreements
from tests.faults.suite.audit import undelivered
from tests.faults.suite.chaos import Chaos
from tests.faults.suite.harness import EVERYTHING, JOBS, Suite
from tests.faults.suite.leftovers import files_of_others, rows_naming
from tests.faults.suite.processes import wait_for
from tests.faults.suite.settle import drain
from tests.faults.suite.writers import Library, Writer
from tests.faults.tally import Tally

from auth.models import ErasureReceipt
from media.adapters.storage import LocalStorage
from media.services.sweeping import sweep

pytestmark = [pytest.mark.timeout(7200), pytest.mark.standard]

_LEAVERS = {"standard": 4, "full": 20}
_WORK_SECONDS = {"standard": 12, "full": 60}
"""How long users work before the first leaves, and after the last has left."""
_ERASERS = frozenset({"catalog", "playlist", "media"})


@pytest.mark.parametrize("redis_server", ["everysec"], indirect=True)
def test_of_a_deleted_user_nothing_remains(
    make_suite: Callable[..., Suite],
    make_tone: Callable[..., bytes],
    scale: Scale,
    tally: Tally,
) -> None:
    """Users are deleted while they work, and go on trying to write with the token they have.

    One user stays, whose data must all be there. Files that killed processes left are removed by
    the sweeper, which waits two hours before it does; here it is run at once.
    """
    rng = seeded(19, tally.dialect)
    suite = make_suite(MEDIA_JOB_LEASE_SECONDS="5", AUTH_ACCESS_TOKEN_SECONDS="1500")
    suite.migrate()
    suite.start(*EVERYTHING, "playlist.worker", JOBS)
    suite.keep()
    stayer, *leavers = _make_writers(suite, rng, make_tone, 1 + _LEAVERS[scale.name])
    chaos = Chaos(suite, random.Random(rng.random()))
    for thread in (stayer, *leavers, chaos):
        thread.start()
    time.sleep(_WORK_SECONDS[scale.name])
    for leaver in leavers:
        _delete_account(suite, leaver)
    time.sleep(_WORK_SECONDS[scale.name])
    chaos.end()
    for writer in (stayer, *leavers):
        writer.end()
    left = _Leftovers(suite, leavers)
    drained = wait_for(left.are_gone, scale.drain_seconds, left.describe, every=0.5)
    drained += drain(suite, scale.drain_seconds)
    storage = LocalStorage(suite.storage)
    swept = sweep(suite.database("media"), storage, stale=timedelta(0))
    files = files_of_others(suite.storage, set(stayer.journal.uploads.values()))
    wrong = disagreements(suite, [stayer.journal], all_stayed=False)
    tally.record(
        number=19,
        title="users deleted under faults",
        committed=len(leavers) * len(_ERASERS),
        applied=len(left.receipts()),
        lost=len(left.rows()) + len(files),
        twice=0,
        redelivered=None,
        drained_seconds=drained,
        note=f"{len(leavers)} users, {sum(w.journal.writes for w in leavers)} writes of theirs; "
        f"events: receipts; lost: rows and files left; {swept} files swept; {chaos}",
    )
    assert left.rows() == []
    assert files == []
    assert wrong == []
    assert undelivered(suite) == {}


class _Leftovers:
    """What remains of users who left."""

    def __init__(self, suite: Suite, leavers: Sequence[Writer]) -> None:
        self._suite = suite
        self._ids = {leaver.person.id for leaver in leavers}
        self._names = {leaver.person.name for leaver in leavers}

    def rows(self) -> list[str]:
        return rows_naming(self._suite, self._ids, self._names)

    def receipts(self) -> set[tuple[str, str]]:
        columns = select(ErasureReceipt.user_id, ErasureReceipt.service)
        with self._suite.database("auth").reading() as session:
            return {(row.user_id, row.service) for row in session.execute(columns)}

    def are_gone(self) -> bool:
        wanted = {(user_id, service) for user_id in self._ids for service in _ERASERS}
        return self.receipts() == wanted and not self.rows()

    def describe(self) -> str:
        rows = "\n".join(self.rows()[:20])
        return f"receipts: {self.receipts()}\n{rows}\n{self._suite.tails(600)}"


def _make_writers(
    suite: Suite, rng: random.Random, make_tone: Callable[..., bytes], count: int
) -> list[Writer]:
    """Return users; the first one listens only to what is their own, which nobody deletes."""
    own, shared = Library(), Library()
    return [
        Writer(
            suite.person(f"leaver{number}x" if number else "stayer"),
            shared if number else own,
            random.Random(rng.random()),
            make_tone,
            8,
        )
        for number in range(count)
    ]


def _delete_account(suite: Suite, leaver: Writer) -> None:
    """Delete the account from another session of the user, who goes on writing."""
    leaver.check()
    leaver.person.leaves = True
    elsewhere = suite.person(leaver.person.name)
    elsewhere.login()
    # After one that got no answer the account may be gone already.
    elsewhere.insist("auth", "DELETE", "/api/v1/users/me", (204, 401, 404))
