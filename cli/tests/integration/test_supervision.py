"""The supervisor with real processes: restarts, order, and what is left when it ends."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from antiphon.supervisor.plan import Process

StartRun = Callable[..., Any]
Python = Callable[..., Process]
WaitFor = Callable[[Callable[[], bool], str], None]
IsAlive = Callable[[int], bool]

STAY = "import time\nprint('up', flush=True)\nwhile True: time.sleep(60)\n"
# Stands for gunicorn with a worker, or a Celery worker with ffmpeg.
STAY_WITH_CHILD = """
import pathlib, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
pathlib.Path(sys.argv[0] + ".child").write_text(str(child.pid))
while True: time.sleep(60)
"""
IGNORES_TERM = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ignoring", flush=True)
while True: time.sleep(60)
"""
NOTES_ITS_END = """
import pathlib, signal, sys, time
def end(*_):
    with open({notes!r}, "a") as notes: notes.write("{name}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("noting", flush=True)
while True: time.sleep(60)
"""


def test_starts_a_dead_process_again(
    start_run: StartRun,
    python: Python,
) -> None:
    run = start_run(python("a.web", STAY))
    run.wait_for_line("ready in")
    first = run.pids()["a.web"]

    os.kill(first, signal.SIGKILL)

    run.wait_for_line(r"a\.web was ended by SIGKILL; starting it again in 1 s")
    run.wait_for_line(r"a\.web is up again")
    assert run.pids()["a.web"] != first
    assert run.stop() == 0


def test_a_process_that_says_when_it_is_ready_is_up_again_when_it_says_so(
    start_run: StartRun, python: Python
) -> None:
    run = start_run(python("a.worker", IGNORES_TERM, stop_seconds=0.5, ready_line="ignoring"))
    run.wait_for_line("ready in")
    os.kill(run.pids()["a.worker"], signal.SIGKILL)
    run.wait_for_line(r"a\.worker is up again")
    assert run.states()["a.worker"] == "ready"
    assert run.stop() == 0


def test_restart_pauses_before_it_happens(
    start_run: StartRun,
    python: Python,
    wait_for: WaitFor,
    tmp_path: Path,
) -> None:
    run = start_run(python("a.web", STAY))
    run.wait_for_line("ready in")
    killed_at = time.monotonic()
    os.kill(run.pids()["a.web"], signal.SIGKILL)
    log = tmp_path / "logs/a.web.log"

    wait_for(lambda: log.read_text().count("up") == 2, "the second start")

    assert time.monotonic() - killed_at >= 1.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_stops_everything_with_code_0(
    number: signal.Signals,
    start_run: StartRun,
    python: Python,
    is_alive: IsAlive,
    tmp_path: Path,
) -> None:
    run = start_run(python("a.web", STAY_WITH_CHILD), python("b.worker", STAY))
    run.wait_for_line("ready in")
    pids = [*run.pids().values(), int((tmp_path / "a.web.py.child").read_text())]
    assert all(is_alive(pid) for pid in pids)

    assert run.stop(number) == 0

    assert [pid for pid in pids if is_alive(pid)] == []
    assert not Path(run.plan.run_dir).exists()
    assert not (tmp_path / "status.json").exists()


def test_kill_9_of_the_supervisor_leaves_nothing(
    start_run: StartRun,
    python: Python,
    is_alive: IsAlive,
    wait_for: WaitFor,
    tmp_path: Path,
) -> None:
    run = start_run(python("a.web", STAY_WITH_CHILD), python("b.worker", IGNORES_TERM))
    run.wait_for_line("ready in")
    pids = [*run.pids().values(), int((tmp_path / "a.web.py.child").read_text())]

    run.stop(signal.SIGKILL)

    wait_for(lambda: not any(is_alive(pid) for pid in pids), "children and their children gone")
    wait_for(lambda: not Path(run.plan.run_dir).exists(), "sockets gone")


def test_the_guard_comes_back_and_still_guards(
    start_run: StartRun,
    python: Python,
    is_alive: IsAlive,
    wait_for: WaitFor,
    tmp_path: Path,
) -> None:
    run = start_run(python("a.web", STAY_WITH_CHILD))
    run.wait_for_line("ready in")
    child = int((tmp_path / "a.web.py.child").read_text())

    def guards() -> list[int]:
        return _children_named("sh", run.process.pid)

    (first,) = guards()

    os.kill(first, signal.SIGKILL)
    wait_for(lambda: guards() not in ([], [first]), "a new guard")
    run.stop(signal.SIGKILL)

    wait_for(lambda: not is_alive(child), "the child's child gone")


def test_stops_in_order_of_stop_stages(start_run: StartRun, python: Python, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    stages = {"redis": 2, "gateway": 0, "worker": 1}
    run = start_run(
        *(
            python(
                name,
                NOTES_ITS_END.format(notes=str(notes), name=name),
                stop_stage=stage,
                ready_line="noting",
            )
            for name, stage in stages.items()
        )
    )
    run.wait_for_line("ready in")

    assert run.stop() == 0

    assert notes.read_text().split() == ["gateway", "worker", "redis"]


def test_kills_what_does_not_stop_in_time(
    start_run: StartRun, python: Python, is_alive: IsAlive
) -> None:
    run = start_run(python("stubborn", IGNORES_TERM, stop_seconds=0.5, ready_line="ignoring"))
    run.wait_for_line("ready in")
    (pid,) = run.pids().values()

    assert run.stop() == 0

    assert "stubborn did not stop" in run.text
    assert not is_alive(pid)


def test_second_ctrl_c_kills_at_once(
    start_run: StartRun, python: Python, is_alive: IsAlive
) -> None:
    run = start_run(python("stubborn", IGNORES_TERM, stop_seconds=100, ready_line="ignoring"))
    run.wait_for_line("ready in")
    (pid,) = run.pids().values()
    run.process.send_signal(signal.SIGINT)
    run.wait_for_line("stopping")
    time.sleep(0.6)

    assert run.stop(signal.SIGINT) == 130

    assert not is_alive(pid)


def test_next_stage_waits_until_the_one_before_is_ready(
    start_run: StartRun, python: Python, tmp_path: Path
) -> None:
    slow = (
        "import time\ntime.sleep(1)\nprint('now it is', flush=True)\nwhile True: time.sleep(60)\n"
    )
    last = f"import pathlib\nprint(pathlib.Path({str(tmp_path)!r}, 'logs/first.log').read_text())\n"
    run = start_run(
        python("last", last, start_stage=2, once=True),
        python("first", slow, ready_line="now it is"),
    )
    run.wait_for_line("ready in")

    assert "now it is" in (tmp_path / "logs/last.log").read_text()
    assert run.stop() == 0


def test_failed_step_stops_the_start_and_says_why(
    start_run: StartRun, python: Python, is_alive: IsAlive
) -> None:
    run = start_run(
        python("redis", STAY, ready_line="up"),
        python("migrations", "raise SystemExit('no such table')", start_stage=1, once=True),
    )

    assert run.process.wait(30) == 1

    assert "migrations ended with code 1" in run.text
    assert "no such table" in run.text
    assert "ready" not in run.text


def test_crash_loop_at_start_gives_up_with_the_last_lines(
    start_run: StartRun, python: Python
) -> None:
    run = start_run(
        python("a.web", "import sys\nprint('bad setting')\nsys.exit(3)\n", ready_line="never")
    )

    assert run.process.wait(30) == 1

    assert "a.web ended with code 3 (bad setting), 3 times without staying up" in run.text
    assert "bad setting" in run.text.partition("could not start")[2]


def test_crash_loop_later_is_told_and_tried_again(
    start_run: StartRun, python: Python, tmp_path: Path
) -> None:
    broken = tmp_path / "broken"
    source = (
        f"import pathlib, time\nassert not pathlib.Path({str(broken)!r}).exists(), 'it broke'\n"
        "print('up', flush=True)\nwhile True: time.sleep(60)\n"
    )
    run = start_run(python("a.web", source, ready_line="up"))
    run.wait_for_line("ready in")
    broken.touch()
    os.kill(run.pids()["a.web"], signal.SIGKILL)

    run.wait_for_line(r"3 times without staying up 30 s; next try in 4 s")
    broken.unlink()

    run.wait_for_line("AssertionError: it broke")
    log = tmp_path / "logs/a.web.log"
    deadline = time.monotonic() + 20
    while log.read_text().count("up\n") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert run.stop() == 0


def test_process_that_cannot_be_executed_is_named(start_run: StartRun, python: Python) -> None:
    run = start_run(python("a.web", "", argv=("/nowhere/gunicorn",)))

    assert run.process.wait(30) == 1

    assert "cannot start /nowhere/gunicorn: No such file or directory" in run.text


def test_start_that_takes_too_long_names_what_is_missing(
    start_run: StartRun, python: Python
) -> None:
    run = start_run(
        python("a.web", STAY, ready_line="never"), python("b.web", STAY), start_seconds=1
    )

    assert run.process.wait(30) == 1

    assert "Still not ready: a.web" in run.text


def test_child_sees_only_the_environment_of_the_plan(
    start_run: StartRun,
    python: Python,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("SECRET_OF_SOMEBODY", "x")
    run = start_run(
        python("env", "import os\nprint(sorted(os.environ))\n", once=True, env={"ONLY": "this"})
    )
    run.wait_for_line("ready in")

    seen = (tmp_path / "logs/env.log").read_text()

    assert "ONLY" in seen
    assert "SECRET_OF_SOMEBODY" not in seen
    assert run.stop() == 0


def test_shows_warnings_and_keeps_everything_in_the_log(
    start_run: StartRun, python: Python, tmp_path: Path
) -> None:
    source = (
        'print(\'{"level": "info", "event": "request", "status": 200}\')\n'
        'print(\'{"level": "warning", "event": "slow", "seconds": 3}\')\n' + STAY
    )
    run = start_run(python("a.web", source, ready_line="up"))
    run.wait_for_line("ready in")
    assert run.stop() == 0

    assert "a.web            | slow seconds=3" in run.text
    assert "request" not in run.text
    assert '"event": "request"' in (tmp_path / "logs/a.web.log").read_text()


def test_verbose_shows_all_lines(start_run: StartRun, python: Python) -> None:
    source = 'print(\'{"level": "info", "event": "request", "status": 200}\')\n' + STAY
    run = start_run(python("a.web", source, ready_line="up"), verbose=True)
    run.wait_for_line("ready in")

    assert "a.web            | request status=200" in run.text
    assert run.stop() == 0


def test_goes_on_when_its_terminal_is_gone(
    start_run: StartRun,
    python: Python,
    tmp_path: Path,
    wait_for: WaitFor,
) -> None:
    chatter = "import time\nwhile True: print('a line', flush=True); time.sleep(0.1)\n"
    run = start_run(python("a.web", chatter), stdout=subprocess.PIPE)
    log = tmp_path / "logs/a.web.log"
    wait_for(lambda: (tmp_path / "status.json").exists(), "the start")

    run.process.stdout.close()
    size = log.stat().st_size

    wait_for(lambda: log.stat().st_size > size + 50, "more output in the log")
    assert run.stop(signal.SIGHUP) == 0


def _children_named(name: str, parent: int) -> list[int]:
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,comm="], capture_output=True, text=True, check=True
    )
    rows = (line.split(None, 2) for line in listed.stdout.splitlines())
    return [int(pid) for pid, ppid, comm in rows if int(ppid) == parent and comm.endswith(name)]
