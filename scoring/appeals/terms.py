"""Compute the terms of appeals in working days (docs/product.md §13, §19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from scoring.workdays import WorkCalendar

FILING_DAYS = 3
"""Working days of the manager after the message that told the minus."""
REMINDER_DAYS, OWNER_DAYS, GRANTED_DAYS = 1, 2, 10
"""Working days after the filing: the head is reminded, the owner is told, the appeal is granted as excused."""
_MOST_ABSENT_DAYS = 400


def last_filing_day(calendar: WorkCalendar, told: datetime, is_absent: Callable[[date], bool]) -> date:
    """Return the last day on which an appeal may be filed: the third working day, absences not counted."""
    day, left = calendar.local_date(told), FILING_DAYS
    for _ in range(_MOST_ABSENT_DAYS):
        day = calendar.next_workday(day)
        left -= not is_absent(day)
        if not left:
            break
    return day


def workday_after(calendar: WorkCalendar, filed: datetime, count: int) -> datetime:
    """Return the cutoff of the working day `count` after the filing."""
    day = calendar.local_date(filed)
    for _ in range(count):
        day = calendar.next_workday(day)
    return calendar.cutoff_of(day)
