"""Two who apply at the same time do not undo each other's change; with the real Terraform."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.tools import Tools
from stack import state
from stack.state import Terraform
from stack.stop import Stop

ROOT = """
terraform {
  backend "local" {}
}

variable "image_tags" {
  type = map(string)
}

variable "migration_tags" {
  type = map(string)
}

variable "secrets_version" {
  type = number
}

variable "running_secrets_version" {
  type = number
}

output "image_tags" {
  value = var.image_tags
}
"""


@pytest.fixture
def terraform(tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Terraform:
    """One that asks, with a root whose only state are the tags."""
    monkeypatch.setenv("TERRAFORM", str(tools.terraform))
    monkeypatch.setenv("CHECKPOINT_DISABLE", "true")
    monkeypatch.setenv("TF_CLI_ARGS_plan", "-no-color")
    monkeypatch.setattr(state, "ROOT", tmp_path)
    (tmp_path / "main.tf").write_text(ROOT)
    (tmp_path / "environments").mkdir()
    (tmp_path / "environments/dev.tfvars").touch()
    (tmp_path / "environments/dev.s3.tfbackend").write_text('path = "dev.tfstate"\n')
    terraform = Terraform("dev", approve=False)
    terraform.init()
    Terraform("dev", approve=True).update({"image_tags": {"catalog": "1.0", "playlist": "1.0"}})
    return terraform


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Return a function that sets how often somebody else applies before a yes; all questions."""

    def answer(others: int) -> list[str]:
        questions: list[str] = []

        def ask(question: str) -> str:
            questions.append(question)
            if len(questions) <= others:
                tag = {"playlist": f"2.{len(questions)}"}
                Terraform("dev", approve=True).update({"image_tags": tag})
            return "yes"

        monkeypatch.setattr("builtins.input", ask)
        return questions

    return answer


def test_what_was_applied_while_this_one_asked_stays(
    terraform: Terraform, answering: Callable[..., list[str]], capfd: pytest.CaptureFixture[str]
) -> None:
    questions = answering(others=1)
    outputs = terraform.update({"image_tags": {"catalog": "1.1"}})
    assert outputs["image_tags"] == {"catalog": "1.1", "playlist": "2.1"}
    assert len(questions) == 2
    said = capfd.readouterr()
    assert "somebody else has applied meanwhile" in said.out
    assert 'catalog  = "1.0" -> "1.1"' in said.out


def test_nobody_tries_for_ever(
    terraform: Terraform, answering: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_TRIES", 2)
    answering(others=2)
    with pytest.raises(Stop, match="Others applied 2 times"):
        terraform.update({"image_tags": {"catalog": "1.1"}})
    assert terraform.outputs()["image_tags"] == {"catalog": "1.0", "playlist": "2.2"}


def test_what_changes_nothing_is_not_asked_about(
    terraform: Terraform, answering: Callable[..., list[str]]
) -> None:
    questions = answering(others=0)
    terraform.update({"image_tags": {"catalog": "1.0"}})
    assert questions == []


def test_a_failed_plan_stops(terraform: Terraform, tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(ROOT.replace("map(string)", "map(number)"))
    with pytest.raises(Stop, match="terraform plan failed"):
        terraform.update({"image_tags": {"catalog": "new"}})


def test_after_ctrl_c_terraform_ends_in_its_own_time(
    terraform: Terraform, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, saved = tmp_path / "slow", tmp_path / "saved"
    slow.write_text(f"#!/bin/sh\nsleep 1\ntouch {saved}\nexit 1\n")
    slow.chmod(0o755)
    monkeypatch.setenv("TERRAFORM", str(slow))
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(Stop):
        terraform.change("destroy", {})
    assert saved.exists()
