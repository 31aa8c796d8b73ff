"""Define the base class of the tables, and a constraint and a constant that tables share."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, Double, MetaData
from sqlalchemy.orm import DeclarativeBase

from storage.db.types import ExactDecimal, UtcDateTime

NO_HASH = "0" * 64
"""Hash before the first entry of a chain."""


class Base(DeclarativeBase):
    """Name every constraint, so that migrations can refer to constraints on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime, Decimal: ExactDecimal, float: Double}


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    """Allow the values of an enumeration in a column."""
    names = ", ".join(f"'{value.value}'" for value in values)
    return CheckConstraint(f"{column} IN ({names})", name=column)
