"""The HTTP edge every service has in common."""

from common.web.app import ServiceApp, create_service_app, reading, writing
from common.web.cached import cached_json
from common.web.idempotency import idempotent
from common.web.schemas import Page, PageQuery, Schema

__all__ = [
    "Page",
    "PageQuery",
    "Schema",
    "ServiceApp",
    "cached_json",
    "create_service_app",
    "idempotent",
    "reading",
    "writing",
]
