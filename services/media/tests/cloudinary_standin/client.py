"""Starts the stand-in for Cloudinary as a process of its own, and tells it what to do wrong."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

KEY, SECRET, CLOUD = "123456789012345", "api-secret-of-the-stand-in", "antiphon-test"


class CloudinaryStandin:
    """A running stand-in."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("server.py")), KEY, SECRET, CLOUD]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe)
        assert self._process.stdout is not None
        self.address = f"127.0.0.1:{self._process.stdout.readline().split()[0].decode()}"

    @property
    def url(self) -> str:
        """The CLOUDINARY_URL that leads to it."""
        where = f"upload_prefix=http://{self.address}&secure=false&cname={self.address}"
        return f"cloudinary://{KEY}:{SECRET}@{CLOUD}?{where}"

    def fail(self, match: str, kind: str, times: int = 1, **how: Any) -> None:
        """Do wrong by the next requests whose first line matches.

        Kinds: `status` (status, html), `cut`, `stall` (seconds), `truncate`; `skip` lets some pass.
        """
        self._ask("faults", [{"match": match, "kind": kind, "times": times, **how}])

    def reset(self) -> None:
        """Forget all files, requests and faults."""
        self._ask("reset")

    def age(self, hours: float) -> None:
        """Make all that it keeps older."""
        self._ask("age", hours)

    def keys(self) -> set[str]:
        """Return the keys of all files."""
        return {_key(*asset.split("/", 2)) for asset in self._ask("assets")}

    def assets(self) -> list[str]:
        """Return all files as `resource type/delivery type/public id`."""
        found: list[str] = self._ask("assets")
        return found

    def requests(self) -> list[str]:
        """Return the first lines of all requests so far."""
        found: list[str] = self._ask("requests")
        return found

    def end(self) -> None:
        """Stop it."""
        self._process.communicate(timeout=10)

    def _ask(self, what: str, given: object = None) -> Any:
        data = json.dumps(given).encode()
        request = urllib.request.Request(f"http://{self.address}/_control/{what}", data)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def _key(kind: str, delivery: str, public_id: str) -> str:
    assert delivery == ("upload" if kind == "image" else "authenticated")
    key = public_id.removeprefix("antiphon/")
    suffix = {"image": ".jpg", "video": ".m4s", "raw": ""}[kind]
    return key if key.startswith("originals/") else key + suffix
