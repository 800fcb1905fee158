"""The declarative base of auth's schema."""

from sqlalchemy.orm import DeclarativeBase

from common.db import TYPES, new_metadata


class Base(DeclarativeBase):
    """Base of every row of auth."""

    metadata = new_metadata()
    type_annotation_map = TYPES
