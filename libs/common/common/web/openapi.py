"""The OpenAPI 3.1 document of a service, made from its code."""

from copy import deepcopy
from typing import Any

from flask import Flask

from common.auth.access import Access, access_of
from common.web.idempotency import HEADER, PUBLIC_KEY_LENGTH, is_idempotent

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_COMMON = {
    "401": "No valid access token.",
    "403": "The token may not do this.",
    "404": "There is no such thing, or the caller may not know of it.",
    "415": "The body is of a kind that this does not take.",
    "400": "The request cannot be read.",
    "409": "The state of the thing does not allow this.",
    "412": "`If-Match` names an older version.",
    "413": "The body is too large.",
    "414": "The path and query are longer than about 8,000 bytes.",
    "422": "Some of the input is not acceptable.",
    "429": "Too many requests; see Retry-After.",
    "503": "Something the service needs does not answer now.",
}


def document(app: Any) -> dict[str, Any]:
    """Return the service's document with access rules and every status it may answer."""
    spec: dict[str, Any] = deepcopy(app.api_doc)  # the application keeps it
    spec["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
    }
    endpoints = _endpoints(app)
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            endpoint = endpoints[(method.upper(), path)]
            # Its view function, whose name is unique in a service.
            operation["operationId"] = endpoint.rpartition(".")[2]
            view = app.view_functions[endpoint]
            access = access_of(view) or Access()
            if is_idempotent(view):
                operation.setdefault("parameters", []).append(_key_parameter(access))
            _complete(operation, path, method, access)
    return spec


def _endpoints(app: Flask) -> dict[tuple[str, str], str]:
    found = {}
    for rule in app.url_map.iter_rules():
        path = "".join(
            f"{{{part}}}" if is_dynamic else part for is_dynamic, part in rule_parts(rule.rule)
        )
        for method in rule.methods or ():
            found[(method, path)] = rule.endpoint
    return found


def rule_parts(rule: str) -> list[tuple[bool, str]]:
    """Split `/a/<uuid:b>` into (is a parameter, text) parts."""
    parts: list[tuple[bool, str]] = []
    for index, piece in enumerate(rule.replace(">", "<").split("<")):
        dynamic = index % 2 == 1
        parts.append((dynamic, piece.rpartition(":")[2] if dynamic else piece))
    return parts


def _describe_access(operation: dict[str, Any], access: Access) -> None:
    operation["security"] = [{"bearer": []}]
    needs = access.scope and f"scope `{access.scope}`", access.role and f"role `{access.role}`"
    text = " and ".join(filter(None, needs)) or "a valid access token"
    operation["description"] = f"{operation.get('description', '')}\n\nNeeds {text}.".strip()


def _key_parameter(access: Access) -> dict[str, Any]:
    shortest = PUBLIC_KEY_LENGTH if access.public else 1
    return {
        "name": HEADER,
        "in": "header",
        "required": False,
        "description": "A new UUID for each thing to make. The same request with the same key gets"
        " the first answer again, for 24 hours; another one gets 422. Errors are not kept.",
        "schema": {"type": "string", "minLength": shortest, "maxLength": 128},
    }


def _complete(operation: dict[str, Any], path: str, method: str, access: Access) -> None:
    if not access.public:
        _describe_access(operation, access)
    responses, statuses = operation["responses"], _statuses(operation, path, method, access)
    responses.pop("422", None)  # flask-openapi adds one to every operation
    for status in sorted(statuses):
        responses.setdefault(status, {"description": _COMMON[status]})
    for status in responses.keys() & _COMMON.keys():  # but the errors of RFC 6749 are their own
        responses[status].setdefault("content", _PROBLEM)


def _statuses(operation: dict[str, Any], path: str, method: str, access: Access) -> set[str]:
    statuses = {"503"}
    if not access.public:
        statuses |= {"401", "403"}
    if "{" in path:
        statuses |= {"404"}
    if operation.get("requestBody"):
        statuses |= {"400", "413", "415", "422"}
    elif operation.get("parameters") and method == "get":
        statuses |= {"422"}
    if any(parameter["in"] == "query" for parameter in operation.get("parameters", ())):
        statuses |= {"414"}
    return statuses
