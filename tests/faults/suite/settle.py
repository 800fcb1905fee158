"""Waiting until nothing is on its way any more."""

from tests.faults.suite.audit import failures, read_jobs, undelivered, unsettled
from tests.faults.suite.harness import Suite
from tests.faults.suite.processes import wait_for


def drain(suite: Suite, seconds: float) -> float:
    """Wait until no event and no job is under way; return the seconds it took."""

    def is_quiet() -> bool:
        busy = {row.state for row in read_jobs(suite.database("media"))} & {"queued", "running"}
        return not (busy or undelivered(suite) or unsettled(suite))

    def left() -> str:
        return f"{undelivered(suite)} {failures(suite)} {suite.tails()}"

    return wait_for(is_quiet, seconds, left)
