"""Keep the cutoff, zone and weekdays of a running window when the settings change (docs/product.md §19, Versions)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from scoring.rules import Schedule
from scoring.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class ChangingCalendar(WorkCalendar):
    """Answer for days up to `until` as the earlier calendar does."""

    earlier: WorkCalendar = field(kw_only=True)
    until: date = field(kw_only=True)
    """Day of the window in which the change was loaded."""

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is a working day."""
        return self.earlier.is_workday(day) if day <= self.until else WorkCalendar.is_workday(self, day)

    def cutoff_of(self, day: date) -> datetime:
        """Return the UTC instant of the day's cutoff."""
        return self.earlier.cutoff_of(day) if day <= self.until else WorkCalendar.cutoff_of(self, day)

    def business_day(self, now: datetime) -> date:
        """Find the working day with the window running at `now`; the window of the change keeps its cutoff."""
        day = self.earlier.business_day(now)
        if day <= self.until:
            return day
        day = WorkCalendar.business_day(self, now)
        return day if day > self.until else self.next_workday(self.until)


def schedule_of(calendar: WorkCalendar) -> Schedule:
    """Return what of a calendar holds from the next window when it changes."""
    return Schedule(calendar.zone.key, f"{calendar.cutoff:%H:%M}", tuple(sorted(calendar.weekdays)))


def with_earlier(calendar: WorkCalendar, loaded: Sequence[tuple[datetime, Schedule]]) -> WorkCalendar:
    """Add to the calendar of the settings what was loaded before, oldest first with the instant of loading.

    Days off, extra working days and short days hold as the settings say now.
    """
    result: WorkCalendar | None = None
    known: Schedule | None = None
    for at, schedule in loaded:
        if schedule == known:
            continue
        changed = _scheduled(calendar, schedule)
        result = changed if result is None else _changed(changed, result, at)
        known = schedule
    return result or calendar


def _scheduled(calendar: WorkCalendar, schedule: Schedule) -> WorkCalendar:
    return replace(
        calendar,
        zone=ZoneInfo(schedule.timezone),
        cutoff=time.fromisoformat(schedule.cutoff),
        weekdays=frozenset(schedule.weekdays),
    )


def _changed(calendar: WorkCalendar, earlier: WorkCalendar, at: datetime) -> WorkCalendar:
    """Let a calendar begin after the window that runs at `at` by the earlier calendar."""
    try:
        until = earlier.business_day(at)
    except ValueError:  # no working day within a year: no window runs
        return calendar
    return ChangingCalendar(
        zone=calendar.zone,
        cutoff=calendar.cutoff,
        weekdays=calendar.weekdays,
        days_off=calendar.days_off,
        extra_workdays=calendar.extra_workdays,
        short_days=calendar.short_days,
        official=calendar.official,
        earlier=earlier,
        until=until,
    )
