"""Convert values between Odoo's spelling and Python's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from crm_clients.errors import CrmNonsense
from crm_clients.shared.redaction import one_line

Row = dict[str, Any]
"""A record in Odoo's spelling; an empty value of any type is False."""
Domain = list[Any]
"""A search condition in Odoo's prefix notation."""


def instant(value: Any) -> datetime | None:
    """Parse an instant: a naive string in UTC, in any zone of the user; False is None. Raises CrmNonsense."""
    if not value:
        return None
    try:
        return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)
    except ValueError:
        raise CrmNonsense(f"Odoo sent {one_line(value, 40)!r} for an instant") from None


def day(value: Any) -> date | None:
    """Parse a date; False is None. Raises CrmNonsense."""
    if not value:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise CrmNonsense(f"Odoo sent {one_line(value, 40)!r} for a date") from None


def naive(at: datetime, *, up: bool = False) -> str:
    """Format an instant for a filter: naive, in UTC, whole seconds (rounded down, or up)."""
    at = at.astimezone(UTC)
    if up and at.microsecond:
        at += timedelta(seconds=1)
    return f"{at:%Y-%m-%d %H:%M:%S}"


def reference(value: Any) -> int | None:
    """Get the id of a many2one (`[id, name]` or False)."""
    return value[0] if isinstance(value, list) and value else None


def many2one_id(value: Any) -> str:
    """Get the id of a many2one as records spell ids: a string, empty for False."""
    return str(reference(value) or "")


def label(value: Any) -> str:
    """Get the name of a many2one."""
    return str(value[1]) if isinstance(value, list) and len(value) > 1 else ""
