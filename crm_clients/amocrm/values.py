"""Convert values of amoCRM's JSON: numbers, instants, and the entity of a task or note."""

from __future__ import annotations

from datetime import UTC, datetime

from crm_clients.errors import CrmNonsense

_ENTITIES = ("leads", "contacts", "companies")


def as_int(value: object) -> int:
    """Convert a value to an integer; null, empty and malformed values give 0."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # malformed values are caught below
    except (TypeError, ValueError, OverflowError):
        return 0


def as_instant(seconds: object) -> datetime:
    """Convert Unix seconds to an aware instant. Raises CrmNonsense for other values."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)  # type: ignore[call-overload]  # checked by converting
    except (TypeError, ValueError, OverflowError, OSError):
        raise CrmNonsense("amoCRM gave a date that is no Unix time") from None


def encode_entity(kind: object, number: int) -> int:
    """Encode kind and id of an entity as a single integer, to save memory; 0 for no entity."""
    return number * 4 + _ENTITIES.index(str(kind)) + 1 if kind in _ENTITIES and number else 0


def entity_path(code: int) -> str:
    """Build the page address of an encoded entity, relative to the account's host; empty for no entity."""
    return f"{_ENTITIES[code % 4 - 1]}/detail/{code // 4}" if code else ""
