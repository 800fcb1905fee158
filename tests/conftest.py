"""What is said at the end of a run of these tests."""

import pytest
from tests.faults.tally import summarise


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the fault tests counted."""
    summarise(terminalreporter)
