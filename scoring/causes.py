"""Name the reasons why a KPI was not read."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """Tell why a KPI was not read."""

    INCOMPLETE = "incomplete"
    """The CRM did not give all the records in time."""
    LATE = "late"
    """Read too long after the cutoff, and the CRM does not tell how it was then."""
    CHANGED = "changed"
    """A row of this manager changed after the cutoff, in a field without history."""
    UNKNOWN_USER = "unknown_user"
    """The CRM does not know the user whom the settings list."""
    RIGHTS = "rights"
    """The key may not see what must be read, or the CRM's plan does not offer it: no attempt mends that."""
    MALFORMED = "malformed"
    """A row that may touch this manager has another form than the CRM documents."""
    UNANSWERED = "unanswered"
    """Zero for everybody for 20 working days: an admin is asked whether the CRM keeps it at all."""
    NOT_ASKED = "not_asked"
    """Nobody asked for it when the snapshot was taken."""
