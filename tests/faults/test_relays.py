"""Relays that die around a publication, and relays that share the work."""

import signal
import time

import pytest
from tests.faults.harness import Choir
from tests.faults.scale import Scale, seeded
from tests.faults.tally import Tally


def test_relays_killed_around_a_publication(choir: Choir, scale: Scale, tally: Tally) -> None:
    """After the claim's commit, between two messages of a batch, and after the batch."""
    dice = seeded(3, tally.dialect)
    choir.start("echo")
    share = scale.events // scale.kills // 2
    for _ in range(scale.kills):
        choir.sing(share)
        point = dice.choice(["before-publish", "publish", "after-publish"])
        relay = choir.start("choir", CRASH=f"{point}:{dice.randint(1, 5)}")
        while relay.poll() is None:
            choir.sing(1)
            time.sleep(0.02)
        assert relay.returncode == -signal.SIGKILL
    assert choir.waiting() > 0
    choir.start("choir")
    choir.sing(max(0, scale.events - choir.sung()))
    choir.settle(tally, 3, f"relay killed around a publication x{scale.kills}")


@pytest.mark.standard
def test_two_relays_and_two_consumers_share_a_burst(
    choir: Choir, scale: Scale, tally: Tally
) -> None:
    for name in ("choir", "choir", "echo", "echo"):
        # A lease that a burst outlasts would send again what is only waiting its turn.
        choir.start(name, RESEND_LEASE_SECONDS=600)
    choir.sing(scale.events)
    choir.settle(tally, 4, "burst through two relays, no faults")
    assert choir.counts().redelivered == 0
