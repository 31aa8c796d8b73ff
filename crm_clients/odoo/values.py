"""Convert values between Odoo's spelling and Python's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec

Row = dict[str, Any]
"""A record in Odoo's spelling; an empty value of any type is False."""
Domain = list[Any]
"""A search condition in Odoo's prefix notation."""

Id = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
"""The id of a record: a number of 32 bits."""
DocumentId = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""The id of the record that an activity or a message belongs to; 0 for none."""
Reference = tuple[Id, str | bool]
"""A many2one: the id and the name of a record; the name may be False."""
Naive = Annotated[datetime, msgspec.Meta(tz=False)]
"""An instant as Odoo spells it: without a zone, in UTC whatever the zone of the user."""
Choice = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]{1,60}$")]
"""The key of a selection."""
Model = Annotated[str, msgspec.Meta(pattern="^[a-z0-9_.]{1,80}$")]
"""The technical name of a model."""


def utc(at: datetime) -> datetime:
    """Make an instant of Odoo's aware."""
    return at.replace(tzinfo=UTC)


def utc_or_none(at: datetime | None) -> datetime | None:
    """Make an instant of Odoo's aware; None stays None."""
    return None if at is None else at.replace(tzinfo=UTC)


def naive(at: datetime, *, up: bool = False) -> str:
    """Format an instant for a filter: naive, in UTC, whole seconds (rounded down, or up)."""
    at = at.astimezone(UTC)
    if up and at.microsecond:
        at += timedelta(seconds=1)
    return f"{at:%Y-%m-%d %H:%M:%S}"


def id_of(value: Reference | None) -> str:
    """Get the id of a many2one as records spell ids: a string, empty for no record."""
    return "" if value is None else str(value[0])


def name_of(value: Reference | None) -> str:
    """Get the name of a many2one; empty for no record."""
    return "" if value is None else str(value[1] or "")
