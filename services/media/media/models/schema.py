"""The declarative base of media's schema."""

from typing import Any

from sqlalchemy import JSON
from sqlalchemy.orm import DeclarativeBase

from common.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Base of every row of media."""

    metadata = new_metadata()
    type_annotation_map = TYPES | {dict[str, Any]: JSON}
