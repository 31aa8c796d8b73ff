"""Compute how far back a length of working time reaches (docs/product.md §19, Grace)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from scoring.terms.circumstances import Half
from scoring.workdays import WorkCalendar, local_instant

LOOK_BACK_DAYS = 3660
"""Days searched for working time; a calendar without any ends the search there."""


@dataclass(frozen=True, slots=True)
class WorkTime:
    """Hold a team's calendar and working hours; working time ends at the cutoff on short days."""

    calendar: WorkCalendar
    start: time = time(9)
    end: time = time(18)
    """Midnight: the end of the day."""

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether an instant lies within the working hours of a working day."""
        day = self.calendar.local_date(instant)
        if not self.calendar.is_workday(day):
            return False
        begin, end = self._hours_of(day)
        return begin <= instant < end

    def minutes_before(self, instant: datetime, minutes: int) -> datetime:
        """Return the latest instant with at least `minutes` of working time between that instant and the given one."""
        left = timedelta(minutes=minutes)
        for day in self._workdays_until(instant):
            begin, end = self._hours_of(day)
            end = min(end, instant)
            if end - begin >= left:
                return end - left
            left -= max(end - begin, timedelta(0))
        return instant - timedelta(days=LOOK_BACK_DAYS)

    def days_before(self, instant: datetime, days: int) -> datetime:
        """Return the instant `days` working days earlier, at the same time of day; whole days off do not count."""
        return self._whole_days_before(instant, timedelta(days=days))

    def hours_before(self, instant: datetime, hours: int) -> datetime:
        """Return the instant `hours` earlier; whole days off do not count."""
        return self._whole_days_before(instant, timedelta(hours=hours))

    def _whole_days_before(self, instant: datetime, left: timedelta) -> datetime:
        """Go back from midnight to midnight, in the wall time of the zone, over the working days."""
        zone = self.calendar.zone
        wall = instant.astimezone(zone).replace(tzinfo=None)
        for day in self._workdays_until(instant):
            midnight = datetime.combine(day, time(0))
            end = min(wall, midnight + timedelta(days=1))
            if end - midnight >= left:
                found = end - left
                return local_instant(found.date(), found.time(), zone)
            left -= end - midnight
        return instant.astimezone(UTC) - timedelta(days=LOOK_BACK_DAYS)

    def _workdays_until(self, instant: datetime) -> Iterator[date]:
        """List the working days from the day of an instant backwards."""
        day = self.calendar.local_date(instant)
        for _ in range(LOOK_BACK_DAYS):
            if self.calendar.is_workday(day):
                yield day
            day -= timedelta(days=1)

    def _hours_of(self, day: date) -> tuple[datetime, datetime]:
        """Return begin and end of the working hours; a short day ends at the cutoff, an absent half does not count."""
        zone = self.calendar.zone
        begin = local_instant(day, self.start, zone)
        end = local_instant(day if self.end > time(0) else day + timedelta(days=1), self.end, zone)
        if day in self.calendar.short_days:
            end = min(end, self.calendar.cutoff_of(day))
        end, absent = max(begin, end), self.calendar.absent_half(day)
        middle = begin + (end - begin) / 2
        return (middle if absent is Half.AM else begin), (middle if absent is Half.PM else end)
