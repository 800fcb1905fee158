"""Forged tokens, as RFC 8725 lists them: every one must be refused."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from auth.services.keys import KeyRing

LogIn = Callable[..., dict[str, str]]


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def _claims(token: str, **changes: object) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims | changes


@pytest.fixture
def good(register: Callable[..., Any], log_in: LogIn) -> str:
    register()
    return log_in()["access_token"]


@pytest.fixture
def header(good: str) -> dict[str, Any]:
    return jwt.get_unverified_header(good)


@pytest.fixture
def refused(client: Any) -> Callable[[str], str]:
    def check(token: str) -> str:
        response = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token}"})
        assert response.status_code == 401, response.text
        assert response.mimetype == "application/problem+json"
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]
        detail: str = response.json["detail"]
        return detail

    return check


Refused = Callable[[str], str]


def test_the_algorithm_none(good: str, header: dict[str, Any], refused: Refused) -> None:
    for name in ("none", "None", "NONE"):
        refused(f"{_part(header | {'alg': name})}.{_part(_claims(good))}.")


def test_the_public_key_as_an_hmac_secret(
    good: str, header: dict[str, Any], keys: KeyRing, refused: Refused
) -> None:

    key = keys.find(header["kid"])
    assert key is not None
    pem = key.key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    signed = f"{_part(header | {'alg': 'HS256'})}.{_part(_claims(good))}"
    mac = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
    refused(f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}")


def test_a_key_that_the_token_brings_along(
    good: str, header: dict[str, Any], refused: Refused
) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    jwk = jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key(), as_dict=True)
    for extra in ({"jwk": jwk}, {"jku": "http://127.0.0.1:9/jwks"}, {"x5u": "http://127.0.0.1:9"}):
        headers = {"kid": header["kid"], "typ": "at+jwt"} | extra
        refused(jwt.encode(_claims(good), mine, algorithm="ES256", headers=headers))


def test_a_key_id_that_is_a_path_or_a_query(good: str, refused: Refused) -> None:
    mine = ec.generate_private_key(ec.SECP256R1())
    for kid in ("../../dev/null", "' OR 1=1 --", "", "x" * 5000):
        headers = {"kid": kid, "typ": "at+jwt"}
        refused(jwt.encode(_claims(good), mine, algorithm="ES256", headers=headers))


def test_changed_claims_and_a_cut_signature(good: str, refused: Refused) -> None:
    head, _, signature = good.split(".")
    refused(f"{head}.{_part(_claims(good, roles=['admin']))}.{signature}")
    refused(good[:-4])
    refused(f"{good}AAAA")
    refused("a.b.c")
    refused("not a token")
    refused(".".join(["x" * 100_000] * 3)[:60_000])


def _signed(keys: KeyRing, claims: dict[str, Any], **headers: str) -> str:
    pair = keys._current()[0]
    headers = {"kid": pair.id, "typ": "at+jwt"} | headers
    return jwt.encode(claims, pair.private_key, algorithm="ES256", headers=headers)


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "http://elsewhere.test"},
        {"aud": "another"},
        {"exp": int(time.time()) - 60},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"roles": "admin"},
        {"scope": ["profile:read"]},
    ],
)
def test_our_own_key_over_wrong_claims(
    good: str, keys: KeyRing, refused: Refused, changes: dict[str, Any]
) -> None:
    refused(_signed(keys, _claims(good, **changes)))


@pytest.mark.parametrize("missing", ["exp", "iat", "iss", "aud", "sub", "jti", "client_id"])
def test_our_own_key_over_missing_claims(
    good: str, keys: KeyRing, refused: Refused, missing: str
) -> None:
    claims = _claims(good)
    del claims[missing]
    refused(_signed(keys, claims))


def test_a_token_of_another_kind(good: str, keys: KeyRing, refused: Refused) -> None:
    assert refused(_signed(keys, _claims(good), typ="JWT")) == "This is not an access token."


def test_an_expired_token_says_so(good: str, keys: KeyRing, refused: Refused) -> None:
    assert "expired" in refused(_signed(keys, _claims(good, exp=int(time.time()) - 60)))


def test_no_token_at_all(client: Any) -> None:
    response = client.get("/api/v1/users/me")
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="antiphon"'
    basic = client.get("/api/v1/users/me", headers={"Authorization": "Basic YTpi"})
    assert basic.status_code == 401
