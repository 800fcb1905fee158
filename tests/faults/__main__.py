"""`python -m tests.faults standard|full [pytest's arguments]`: all fault tests, and one table.

They run in two parts, because a busy machine makes all of them slow but only some of them wrong:
those whose times are bounded tightly (`calm`) have it to themselves first.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from tests.faults import tally

_TIMEOUT_SECONDS = {"standard": 600, "full": 10_800}
_PARTS = (["-m", "calm", "-n", "2"], ["-m", "not calm", "-n", "3"])
_NOTHING_SELECTED = 5


def main(mode: str = "standard", *arguments: str) -> int:
    """Run both parts, whatever comes of the first; return 0 if tests ran and all passed, else 1."""
    if mode not in _TIMEOUT_SECONDS:
        raise SystemExit(f"{mode} is none of {', '.join(_TIMEOUT_SECONDS)}.")
    rows = Path("build") / f"faults-{mode}.jsonl"
    rows.parent.mkdir(exist_ok=True)
    rows.write_bytes(b"")
    statuses = [_run(mode, rows, [*part, *arguments]) for part in _PARTS]
    table = tally.report(
        tally.read(rows), mode, shlex.join(["python", "-m", "tests.faults", *sys.argv[1:]])
    )
    rows.with_suffix(".md").write_text(table + "\n")
    print(table)
    ran = [status for status in statuses if status != _NOTHING_SELECTED]
    return 0 if ran and not any(ran) else 1


def _run(mode: str, rows: Path, arguments: list[str]) -> int:
    command = [sys.executable, "-m", "pytest", "tests/faults", "--dist", "load"]
    command += ["--maxschedchunk", "1", "--timeout", str(_TIMEOUT_SECONDS[mode]), *arguments]
    environment = os.environ | {"FAULTS": mode, "FAULTS_ROWS": str(rows)}
    with subprocess.Popen(command, env=environment) as pytest:
        try:
            return pytest.wait()
        except KeyboardInterrupt:
            pytest.wait()  # it has heard of that, too, and ends what it started
            raise SystemExit(130) from None


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
