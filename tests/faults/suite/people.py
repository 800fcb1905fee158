"""People who use the services over HTTP, and go on trying while anything is broken."""

import random
import time
from collections import Counter
from collections.abc import Callable, Collection
from typing import Any

import requests

_TIMEOUTS = (3, 10)
"""Seconds to connect and to wait for an answer: a stopped process gives none."""
_PASSWORD = "a password for tests"
_IN_TIME = 300


class Dismissed(Exception):
    """A service does not take this person's token any more."""


class Person:
    """A user with a session of their own; not for several threads.

    `ambiguous` counts requests that got no answer, or one that says nothing of what was
    committed (5xx): what they asked for may have been done.
    """

    def __init__(self, url: Callable[[str], str], name: str, rng: random.Random) -> None:
        self.name, self.id = name, ""
        self.ambiguous = 0
        self.leaves = False
        """Whether the account is about to be deleted: a refused token then ends the attempt."""
        self.statuses: Counter[int] = Counter()
        self._url, self._rng = url, rng
        self._http = requests.Session()
        # Neither a proxy nor a netrc file has a say in what goes to this machine.
        self._http.trust_env = False

    def register(self) -> None:
        """Make the account, whether or not an earlier try made it, and log in."""
        account = {"email": f"{self.name}@example.org", "username": self.name}
        account["password"] = _PASSWORD
        self.insist("auth", "POST", "/api/v1/auth/register", (201, 409), json=account)
        self.login()
        self.id = self.insist("auth", "GET", "/api/v1/users/me", (200,)).json()["id"]

    def login(self) -> None:
        """Get a fresh access token."""
        form = {"grant_type": "password", "username": self.name, "password": _PASSWORD}
        answer = self.insist("auth", "POST", "/api/v1/auth/token", (200,), data=form)
        self._http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def call(self, service: str, method: str, path: str, **options: Any) -> requests.Response:
        """Ask once; raises RequestException when there is no answer."""
        url = self._url(service) + path
        response = self._http.request(method, url, timeout=_TIMEOUTS, **options)
        self.statuses[response.status_code] += 1
        return response

    def insist(
        self,
        service: str,
        method: str,
        path: str,
        expected: Collection[int],
        seconds: float = _IN_TIME,
        **options: Any,
    ) -> requests.Response:
        """Ask until the answer is one of the expected; fails with any other that is final.

        Raises Dismissed when somebody who leaves is refused.
        """
        deadline = time.monotonic() + seconds
        while True:
            answer = self._try(service, method, path, options)
            if isinstance(answer, requests.Response):
                if answer.status_code in expected:
                    return answer
                self._judge(answer)
            assert time.monotonic() < deadline, f"{method} {path}: {answer!r}"
            time.sleep(self._rng.uniform(0.05, 0.4))

    def upload(self, name: str, audio: bytes) -> dict[str, Any]:
        """Upload a recording; once more is the same upload."""
        answer = self.insist(
            "media", "POST", "/api/v1/uploads", (200, 202), files={"file": (name, audio)}
        )
        upload: dict[str, Any] = answer.json()
        return upload

    def close(self) -> None:
        """Give back connections."""
        self._http.close()

    def _try(
        self, service: str, method: str, path: str, options: dict[str, Any]
    ) -> requests.Response | requests.RequestException:
        try:
            answer = self.call(service, method, path, **options)
        except requests.RequestException as error:
            self.ambiguous += 1
            return error
        if answer.status_code >= 500:
            self.ambiguous += 1
        return answer

    def _judge(self, answer: requests.Response) -> None:
        """Log in again where that helps; fail where asking again would not."""
        if self.leaves and answer.status_code in (401, 403):
            raise Dismissed
        if answer.status_code == 401 and not answer.url.endswith("/token"):
            self.login()
        # A read model may not know yet what another service has told: 404, 422.
        elif answer.status_code not in (404, 422, 429, 500, 502, 503, 504):
            raise AssertionError(f"{answer.request.method} {answer.url}: {answer.text[:500]}")
