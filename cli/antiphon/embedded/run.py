"""The supervisor's process: `antiphon up` becomes `python -m antiphon.embedded.run PLAN`."""

import shutil
import sys
import time
from pathlib import Path

from antiphon.embedded.welcome import welcome
from antiphon.supervisor.plan import Plan, Process
from antiphon.supervisor.supervisor import StartError, StopRequested, Supervisor
from antiphon.supervisor.terminal import Terminal

FORCED_EXIT = 130
# Exists from the first start until the demo has been made.
DEMO_PENDING = "demo.pending"


def main(plan_file: Path) -> int:
    """Run the plan until somebody asks to stop; return 0, 1 (no start) or 130 (forced stop)."""
    plan = Plan.from_json(plan_file.read_text())
    plan_file.unlink()
    terminal = Terminal(sys.stdout, verbose=plan.verbose, log=plan.logs / "antiphon.log")
    supervisor = Supervisor(plan, terminal)
    try:
        with supervisor:
            _run(plan, supervisor, terminal)
    except StartError as error:
        terminal.say(f"Antiphon could not start. {error}", "error")
        return 1
    except StopRequested:
        terminal.say("killed" if supervisor.forced else "stopped")
        return FORCED_EXIT if supervisor.forced else 0
    finally:
        shutil.rmtree(plan.run_dir, ignore_errors=True)
    return 0


def _run(plan: Plan, supervisor: Supervisor, terminal: Terminal) -> None:
    supervisor.start()
    terminal.say(f"ready in {time.monotonic() - plan.started_at:.1f} s: {plan.url}")
    if plan.first_run:
        _fill(plan, plan.first_run, supervisor, terminal)
    terminal.hand_over(welcome(plan))
    supervisor.watch()


def _fill(plan: Plan, demo: Process, supervisor: Supervisor, terminal: Terminal) -> None:
    terminal.say("first run: making and uploading demo music (once, --no-demo skips it)")
    if supervisor.complete(demo) != 0:
        terminal.say(
            f"The demo did not finish: {plan.logs / 'demo.log'} says why. "
            "It is tried again at the next start.",
            "warning",
        )
        return
    Path(plan.data_dir, DEMO_PENDING).unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1])))
