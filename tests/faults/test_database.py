"""Databases that die, and processes that die in the middle of a transaction."""

import signal
import time

import pytest
from tests.faults.harness import Choir, Process, finish, new_subjects, wait_for
from tests.faults.scale import Scale, seeded
from tests.faults.servers import SqlServer, kill
from tests.faults.tally import Tally


@pytest.mark.parametrize("sql_server", ["mariadb"], indirect=True)
def test_the_database_killed_in_mid_stream(
    choir: Choir, sql_server: SqlServer, scale: Scale, tally: Tally
) -> None:
    dice = seeded(7, tally.dialect)
    for name in ("choir", "choir", "echo", "echo"):
        choir.start(name)
    writer = choir.start_writer(new_subjects(scale.events), scale.database_kills * 3)
    wait_for(lambda: choir.applied() > 0, 30)
    for _ in range(scale.database_kills):
        time.sleep(dice.uniform(0.5, 1.5))
        sql_server.kill()
        time.sleep(dice.uniform(0, 0.5))
        sung = choir.sung()
        sql_server.start()
        _wait_for_a_write(choir, sung, writer)
    finish(writer, scale.drain_seconds)
    _settle(choir, tally, f"database killed x{scale.database_kills}")


@pytest.mark.parametrize("sql_server", ["sqlite"], indirect=True)
def test_writers_and_workers_killed_in_mid_transaction(
    choir: Choir, scale: Scale, tally: Tally
) -> None:
    """SQLite has no server to kill; what can die in a transaction is whoever has it open."""
    dice = seeded(7, tally.dialect)
    subjects = new_subjects(scale.events)
    share = scale.events // (scale.database_kills + 1)
    by_themselves = 0
    for _ in range(scale.database_kills):
        processes = [
            choir.start("choir", CRASH=f"commit:{dice.randint(1, 20)}"),
            choir.start("echo", CRASH=f"handler:{dice.randint(1, share)}"),
            choir.start("echo", CRASH=f"commit:{dice.randint(1, share)}"),
        ]
        writer = choir.start_writer(subjects, scale.events / 200, CRASH=f"commit:{share}")
        assert writer.wait(60) == -signal.SIGKILL
        time.sleep(1)
        by_themselves += sum(_end(process) for process in processes)
    for name in ("choir", "echo"):
        choir.start(name)
    finish(choir.start_writer(subjects), scale.drain_seconds)
    title = f"writer and workers killed in a transaction x{scale.database_kills} (no server)"
    _settle(choir, tally, title, f"{by_themselves} workers before COMMIT")


def _wait_for_a_write(choir: Choir, sung: int, writer: Process) -> None:
    wait_for(lambda: choir.sung() > sung or writer.poll() is not None, 30)


def _end(process: Process) -> bool:
    """Kill a process unless it is dead; say whether it was, by the signal."""
    if process.poll() is None:
        kill(process)
        return False
    assert process.returncode == -signal.SIGKILL
    return True


def _settle(choir: Choir, tally: Tally, title: str, note: str = "") -> None:
    choir.settle(tally, 7, title, note=note)
    assert set(choir.emitted().values()) == {1}
    assert choir.sung() == choir.counts().committed
