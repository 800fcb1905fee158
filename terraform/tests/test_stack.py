"""`make deploy` and its like: which steps, in which order, and that they stop."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest

from harness.deployment import SERVICES
from harness.stand_ins import OLD, Aws, applied, install_terraform, outputs_of
from stack import steps
from stack.__main__ import main

NEW = dict.fromkeys([*SERVICES, "cli"], "1.1")
MIGRATED = dict.fromkeys(SERVICES, "1.1")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    aws = Aws()
    monkeypatch.setattr(boto3, "client", lambda _: aws)
    monkeypatch.setattr(steps, "_POLL_SECONDS", 0.0)
    return aws


@pytest.fixture
def url() -> Iterator[str]:
    """A public address that answers."""

    class Jwks(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/.well-known/jwks.json" else 404)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            """Be quiet."""

    server = HTTPServer(("127.0.0.1", 0), Jwks)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> Path:
    """Where the fake terraform keeps what it was asked, with the outputs of an old release."""
    monkeypatch.setenv("TERRAFORM", str(install_terraform(tmp_path)))
    (tmp_path / "outputs.json").write_text(json.dumps(outputs_of(url)))
    return tmp_path


def test_a_deploy_migrates_before_anything_new_runs(aws: Aws, folder: Path) -> None:
    assert main(["--yes", "deploy", "dev", "1.1"]) == 0
    assert applied(folder) == [(OLD, MIGRATED), (NEW, MIGRATED)]
    assert aws.asked == ["run bootstrap", *(f"run {service}-migrate" for service in SERVICES)]
    asked = (folder / "asked").read_text().splitlines()
    assert asked[0].startswith("init -backend-config=environments/dev.s3.tfbackend")
    assert not [line for line in asked if line.startswith("plan") and "-out=" not in line]


def test_without_yes_each_plan_is_asked_about(
    aws: Aws, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ["yes", "no"]
    monkeypatch.setattr("builtins.input", lambda _: answers.pop(0))
    assert main(["deploy", "dev", "1.1"]) == 1
    assert applied(folder) == [(OLD, MIGRATED)]
    assert "Stopped: Nothing was applied." in capsys.readouterr().err
    assert answers == []


def test_nobody_to_ask_is_a_no(
    aws: Aws, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def end_of_file(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("builtins.input", end_of_file)
    assert main(["apply", "dev"]) == 1
    assert applied(folder) == []


def test_what_changes_nothing_is_not_asked_about(aws: Aws, folder: Path) -> None:
    (folder / "same").touch()
    assert main(["apply", "dev"]) == 0
    assert applied(folder) == []


def test_destroy_is_asked_about_by_terraform(aws: Aws, folder: Path) -> None:
    assert main(["destroy", "dev"]) == 0
    assert "-auto-approve" not in (folder / "asked").read_text()
    assert main(["--yes", "destroy", "dev"]) == 0
    assert "-auto-approve" in (folder / "asked").read_text()


def test_one_service_is_deployed_by_itself(aws: Aws, folder: Path) -> None:
    assert main(["--yes", "deploy", "dev", "1.1", "--service", "catalog"]) == 0
    assert applied(folder)[-1][0] == OLD | {"catalog": "1.1"}
    assert aws.asked == ["run bootstrap", "run catalog-migrate"]


def test_a_failed_migration_stops_the_deploy(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.exit_codes["playlist-migrate"] = 1
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert [running for running, _ in applied(folder)] == [OLD]
    assert aws.asked[-1] == "run playlist-migrate"
    assert applied(folder)[-1][1] == MIGRATED
    said = capsys.readouterr()
    assert "It ended with 1" in said.err
    assert "what the task wrote" in said.out


def test_a_failed_apply_stops_the_deploy(aws: Aws, folder: Path) -> None:
    (folder / "fails").touch()
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert aws.asked == []


def test_a_rollback_leaves_schemas_alone(aws: Aws, folder: Path) -> None:
    assert main(["--yes", "rollback", "dev", "1.1"]) == 0
    assert applied(folder) == [(NEW, dict.fromkeys(SERVICES, "1.0"))]
    assert aws.asked == []


def test_what_ecs_has_rolled_back_is_no_success(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.rolled_back.add("media-jobs")
    assert main(["--yes", "rollback", "dev", "1.1"]) == 1
    assert "media-jobs was rolled back: unhealthy" in capsys.readouterr().err
    # Terraform knows what runs: its next apply does not start the broken ones again.
    assert [running for running, _ in applied(folder)] == [NEW, OLD]


def test_what_failed_before_is_tried_again(aws: Aws, folder: Path) -> None:
    assert main(["--yes", "deploy", "dev", "1.0"]) == 0
    aws.asked.clear()
    aws.failed.add("media-jobs")
    assert main(["--yes", "rollback", "dev", "1.0"]) == 0
    assert aws.asked == ["restart media-jobs"]


def test_a_first_deploy_that_failed_is_tried_again_with_other_images(
    aws: Aws, folder: Path
) -> None:
    aws.failed.add("media-jobs")
    assert main(["--yes", "deploy", "dev", "1.1"]) == 0
    assert applied(folder) == [(OLD, MIGRATED), (NEW, MIGRATED)]
    assert aws.failed == set()


def test_what_fails_and_never_ran_stops_the_deploy(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.failed.add("media-jobs")
    aws.never_healthy.add("media-jobs")
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert aws.asked[-1] == "restart media-jobs"
    assert "media-jobs does not become healthy: unhealthy" in capsys.readouterr().err


def test_a_role_that_is_not_known_everywhere_yet_is_waited_for(aws: Aws, folder: Path) -> None:
    aws.unknown_roles = 2
    assert main(["--yes", "deploy", "dev", "1.1"]) == 0


def test_what_aws_refuses_is_said_without_a_traceback(
    aws: Aws, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steps, "_ROLE_SECONDS", -1)
    aws.unknown_roles = 1
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert "Stopped: An error occurred (ClientException)" in capsys.readouterr().err


def test_new_passwords_are_known_to_the_database_before_anything_takes_them(
    aws: Aws, folder: Path
) -> None:
    assert main(["--yes", "rotate", "dev"]) == 0
    assert applied(folder, "secrets_version", "running_secrets_version") == [(5, 4), (5, 5)]
    assert aws.asked == ["run bootstrap"]
    assert applied(folder)[-1] == (OLD, dict.fromkeys(SERVICES, "1.0"))


def test_a_rotation_that_stopped_goes_on_with_its_passwords(aws: Aws, folder: Path) -> None:
    aws.exit_codes["bootstrap"] = 1
    assert main(["--yes", "rotate", "dev"]) == 1
    del aws.exit_codes["bootstrap"]
    assert main(["--yes", "rotate", "dev"]) == 0
    # Redis keeps two tokens: with a third one, what runs could not sign in any more.
    versions = applied(folder, "secrets_version", "running_secrets_version")
    assert versions == [(5, 4), (5, 4), (5, 5)]


def test_what_somebody_else_deployed_meanwhile_stays(aws: Aws, folder: Path) -> None:
    outputs = json.loads((folder / "outputs.json").read_text())

    def another(*_: Any, **__: Any) -> dict[str, Any]:
        outputs["image_tags"]["playlist"] = outputs["migration_tags"]["playlist"] = "2.0"
        (folder / "outputs.json").write_text(json.dumps(outputs))
        return {"SecretString": aws.secret}

    aws.get_secret_value = another  # type: ignore[method-assign]
    assert main(["--yes", "deploy", "dev", "1.1", "--service", "catalog"]) == 0
    assert applied(folder)[-1][0] == OLD | {"catalog": "1.1", "playlist": "2.0"}


def test_a_plan_without_what_somebody_else_applied_meanwhile_is_dropped(
    aws: Aws, folder: Path
) -> None:
    outputs = json.loads((folder / "outputs.json").read_text())
    outputs["image_tags"]["playlist"] = "2.0"
    (folder / "meanwhile").write_text(json.dumps(outputs))
    assert main(["--yes", "apply", "dev"]) == 0
    assert applied(folder, "image_tags") == [(OLD | {"playlist": "2.0"},)]


def test_another_service_that_is_deployed_meanwhile_is_not_waited_for(
    aws: Aws, folder: Path
) -> None:
    # Its tasks are not those that this apply wanted: to us it looks as if it was rolled back.
    aws.rolled_back.add("media-jobs")
    assert main(["--yes", "deploy", "dev", "1.1", "--service", "catalog"]) == 0


def test_what_somebody_else_deployed_stays_when_ecs_rolls_back(aws: Aws, folder: Path) -> None:
    aws.rolled_back.add("media-jobs")
    outputs = json.loads((folder / "outputs.json").read_text())
    outputs["image_tags"]["playlist"] = "2.0"
    (folder / "meanwhile").write_text(json.dumps(outputs))
    assert main(["--yes", "rollback", "dev", "1.1", "--service", "media"]) == 1
    others = OLD | {"playlist": "2.0"}
    assert applied(folder, "image_tags") == [(others | {"media": "1.1"},), (others,)]


def test_the_first_deploy_is_of_all(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outputs = json.loads((folder / "outputs.json").read_text()) | {"image_tags": {}}
    (folder / "outputs.json").write_text(json.dumps(outputs))
    assert main(["--yes", "deploy", "dev", "1.1", "--service", "catalog"]) == 1
    assert "deploy all of them first" in capsys.readouterr().err


def test_nothing_is_applied_without_the_images(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--yes", "deploy", "dev", "9.9"]) == 1
    assert "antiphon-dev/auth:9.9 is not there. Push it" in capsys.readouterr().err
    assert applied(folder) == []


def test_nothing_is_applied_without_the_operators_secret(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aws.secret = None
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert "put-secret-value --secret-id antiphon-dev/media" in capsys.readouterr().err
    assert applied(folder) == []


def test_an_empty_account_is_told_what_comes_first(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "outputs.json").write_text("{}")
    assert main(["--yes", "deploy", "dev", "1.1"]) == 1
    assert "make infra ENV=dev" in capsys.readouterr().err


def test_the_infrastructure_is_changed_with_the_tags_that_run(aws: Aws, folder: Path) -> None:
    assert main(["--yes", "apply", "dev"]) == 0
    assert applied(folder) == [(OLD, dict.fromkeys(SERVICES, "1.0"))]
    (folder / "outputs.json").write_text("{}")
    assert main(["--yes", "apply", "dev"]) == 0
    assert applied(folder)[-1] == ({}, {})
    assert applied(folder, "secrets_version", "running_secrets_version")[-1] == (1, 1)


def test_an_operators_command_takes_other_words(
    aws: Aws, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["task", "dev", "cli", "--", "jobs", "list"]) == 0
    assert aws.asked == ["run cli jobs list"]
    assert "what the task wrote" in capsys.readouterr().out
    assert main(["task", "dev", "clo"]) == 1
    assert "There is no task clo; there are: bootstrap, cli" in capsys.readouterr().err
