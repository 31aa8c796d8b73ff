"""Compute working days, cutoffs and windows of a team.

All is computed in the team's IANA zone and carried as aware instants, so a day may have 23 or 25 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from scoring.terms.circumstances import Half

OfficialDay = Callable[[date], bool | None]
"""Tell the official status of a date: True moved working day, False holiday or moved day off, None ordinary day."""


def _no_official_days(_day: date) -> None:
    return None


class WindowKind(StrEnum):
    """Name the span in which a day's events are counted."""

    CUTOFF_TO_CUTOFF = "cutoff_to_cutoff"
    CALENDAR_DAY = "calendar_day"


@dataclass(frozen=True, slots=True)
class Window:
    """Hold the half-open span `[start, cutoff)` in which a day's events are counted; states are as at `cutoff`."""

    start: datetime
    cutoff: datetime
    earlier: datetime | None = None
    """Start of the window before, for CRMs that keep no completion time of meetings (docs/product.md §11)."""
    earlier_end: datetime | None = None
    """End of the window before; None: the start of this window."""

    def __post_init__(self) -> None:
        """Refuse naive instants and windows that run backwards; carry the rest in UTC.

        Two instants of one `ZoneInfo` are compared and added by the wall clock, which is wrong where the clock is
        changed: in UTC neither can happen.
        """
        for name in ("start", "cutoff", "earlier", "earlier_end"):
            instant: datetime | None = getattr(self, name)
            if instant is None:
                continue
            if instant.utcoffset() is None:
                raise ValueError("a window needs aware instants")
            object.__setattr__(self, name, instant.astimezone(UTC))
        if self.start > self.cutoff:
            raise ValueError("a window must not end before it starts")

    def __contains__(self, instant: datetime) -> bool:
        """Tell whether an event at `instant` belongs to the window."""
        return self.start <= instant < self.cutoff

    def is_earlier(self, instant: datetime) -> bool:
        """Tell whether `instant` belongs to the window before."""
        return self.earlier is not None and self.earlier <= instant < (self.earlier_end or self.start)

    def until(self, now: datetime) -> Window:
        """Cut the window at `now`."""
        return Window(min(self.start, now), now, self.earlier, self.earlier_end)

    def union(self, other: Window) -> Window:
        """Join two windows with the same cutoff. Raises ValueError for different cutoffs."""
        if self.cutoff != other.cutoff:
            raise ValueError("only windows with one cutoff are read together")
        earlier = [w.earlier for w in (self, other) if w.earlier is not None]
        return Window(min(self.start, other.start), self.cutoff, min(earlier) if earlier else None)


def local_instant(day: date, wall: time, zone: ZoneInfo) -> datetime:
    """Convert a wall-clock time of a zone to the UTC instant.

    A time that does not exist that day means the first instant after the gap; a doubled one means the first.
    """
    local = datetime.combine(day, wall, tzinfo=zone)
    instant = local.astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _end_of_gap(local, zone)


def _end_of_gap(local: datetime, zone: ZoneInfo) -> datetime:
    """Find the first instant after the gap that swallowed the wall time `local`: the change of the offset."""
    before = local.replace(fold=0).utcoffset()
    after = local.replace(fold=1).utcoffset()
    assert before is not None  # noqa: S101  # a zone always has an offset
    assert after is not None  # noqa: S101
    low = (local.replace(tzinfo=None) - max(before, after)).replace(tzinfo=UTC)
    high = (local.replace(tzinfo=None) - min(before, after)).replace(tzinfo=UTC)
    start_offset = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) // 2
        if middle.astimezone(zone).utcoffset() == start_offset:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class WorkCalendar:
    """A team's working days.

    Precedence: `days_off`, `extra_workdays`, `short_days`, official transfers and holidays, `weekdays`.
    """

    zone: ZoneInfo
    cutoff: time = time(18)
    weekdays: frozenset[int] = frozenset(range(5))
    """0 is Monday."""
    days_off: frozenset[date] = frozenset()
    extra_workdays: frozenset[date] = frozenset()
    short_days: Mapping[date, time] = field(default_factory=dict)
    official: OfficialDay = _no_official_days

    def __post_init__(self) -> None:
        """Refuse days that the settings should have refused."""
        if both := self.days_off & self.extra_workdays:
            raise ValueError(f"{min(both)} is in days_off and in extra_workdays: take it out of one")

    def is_workday(self, day: date) -> bool:
        """Tell whether `day` is a working day."""
        if day in self.days_off:
            return False
        if day in self.extra_workdays or day in self.short_days:
            return True
        official = self.official(day)
        return day.weekday() in self.weekdays if official is None else official

    def absent_half(self, day: date) -> Half | None:
        """Return the half of a day in which nobody works; a team works whole days."""
        return None

    def cutoff_of(self, day: date) -> datetime:
        """Return the UTC instant of the day's cutoff."""
        return local_instant(day, self.short_days.get(day, self.cutoff), self.zone)

    def local_date(self, instant: datetime) -> date:
        """Return the calendar day of `instant` in the team's zone."""
        return instant.astimezone(self.zone).date()

    def workdays(self, first: date, last: date) -> Iterator[date]:
        """List working days from `first` to `last`, both included."""
        day = first
        while day <= last:
            if self.is_workday(day):
                yield day
            day += timedelta(days=1)

    def previous_workday(self, day: date) -> date:
        """Find the last working day before `day`. Raises ValueError for a year without working days."""
        return self._seek(day, -1)

    def next_workday(self, day: date) -> date:
        """Find the first working day after `day`. Raises ValueError for a year without working days."""
        return self._seek(day, +1)

    def _seek(self, day: date, step: int) -> date:
        for _ in range(366):
            day += timedelta(days=step)
            if self.is_workday(day):
                return day
        raise ValueError("the calendar has no working day within a year")

    def business_day(self, now: datetime) -> date:
        """Find the working day with the window running at `now`: the first day with a cutoff after `now`."""
        day = self.local_date(now)
        if self.is_workday(day) and now < self.cutoff_of(day):
            return day
        return self.next_workday(day)

    def window(self, day: date, kind: WindowKind, last_end: datetime | None = None) -> Window:
        """Compute the window of working day `day`.

        `last_end` is where the team's last stored window ended (the latest end of all of them): a cutoff-to-cutoff
        window starts there, so that a changed calendar or cutoff neither loses nor doubles an instant. Without one the
        calendar decides. A calendar day begins at midnight, but never before `last_end`.
        """
        cutoff = self.cutoff_of(day)
        before = self.previous_workday(day)
        if kind is WindowKind.CALENDAR_DAY:
            return self._calendar_day(day, before, last_end)
        start = min(self.cutoff_of(before) if last_end is None else last_end, cutoff)
        earlier = self.cutoff_of(self.previous_workday(self.local_date(start)))
        return Window(start, cutoff, min(earlier, start))

    def _calendar_day(self, day: date, before: date, last_end: datetime | None) -> Window:
        cutoff = self.cutoff_of(day)
        midnight = local_instant(day, time(0), self.zone)
        start = min(midnight if last_end is None else max(midnight, last_end), cutoff)
        ended = min(self.cutoff_of(before) if last_end is None else last_end, start)
        earlier = local_instant(self.local_date(ended), time(0), self.zone)
        return Window(start, cutoff, min(earlier, ended), ended)
