"""How hard the fault tests try: `FAULTS=short` (in `make test`), `standard` or `full`."""

import os
import random
import zlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """The figures of one mode; times in seconds."""

    name: str
    events: int
    """How many events a test commits."""
    kills: int
    """How often consumers, relays and the like are killed."""
    stops: int
    """How often a consumer is stopped in its pop (test 2)."""
    redis_kills: int
    database_kills: int
    resend_lease_seconds: float
    """How long a published event waits for its acknowledgement before it is sent again."""
    visibility_seconds: float
    """How long kombu waits before it gives a dead consumer's message to another one."""
    outage_seconds: float
    """How long Redis is away (test 8)."""
    absence_seconds: float
    """How long a subscriber is away (test 9)."""
    queue_limit: int
    """How many messages a queue may hold before the rest waits in the outbox (tests 8 and 9)."""
    versions: int
    """How many states one aggregate goes through (test 10)."""
    mix_seconds: float
    """How long anything may fail at random (test 18)."""
    drain_seconds: float
    """How long the backlog may take to reach everybody after the last write."""


SCALES = {
    scale.name: scale
    for scale in (
        Scale(
            name="short",
            events=300,
            kills=4,
            stops=1,
            redis_kills=2,
            database_kills=2,
            resend_lease_seconds=2,
            visibility_seconds=5,
            outage_seconds=5,
            absence_seconds=5,
            queue_limit=100,
            versions=100,
            mix_seconds=10,
            drain_seconds=60,
        ),
        Scale(
            name="standard",
            events=2_000,
            kills=20,
            stops=6,
            redis_kills=6,
            database_kills=5,
            resend_lease_seconds=3,
            visibility_seconds=10,
            outage_seconds=20,
            absence_seconds=20,
            queue_limit=300,
            versions=1_000,
            mix_seconds=60,
            drain_seconds=240,
        ),
        Scale(
            name="full",
            events=10_000,
            kills=50,
            stops=20,
            redis_kills=20,
            database_kills=5,
            resend_lease_seconds=60,
            visibility_seconds=60,
            outage_seconds=600,
            absence_seconds=3_600,
            queue_limit=10_000,
            versions=1_000,
            mix_seconds=1_800,
            drain_seconds=900,
        ),
    )
}


def current() -> Scale:
    """Return the scale that `FAULTS` names; raises SystemExit for a name that there is not."""
    name = os.environ.get("FAULTS") or "short"
    if name not in SCALES:
        raise SystemExit(f"FAULTS={name} is none of {', '.join(SCALES)}.")
    return SCALES[name]


def base_seed() -> int:
    """Return the seed that all tests' own seeds are made from: `FAULTS_SEED`, or 1."""
    return int(os.environ.get("FAULTS_SEED") or 1)


def seeded(number: int, dialect: str) -> random.Random:
    """Return the source of a test's random choices: the same for the same test and seed."""
    seed = zlib.crc32(f"{base_seed()} {number} {dialect}".encode())
    print(f"test {number} on {dialect}: seed {seed}")
    return random.Random(seed)
