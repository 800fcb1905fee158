"""Cloudinary's URL: the one secret that a person gives."""

import re

import boto3

from stack.stop import Stop

# As media's settings have it, which would refuse to start with another.
PATTERN = re.compile(r"cloudinary://[\w.~-]+:[\w.~-]+@[\w-]+([/?][!-~]*)?", re.ASCII)


def require_url(name: str) -> None:
    """Raise Stop unless an operator has given the secret a URL that media takes."""
    if wrong := _wrong_with(_value(name)):
        raise Stop(
            f"The secret {name} {wrong}. Give it the one from Cloudinary's console, "
            "cloudinary://KEY:SECRET@CLOUD, and end with Ctrl-D twice, without Enter:\n"
            f"  aws secretsmanager put-secret-value --secret-id {name} "
            "--secret-string file:///dev/stdin"
        )


def _value(name: str) -> str | None:
    secrets = boto3.client("secretsmanager")
    try:
        return str(secrets.get_secret_value(SecretId=name).get("SecretString"))
    except secrets.exceptions.ResourceNotFoundException:
        return None


def _wrong_with(value: str | None) -> str | None:
    """Return what is wrong, without what is secret."""
    if value is None:
        return "has no value yet"
    if value != value.strip():
        return "ends or begins with a line break or blank"
    if value.startswith("CLOUDINARY_URL="):
        return "begins with CLOUDINARY_URL=, which is no part of it"
    if "<" in value:
        return (
            "has placeholders such as <your_api_key>, which the console leaves for you to fill in"
        )
    return None if PATTERN.fullmatch(value) else "is not cloudinary://KEY:SECRET@CLOUD"
