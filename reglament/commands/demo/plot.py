"""Choose the days of the month on which the demo departs from daily life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from scoring.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class Plot:
    """Hold the days of the month with an event."""

    days: tuple[date, ...]
    """Working days to live through."""
    down: date
    """Day on which the CRM does not answer until the retry time is over."""
    late: date
    """Day on which the CRM answers at the second attempt."""
    absent: date
    """Day on which a manager is on a trip."""
    change: date
    """Day on which the bound for calls is raised."""

    @classmethod
    def of(cls, calendar: WorkCalendar, first: date, last: date) -> Plot:
        """Spread the events over the working days from `first` to `last`."""
        days = tuple(calendar.workdays(first, last))
        down, late, absent, change = (days[len(days) * part // 8] for part in (2, 3, 5, 4))
        return cls(days, down, late, absent, change)
