"""Images: which there are, and how they get to ECR."""

import base64
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import boto3

from stack.stop import Stop

SERVICES = ("auth", "catalog", "playlist", "media")
IMAGES_OF = {
    "auth": ("auth",),
    "catalog": ("catalog",),
    "playlist": ("playlist",),
    "media": ("media", "media-jobs"),
    "cli": ("cli",),
}
PROJECT = Path(__file__).parents[2]
_AUTHORITIES = "https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"


def require_images(repositories: Mapping[str, str], tags: Mapping[str, str]) -> None:
    """Raise Stop unless each image was pushed with its tag."""
    for service, tag in tags.items():
        for image in IMAGES_OF[service]:
            if not _is_pushed(repositories[image], tag):
                name = _name(repositories[image])
                raise Stop(f"{name}:{tag} is not there. Push it: make push TAG={tag}")


def push(repositories: Mapping[str, str], tag: str, platform: str) -> None:
    """Build every image for `platform`, such as linux/amd64, and push it; raises Stop.

    One that has the tag is left as it is: ECR keeps a tag for ever.
    """
    _fetch_authorities(PROJECT / "deploy" / "containers" / "certificates" / "rds.pem")
    _log_in()
    for image, repository in sorted(repositories.items()):
        if _is_pushed(repository, tag):
            print(f"==> {image}: has {tag} already", flush=True)
            continue
        print(f"==> {image}", flush=True)
        name = f"{repository}:{tag}"
        # Without provenance: it would be an image of its own, and different each time.
        options = ["--platform", platform, "--provenance=false", "--target", image, "--tag", name]
        _docker("build", *options, str(PROJECT))
        _docker("push", "--quiet", name)


def _is_pushed(repository: str, tag: str) -> bool:
    registry = boto3.client("ecr")
    try:
        registry.describe_images(repositoryName=_name(repository), imageIds=[{"imageTag": tag}])
    except registry.exceptions.ImageNotFoundException:
        return False
    return True


def _name(repository: str) -> str:
    return repository.split("/", 1)[1]


def _fetch_authorities(file: Path) -> None:
    """Get the certificates that Aurora's is checked against; nothing of it is secret."""
    if file.exists():
        return
    print(f"==> {_AUTHORITIES}", flush=True)
    with urllib.request.urlopen(_AUTHORITIES, timeout=30) as answer:
        text = answer.read()
    if b"BEGIN CERTIFICATE" not in text:
        raise Stop(f"{_AUTHORITIES} did not give certificates; put them into {file} yourself.")
    file.write_bytes(text)


def _log_in() -> None:
    given = boto3.client("ecr").get_authorization_token()["authorizationData"][0]
    user, password = base64.b64decode(given["authorizationToken"]).decode().split(":", 1)
    options = ["login", "--username", user, "--password-stdin", given["proxyEndpoint"]]
    _docker(*options, text=password)


def _docker(*words: str, text: str | None = None) -> None:
    if subprocess.run(["docker", *words], input=text, text=True, check=False).returncode != 0:
        raise Stop(f"docker {words[0]} failed.")
