"""docs/howto/aws.md from its third step on, by the same commands, on the fake AWS.

Only what moto cannot be asked is left out: nobody pushes images, and no domain answers.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.aws import REGION, FakeAws
from harness.deployment import SERVICES
from harness.processes import Processes
from harness.terraform import copy_sources
from harness.tools import Tools
from stack import __main__ as stack
from stack import state, steps

pytestmark = [pytest.mark.full, pytest.mark.timeout(1800)]

IMAGES = [*SERVICES, "media-jobs", "cli"]
MANIFEST = '{"schemaVersion": 2, "config": {}, "layers": [], "tag": "%s"}'


@pytest.fixture
def aws(processes: Processes) -> Iterator[FakeAws]:
    aws = FakeAws(processes)
    yield aws
    aws.stop()


@pytest.fixture
def answered(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked for an answer."""
    asked: list[str] = []
    monkeypatch.setattr(stack, "await_answer", asked.append)
    monkeypatch.setattr(steps, "_POLL_SECONDS", 0.01)
    return asked


@pytest.fixture
def make(
    aws: FakeAws, tools: Tools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: list[str]
) -> Callable[..., int]:
    """Return a function that does what `make` does on AWS, in a checkout with its two files."""
    for name, value in {
        **aws.environment,
        "AWS_DEFAULT_REGION": REGION,
        "TERRAFORM": str(tools.terraform),
        "TERRAFORM_PLUGIN_DIR": str(tools.mirror),
        "TF_IN_AUTOMATION": "true",
        "CHECKPOINT_DISABLE": "true",
    }.items():
        monkeypatch.setenv(name, value)
    root = copy_sources(tmp_path)
    monkeypatch.setattr(state, "ROOT", root)
    aws.client("s3").create_bucket(
        Bucket="antiphon-state", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    zone = aws.client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    zone_id = zone["HostedZone"]["Id"].removeprefix("/hostedzone/")
    _replace(root / "environments/dev.s3.tfbackend", "change-me-antiphon-state", "antiphon-state")
    _replace(root / "environments/dev.tfvars", "Z0123456789ABCDEFGHIJ", zone_id)

    def run(*words: str) -> int:
        return stack.main(["--yes", *words])

    return run


def _replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text, file
    file.write_text(text.replace(old, new))


def _push(aws: FakeAws, tag: str) -> None:
    registry = aws.client("ecr")
    for image in IMAGES:
        registry.put_image(
            repositoryName=f"antiphon-dev/{image}",
            imageManifest=MANIFEST % tag,
            imageManifestMediaType="application/vnd.oci.image.manifest.v1+json",
            imageTag=tag,
        )


def _running(aws: FakeAws) -> dict[str, str]:
    """Return the tag of each service's task definition."""
    ecs = aws.client("ecs")
    found = {}
    for arn in ecs.list_services(cluster="antiphon-dev", maxResults=50)["serviceArns"]:
        (service,) = ecs.describe_services(cluster="antiphon-dev", services=[arn])["services"]
        definition = ecs.describe_task_definition(taskDefinition=service["taskDefinition"])
        image = definition["taskDefinition"]["containerDefinitions"][0]["image"]
        found[service["serviceName"].removeprefix("antiphon-dev-")] = image.rsplit(":", 1)[1]
    return found


def _passwords(aws: FakeAws) -> dict[str, str]:
    secrets = aws.client("secretsmanager")
    names = [f"antiphon-dev/{service}/database" for service in SERVICES]
    urls = {name: secrets.get_secret_value(SecretId=name)["SecretString"] for name in names}
    return {name: re.split("[:@]", url)[2] for name, url in urls.items()}


def test_from_an_empty_account_to_a_newer_release(
    make: Callable[..., int],
    aws: FakeAws,
    answered: list[str],
    capsys: pytest.CaptureFixture[str],
    count: Any,
) -> None:
    assert make("deploy", "dev", "1.0") == 1
    assert "make infra ENV=dev" in capsys.readouterr().err
    assert make("apply", "dev") == 0
    assert _running(aws) == {}

    assert make("deploy", "dev", "1.0") == 1
    assert "antiphon-dev/auth:1.0 is not there" in capsys.readouterr().err
    _push(aws, "1.0")
    assert make("deploy", "dev", "1.0") == 1
    assert "put-secret-value" in capsys.readouterr().err
    aws.client("secretsmanager").put_secret_value(
        SecretId="antiphon-dev/media/cloudinary-url", SecretString="cloudinary://key:secret@cloud"
    )

    assert make("deploy", "dev", "1.0") == 0, capsys.readouterr().err
    assert set(_running(aws).values()) == {"1.0"}
    assert len(_running(aws)) == 9
    assert answered == ["https://dev.antiphon.example.com"]

    _push(aws, "1.1")
    assert make("deploy", "dev", "1.1", "--service", "catalog") == 0, capsys.readouterr().err
    newer = {name for name, tag in _running(aws).items() if tag == "1.1"}
    assert newer == {"catalog-web", "catalog-worker"}
    assert make("rollback", "dev", "1.0", "--service", "catalog") == 0
    assert set(_running(aws).values()) == {"1.0"}

    former = _passwords(aws)
    assert make("rotate", "dev") == 0, capsys.readouterr().err
    assert former.keys() == _passwords(aws).keys()
    assert not set(former.values()) & set(_passwords(aws).values())

    capsys.readouterr()
    assert make("plan", "dev") == 0
    assert make("destroy", "dev") == 0
    assert aws.client("rds").describe_db_clusters()["DBClusters"] == []
    count("dev: installed, deployed, rolled back, rotated and destroyed by the documented commands")
