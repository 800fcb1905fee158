"""The fake AWS as a process of its own, and clients for it."""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from harness.processes import Processes

TESTS = Path(__file__).parent.parent
REGION = "eu-central-1"


class FakeAws:
    """Moto and where it listens; `missing` tells which calls it could not answer."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._lines: list[str] = []
        self._process: subprocess.Popen[str] = processes.start(
            [sys.executable, "-m", "fake_aws.server"],
            TESTS,
            {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(TESTS)},
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self._process.stderr,))
        self._reader.start()
        port = self._process.stdout.readline().strip()
        assert port, f"the fake AWS did not start: {self.log}"
        self.url = f"http://127.0.0.1:{port}"

    def _read(self, stream: Any) -> None:
        for line in stream:
            self._lines.append(line)

    @property
    def log(self) -> str:
        """The last lines that the server wrote."""
        return "".join(self._lines[-60:])

    @property
    def missing(self) -> list[str]:
        """Calls that moto has not got."""
        return [line for line in self._lines if line.startswith("not in moto")]

    @property
    def environment(self) -> Mapping[str, str]:
        """What sends the provider, or deploy.py, here and nowhere else."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A boto3 client of a service, such as elbv2."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name=REGION,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"max_attempts": 1}),
        )

    def stop(self) -> None:
        """End the process."""
        self._processes.stop(self._process)
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            if stream:
                stream.close()


def every(client: Any, operation: str, key: str, **arguments: Any) -> list[Any]:
    """All items of a paginated answer."""
    pages = client.get_paginator(operation).paginate(**arguments)
    return [item for page in pages for item in page[key]]
