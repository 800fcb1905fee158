"""Replace a service's containers one by one under load: `python -m tests.containers.rolling`.

Ends with 1 if a request failed, or if what was acknowledged is not there exactly once.
"""

import argparse
import subprocess
import sys
import time

from tests.containers.stack import Stack
from tests.e2e.traffic import (
    MADE,
    SERVICES,
    assert_each_made_once,
    clients,
    summary,
    token_of_a_new_user,
)

from gateway.testing.load import Load

_FILES = ("docker-compose.yml", "docker-compose.scale.yml")
# Two health checks of the gateway and a bit: it must know that the new one is well.
_SETTLE_SECONDS = 3.0


def main() -> int:
    """Run the drill and print the counts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", choices=SERVICES, default="catalog")
    parser.add_argument("--requests", type=int, default=20_000, help="at least so many")
    parser.add_argument("--clients", type=int, default=4, help="groups of three clients")
    arguments = parser.parse_args()
    stack = Stack(*_FILES)
    stack.up()
    return _drill(stack, arguments.service, arguments.requests, arguments.clients)


def _drill(stack: Stack, service: str, requests: int, groups: int) -> int:
    token = token_of_a_new_user(stack.address)
    makers = [maker for _ in range(groups) for maker in clients(token, [service])]
    before, replaced, started = _containers(stack, service), 0, time.monotonic()
    with Load(stack.address, makers, pause_seconds=0.002) as load:
        while len(load.outcomes) < requests or replaced == 0:
            for name in (f"{service}-web", f"{service}-web-2", f"{service}-worker"):
                stack.replace(name)
                time.sleep(_SETTLE_SECONDS)
            replaced += 1
    failed = load.unexpected()
    print(f"{len(load.outcomes)} requests in {time.monotonic() - started:.0f} s, while", end=" ")
    print(f"the containers of {service} were replaced {replaced} times, one by one")
    print(f"{summary(load.outcomes)}; {len(failed)} failed")
    for outcome in failed[:20]:
        print(f"  {outcome}")
    assert not before & _containers(stack, service), "a container was not replaced"
    assert_each_made_once(load, service, stack.sql(service, MADE[service]))
    return 1 if failed else 0


def _containers(stack: Stack, service: str) -> set[str]:
    names = (f"{service}-web", f"{service}-web-2", f"{service}-worker")
    return set(stack.compose("ps", "--quiet", *names).split())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with {error.returncode}")
