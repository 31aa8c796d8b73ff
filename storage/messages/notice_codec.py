"""Translate notices to stored JSON and back; the JSON keys stay as version 0.1.0 stored them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from typing import Any

from storage.days.codec import readings_from_json, readings_to_json
from storage.messages.notices import Notice, Whose

_KINDS: Mapping[str, type[Notice]] = {kind.kind: kind for kind in Notice.__subclasses__()}

_FIELDS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "day": (date.isoformat, date.fromisoformat),
    "earlier": (lambda days: [day.isoformat() for day in days], lambda days: tuple(map(date.fromisoformat, days))),
    "since": (datetime.isoformat, datetime.fromisoformat),
    "retry_until": (datetime.isoformat, datetime.fromisoformat),
    "readings": (readings_to_json, readings_from_json),
    "departed": (list, tuple),
    "kpis": (list, tuple),
    "names": (list, tuple),
    "teams": (list, tuple),
    "whose": (lambda whose: whose.value, Whose),
}
"""Functions to JSON and back by field name; other fields are stored unchanged."""


def encode(notice: Notice) -> dict[str, Any]:
    """Translate a notice to JSON data; fields with default values are left out."""
    data = {}
    for field in fields(notice):
        value = getattr(notice, field.name)
        if field.default is MISSING or value != field.default:
            write, _ = _FIELDS.get(field.name, (_unchanged, _unchanged))
            data[field.name] = write(value)
    return data


def decode(kind: str, data: Mapping[str, Any]) -> Notice | None:
    """Read a stored notice; None if retention blanked the content or this version cannot read the data."""
    try:
        found = _KINDS[kind]
        names = [field.name for field in fields(found) if field.name in data]
        return found(**{name: _FIELDS.get(name, (_unchanged, _unchanged))[1](data[name]) for name in names})
    except (ArithmeticError, KeyError, TypeError, ValueError):
        return None


def _unchanged(value: Any) -> Any:
    return value


def with_team(data: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Replace the key of a renamed team in a stored notice of any kind."""
    renamed = dict(data)
    if renamed.get("team") == old:
        renamed["team"] = new
    if "teams" in renamed:
        renamed["teams"] = [new if key == old else key for key in renamed["teams"]]
    return renamed
