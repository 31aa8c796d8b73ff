"""Read the values in Bitrix24's answers; write values for a filter, and commands of a batch."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from crm_clients.errors import CrmNonsense

Row = Mapping[str, Any]

NEVER = "9999"
"""Year of the deadline of an activity without a deadline."""
LONGEST_ID = 20
SAME_CHANGE = timedelta(seconds=5)
"""Longest time between two marks of the same change in a row; a later mark is of another change."""


def rows_of(value: Any, at: str = "") -> list[Row]:
    """Read the rows of a list method, sent as a list or as an object, wrapped under `at` if given.

    Raises CrmNonsense for anything else: null, false and an empty object are no empty list.
    """
    if at:
        value = value.get(at) if isinstance(value, Mapping) else None
    if isinstance(value, Mapping) and value:
        value = list(value.values())
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise CrmNonsense("Bitrix24 answered something that is not a list of rows")
    return value


def number(value: Any) -> int:
    """Read an id, sent as a number or as a string; 0 for none. Raises CrmNonsense for another form."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if not value:
        return 0
    if not isinstance(value, str) or not value.removeprefix("-").isdecimal() or len(value) > LONGEST_ID:
        raise CrmNonsense("Bitrix24 told a number of another form")
    return int(value)


def identity(value: Any) -> str:
    """Read an id as records hold ids; empty for none."""
    return str(number(value) or "")


def instant(value: Any, *, endless: bool = False) -> datetime | None:
    """Read a time with an offset; None if empty, where `endless` also for the year that stands for "no deadline".

    Raises CrmNonsense for another form.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise CrmNonsense("Bitrix24 told a time of another form")
    if endless and value.startswith(NEVER):
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise CrmNonsense("Bitrix24 told a time of another form") from None
    raise CrmNonsense("Bitrix24 told a time without its offset")


def stamp(at: datetime, *, up: bool = False) -> str:
    """Write a time for a filter, in whole seconds and with an explicit offset."""
    whole = at.astimezone(UTC).replace(microsecond=0)
    if up and whole < at:
        whole += timedelta(seconds=1)
    return whole.isoformat()


def is_same_change(at: datetime, other: datetime) -> bool:
    """Tell whether two instants of a row, such as the move and the last update, mark the same change."""
    return abs(at - other) <= SAME_CHANGE


def is_yes(value: Any) -> bool:
    """Read a flag of Bitrix24: `Y`, `true`, 1."""
    return value is True or value in ("Y", "y", 1, "1")


def command(method: str, params: Mapping[str, Any]) -> str:
    """Write a batch command.

    References to earlier commands (`$result[name][49][ID]`) stay unquoted: the portal may look for references before
    decoding the query.
    """
    parts: list[str] = []
    for key, value in params.items():
        _write(parts, _quoted(key), value)
    return f"{method}?{'&'.join(parts)}"


def _write(parts: list[str], prefix: str, value: Any) -> None:
    """Write a parameter, or all parameters inside; a command may name some thousand deals by number."""
    if isinstance(value, int):
        parts.append(f"{prefix}={value}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _write(parts, f"{prefix}[{_quoted(key)}]", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _write(parts, f"{prefix}[{number}]", inner)
    else:
        parts.append(f"{prefix}={quote(str(value), safe='[]$')}")


@lru_cache(1024)
def _quoted(key: str) -> str:
    return quote(key, safe="[]")
