"""Run as a script: put this process under limits, then become the given program.

A parent-death signal and limits must be set between fork and exec. Doing it here, and not in
Popen's preexec_fn, is safe in a process with threads. Imports nothing of ours: it starts in 10 ms.
"""

import ctypes
import os
import resource
import signal
import sys
import time

_NICE = 10
_PR_SET_PDEATHSIG = 1
_DID_NOT_START = 127


def main(parent: int, memory_bytes: int, command: list[str]) -> None:
    """Limit address space, die with `parent`, yield to everyone else, exec `command`."""
    os.nice(_NICE)
    _yield_as_a_session()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before the signal was asked for
            sys.exit(1)
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def _yield_as_a_session() -> None:
    """Be nice to other sessions, too: Linux shares out processors by session (sched(7), autogroup).

    Without that, each ffmpeg would get as much as a web process that answers everybody.
    """
    try:
        with open("/proc/self/autogroup", "wb", buffering=0) as wish:  # noqa: PTH123 - starts fast
            for _ in range(5):
                if wish.write(str(_NICE).encode()):
                    return
                time.sleep(0.05)  # the kernel hears one wish in 0.1 s, whoever's it is
    except OSError:  # not Linux, or another way to share
        return


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
    except Exception as error:
        print(f"{sys.argv[3]}: {error}", file=sys.stderr)
        # As shells say it: 1 would be what ffmpeg says of a file.
        sys.exit(_DID_NOT_START)
