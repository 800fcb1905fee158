"""All of Antiphon ends under load on SIGTERM: in order, in time, and nothing is left half done."""

import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from statistics import median

import pytest
from tests.e2e.conftest import free_port, start_suite
from tests.e2e.traffic import MADE, SERVICES, assert_each_made_once, clients, token_of_a_new_user
from tests.faults.scale import current

from gateway.testing.load import Load

pytestmark = pytest.mark.timeout(1800)

_ROUNDS = {"short": 1, "standard": 4, "full": 20}
# What the plan gives to the gateway, the webs, the workers and Redis, one after another.
_LIMIT_SECONDS = 5 + 8 + 10 + 10
# What a client sends in the moment of the end may meet a gateway that is gone.
_MOMENT_SECONDS = 0.3


def test_all_of_antiphon_ends_in_time(tmp_path: Path) -> None:
    loads, seconds = [], []
    for _ in range(_ROUNDS[current().name]):
        suite = start_suite(tmp_path, free_port())
        address = f"127.0.0.1:{suite.port}"
        with Load(address, clients(token_of_a_new_user(address))) as load:
            time.sleep(3)
            asked = time.monotonic()
            suite.process.send_signal(signal.SIGTERM)
            code = suite.process.wait(_LIMIT_SECONDS)
            seconds.append(time.monotonic() - asked)
        output = "".join(suite.output)
        assert code == 0, output
        assert "killed" not in output
        accepted = [each for each in load.outcomes if each.started < asked - _MOMENT_SECONDS]
        assert [str(each) for each in accepted if not each.is_as_expected] == []
        loads.append(load)
    print(f"{len(seconds)} stops in p50 {median(seconds):.1f} s, max {max(seconds):.1f} s")
    for service in SERVICES:
        with closing(sqlite3.connect(tmp_path / f"{service}.db")) as database:
            made = [name for (name,) in database.execute(MADE[service])]
        for load in loads:
            assert_each_made_once(load, service, made)
