"""What operations.md and Terraform say of CloudWatch agrees with what workers publish."""

import re
from pathlib import Path

import pytest

from common.metrics.cloudwatch import UNITS

_ROW = re.compile(r"^\| `([A-Z]\w+)` \| (Seconds|Count) \| ", re.MULTILINE)
_RUNBOOK = re.compile(r"\.md#([\w-]+)")


@pytest.fixture
def operations(project_root: Path) -> str:
    return (project_root / "docs" / "operations.md").read_text()


@pytest.fixture
def alarms(project_root: Path) -> dict[str, str]:
    """Return each alarm of Terraform by its name there."""
    folder = project_root / "terraform" / "modules" / "observability"
    text = "\n".join(path.read_text() for path in sorted(folder.glob("*.tf")))
    found = re.findall(
        r'^resource "aws_cloudwatch_metric_alarm" "(\w+)" \{\n(.*?)^\}',
        text,
        re.MULTILINE | re.DOTALL,
    )
    return dict(found)


def test_every_metric_is_explained_with_its_unit_and_no_other(operations: str) -> None:
    assert dict(_ROW.findall(operations)) == UNITS


def test_alarms_ask_only_for_metrics_that_workers_publish(alarms: dict[str, str]) -> None:
    ours = {name: text for name, text in alarms.items() if "var.metrics_namespace" in text}
    asked = {
        metric for text in ours.values() for metric in re.findall(r'metric_name += "(\w+)"', text)
    }
    assert asked
    assert asked <= UNITS.keys()


def test_every_alarm_says_who_is_woken_and_what_to_do(
    alarms: dict[str, str], operations: str
) -> None:
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", operations, re.MULTILINE)}
    assert alarms
    for name, text in alarms.items():
        (description,) = re.findall(r'alarm_description += "(.*)"$', text, re.MULTILINE)
        assert description.startswith(("page: ", "ticket: ")), name
        (runbook,) = _RUNBOOK.findall(description)
        assert runbook in headings, f"docs/operations.md has no section {runbook}"
        assert "alarm_actions" in text, name
