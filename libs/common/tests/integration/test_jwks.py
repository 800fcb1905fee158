import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import jwt
import pytest

from common.auth.jwks import JwksClient
from common.errors import Unavailable
from common.testing.tokens import TestIssuer


class Issuer:
    """A JWKS endpoint on a free port that counts its requests and can go away."""

    def __init__(self, key: Any) -> None:
        self.requests = 0
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self.body: bytes | None = json.dumps(
            {"keys": [{**jwk, "kid": "k1", "alg": "ES256"}]}
        ).encode()
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.requests += 1
                self.send_response(200 if issuer.body else 500)
                self.end_headers()
                self.wfile.write(issuer.body or b"")

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/jwks.json"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def endpoint(issuer: TestIssuer) -> Iterator[Issuer]:
    endpoint = Issuer(issuer.private_key)
    yield endpoint
    endpoint.close()


def test_keys_are_fetched_once(endpoint: Issuer) -> None:
    client = JwksClient(endpoint.url)
    for _ in range(5):
        key = client.find("k1")
        assert key is not None
        assert key.algorithm_name == "ES256"
    assert endpoint.requests == 1


def test_forged_key_ids_do_not_become_requests(endpoint: Issuer) -> None:
    client = JwksClient(endpoint.url)
    client.find("k1")
    assert [client.find(f"forged-{i}") for i in range(50)] == [None] * 50
    assert endpoint.requests == 1


def test_known_keys_go_on_working_while_the_issuer_is_away(endpoint: Issuer) -> None:
    client = JwksClient(endpoint.url)
    client.find("k1")
    endpoint.body = None
    client._fetched_at = client._tried_at = float("-inf")  # as if five minutes had passed
    assert client.find("k1") is not None
    assert endpoint.requests == 2


def test_who_has_the_key_does_not_wait_for_a_slow_issuer(endpoint: Issuer) -> None:
    client = JwksClient(endpoint.url)
    client.find("k1")
    client._fetched_at = client._tried_at = float("-inf")
    with client._lock:  # as if somebody were fetching
        assert client.find("k1") is not None


def test_without_any_key_the_service_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        JwksClient("http://127.0.0.1:1/jwks.json").find("k1")
