"""The declarative base of playlist's schema."""

from sqlalchemy.orm import DeclarativeBase

from common.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Base of every row of playlist."""

    metadata = new_metadata()
    type_annotation_map = TYPES
