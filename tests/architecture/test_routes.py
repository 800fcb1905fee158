"""What every route must be."""

from typing import Any

import yaml

from common.auth.access import access_of
from common.web.openapi import document, rule_parts

# On the service's own listener only, or pages rather than resources.
UNDOCUMENTED = {"/healthz", "/readyz", "/metrics", "/docs", "/docs/rapidoc.js", "/openapi.json"}

# What a second time does no harm to, or must not be stored.
WITHOUT_KEY = {
    "/api/v1/auth/token": "answers credentials, which are kept nowhere",
    "/api/v1/auth/revoke": "what is revoked stays so",
    "/api/v1/playback/{track_id}": "makes links, which are kept nowhere",
    "/api/v1/tracks/bulk-delete": "what is deleted stays so",
    "/api/v1/uploads": "the same bytes of the same owner are the same upload",
}

Apps = dict[str, Any]


def _rules(app: Any) -> set[tuple[str, str]]:
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def _documented_form(rule: str) -> str:
    return "".join(f"{{{text}}}" if dynamic else text for dynamic, text in rule_parts(rule))


def test_every_route_declares_who_may_use_it(apps: Apps) -> None:
    undeclared = [
        f"{service} {rule}"
        for service, app in apps.items()
        for rule in app.url_map.iter_rules()
        if access_of(app.view_functions[rule.endpoint]) is None
    ]
    assert undeclared == []


def test_the_openapi_document_is_the_url_map(apps: Apps) -> None:
    for service, app in apps.items():
        documented = {
            (method.upper(), path)
            for path, operations in document(app)["paths"].items()
            for method in operations
        }
        served = {
            (method, _documented_form(rule))
            for method, rule in _rules(app)
            if rule not in UNDOCUMENTED
        }
        assert documented == served, service


def test_every_operation_says_what_it_does(apps: Apps) -> None:
    for service, app in apps.items():
        for path, operations in document(app)["paths"].items():
            for method, operation in operations.items():
                assert operation.get("summary"), f"{service} {method} {path} has no docstring"


def test_every_post_that_makes_something_takes_an_idempotency_key(apps: Apps) -> None:
    takes_key: dict[str, bool] = {}
    for app in apps.values():
        for path, operations in document(app)["paths"].items():
            if "post" in operations:
                names = [p["name"] for p in operations["post"].get("parameters", ())]
                takes_key[path] = "Idempotency-Key" in names
                assert takes_key[path] or "201" not in operations["post"]["responses"], path
    assert {path for path, takes in takes_key.items() if not takes} == WITHOUT_KEY.keys()


def test_services_answer_exactly_the_prefixes_that_are_routed_to_them(
    apps: Apps, project_root: Any
) -> None:
    table = yaml.safe_load((project_root / "gateway" / "routes.yaml").read_text())
    routed = [(route["prefix"], route["service"]) for route in table["routes"]]
    for service, app in apps.items():
        prefixes = [prefix for prefix, owner in routed if owner == service]
        for _, rule in _rules(app):
            if rule in ("/healthz", "/readyz", "/metrics"):
                continue
            inside = [p for p in prefixes if rule == p or rule.startswith(f"{p}/")]
            assert inside, f"{service} answers {rule}, which the gateway never sends to it"
