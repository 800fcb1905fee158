"""Cloudinary's URL is held to what media takes, before anything is applied for it."""

import ast
import re

import boto3
import pytest

from harness.stand_ins import Aws
from harness.terraform import PROJECT
from stack import cloudinary
from stack.cloudinary import require_url
from stack.stop import Stop

NAME = "antiphon-dev/media/cloudinary-url"
GOOD = "cloudinary://874837483:a-B_c.d~e@demo-cloud"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Aws:
    aws = Aws()
    monkeypatch.setattr(boto3, "client", lambda _: aws)
    return aws


@pytest.mark.parametrize("given", [GOOD, f"{GOOD}?upload_prefix=https://api-eu.cloudinary.com"])
def test_what_cloudinary_gives_is_taken(aws: Aws, given: str) -> None:
    aws.secret = given
    require_url(NAME)


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        (None, "has no value yet"),
        (f"{GOOD}\n", "ends or begins with a line break or blank"),
        (f"CLOUDINARY_URL={GOOD}", "begins with CLOUDINARY_URL="),
        ("cloudinary://<your_api_key>:<your_api_secret>@demo", "placeholders"),
        ("cloudinary://874837483@demo", "is not cloudinary://KEY:SECRET@CLOUD"),
    ],
)
def test_what_media_would_refuse_is_told_without_the_secret(
    aws: Aws, given: str | None, wrong: str
) -> None:
    aws.secret = given
    with pytest.raises(Stop, match=re.escape(wrong)) as stopped:
        require_url(NAME)
    assert f"put-secret-value --secret-id {NAME}" in str(stopped.value)
    assert "874837483" not in str(stopped.value)


def test_the_pattern_is_that_of_media() -> None:
    source = (PROJECT / "services/media/media/settings.py").read_text()
    (call,) = (
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_CLOUDINARY_URL"
        if isinstance(node.value, ast.Call)
    )
    assert ast.literal_eval(call.args[0]) == cloudinary.PATTERN.pattern
    assert ast.unparse(call.args[1]) == "re.ASCII"
    assert cloudinary.PATTERN.flags & re.ASCII
