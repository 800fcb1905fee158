"""Base classes of request and response bodies."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Schema(BaseModel):
    """A request or response body; unknown fields of a request are refused, not dropped."""

    model_config = ConfigDict(extra="forbid", from_attributes=True)

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the JSON Schema; kept, because flask-openapi asks for it at each request."""
        if args or kwargs:
            return super().model_json_schema(*args, **kwargs)
        return _default_schema(cls)


@cache
def _default_schema(model: type[BaseModel]) -> dict[str, Any]:
    return BaseModel.model_json_schema.__func__(model)  # type: ignore[attr-defined,no-any-return]


class PageQuery(Schema):
    """The query parameters of a list."""

    limit: int = Field(50, ge=1, le=200, description="Items a page.")
    cursor: str | None = Field(None, max_length=1000, description="`next_cursor` of a page.")


class Page(Schema, Generic[Item]):
    """One page of a list."""

    items: Sequence[Item]
    next_cursor: str | None = Field(None, description="Give it as `cursor`; null at the end.")


def page_of(found: Any, item: Callable[[Any], Item]) -> dict[str, Any]:
    """Turn a `common.db.Page` into the body of a list."""
    return {"items": [item(row) for row in found.rows], "next_cursor": found.next_cursor}
