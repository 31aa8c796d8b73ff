"""Read the values in Bitrix24's answers, and writes values for a filter."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from crm_clients.errors import CrmNonsense

Row = Mapping[str, Any]

NEVER = "9999"
"""Year of the deadline of an activity without a deadline."""


def rows_of(value: Any, at: str = "") -> list[Row]:
    """Read the rows of a list method, sent as a list or as an object, wrapped under `at` or not."""
    if isinstance(value, Mapping) and at in value:
        value = value[at]
    if isinstance(value, Mapping):
        value = list(value.values())
    if value is None or value is False:
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise CrmNonsense("Bitrix24 answered something that is not a list of rows")
    return value


def number(value: Any) -> int:
    """Read an id, sent as a number or as a string; 0 for none."""
    return int(value) if value else 0


def identity(value: Any) -> str:
    """Read an id as records hold ids; empty for none."""
    return str(number(value) or "")


def instant(value: Any) -> datetime | None:
    """Read a time with an offset; None if empty, or for the far future that stands for "no deadline"."""
    if not value or not isinstance(value, str) or value.startswith(NEVER):
        return None
    at = datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise CrmNonsense("Bitrix24 told a time without its offset")
    return at.astimezone(UTC)


def stamp(at: datetime, *, up: bool = False) -> str:
    """Write a time for a filter, in whole seconds and with an explicit offset."""
    whole = at.astimezone(UTC).replace(microsecond=0)
    if up and whole < at:
        whole += timedelta(seconds=1)
    return whole.isoformat()


def is_yes(value: Any) -> bool:
    """Read a flag of Bitrix24: `Y`, `true`, 1."""
    return value is True or value in ("Y", "y", 1, "1")
