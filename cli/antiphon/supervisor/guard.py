"""The guard: ends every child when the supervisor is killed without a chance to do so itself."""

import os
import subprocess
from collections.abc import Iterable
from types import TracebackType

# A shell, because it is everywhere and takes less than 1 MB. Each line it reads is the whole list
# of process groups; its input ends only when the supervisor is gone, then the last list counts.
_SCRIPT = """
trap '' HUP INT QUIT TERM
groups=
while read -r line; do groups=$line; done
[ -n "$groups" ] || exit 0
for group in $groups; do kill -s KILL -- "-$group" 2>/dev/null; done
rm -rf -- "$1"
"""


class Guard:
    """A watching shell in its own session; it kills groups and removes the run folder."""

    def __init__(self, run_dir: str) -> None:
        self._run_dir = run_dir
        self._line = b"\n"
        self._spawn()

    def __enter__(self) -> "Guard":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.watch([])
        os.close(self._pipe)
        self._shell.wait()

    def watch(self, groups: Iterable[int]) -> None:
        """Replace the list of process groups that must not outlive the supervisor."""
        self._line = (" ".join(map(str, groups)) + "\n").encode()
        try:
            os.write(self._pipe, self._line)
        except BrokenPipeError:
            self.revive()

    def revive(self) -> None:
        """Start another shell if somebody ended this one."""
        if self._shell.poll() is not None:
            os.close(self._pipe)
            self._spawn()
            os.write(self._pipe, self._line)

    def _spawn(self) -> None:
        # The writing end is not inheritable: only the supervisor's own end keeps it open.
        reading, self._pipe = os.pipe()
        self._shell = subprocess.Popen(  # noqa: S603 -- a fixed command
            ["/bin/sh", "-c", _SCRIPT, "antiphon-guard", self._run_dir],
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(reading)
