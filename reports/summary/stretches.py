"""Weeks and months as far as they have come, and the like stretches before them (docs/product.md §11, Comparisons)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from scoring.entries import Month
from scoring.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class Stretch:
    """The working days of a period up to some day."""

    first: date
    last: date
    """Where it ends: not after the period, nor after the day it has come to. Before `first`: nothing yet."""
    workdays: tuple[date, ...]

    def __contains__(self, day: date) -> bool:
        """Whether a day lies in it, working or not."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period and the two before it, each with the same number of working days from its start."""

    first: date
    last: date
    """First and last day of the whole period."""
    now: Stretch
    before: Stretch
    earlier: Stretch
    month: Month | None = None
    """None: it is a week."""

    @property
    def week(self) -> tuple[int, int]:
        """ISO year and number of the week it starts in."""
        year, week, _ = self.first.isocalendar()
        return year, week

    @property
    def span(self) -> tuple[date, date]:
        """All that must be read: from the start of the earliest stretch to the end of the newest."""
        return self.earlier.first, max(self.now.last, self.before.last)


def week_of(day: date) -> tuple[date, date]:
    """Monday and Sunday of the ISO week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def stretch(calendar: WorkCalendar, first: date, last: date, until: date) -> Stretch:
    """The period from `first` to `last`, as far as it had come at the end of the day `until`."""
    end = min(last, until)
    return Stretch(first, end, tuple(calendar.workdays(first, end)))


def like_stretch(calendar: WorkCalendar, first: date, last: date, workdays: int) -> Stretch:
    """The first `workdays` working days of the period from `first` to `last`; all of it where it has no more."""
    days = tuple(islice(calendar.workdays(first, last), workdays + 1))
    if len(days) > workdays:
        end = days[workdays - 1] if workdays else first - timedelta(days=1)
        return Stretch(first, end, days[:workdays])
    return Stretch(first, last, days)


def compare_weeks(calendar: WorkCalendar, day: date, until: date) -> Comparison:
    """The week of `day` up to `until` (the day of the team's last finished run) and the two weeks before."""
    spans = [week_of(day - timedelta(weeks=back)) for back in range(3)]
    return _compare(calendar, spans, until)


def compare_months(calendar: WorkCalendar, month: Month, until: date) -> Comparison:
    """A month up to `until` (the day of the team's last finished run) and the two months before."""
    months = (month, month.previous, month.previous.previous)
    return _compare(calendar, [(each.first, each.last) for each in months], until, month)


def _compare(
    calendar: WorkCalendar, spans: list[tuple[date, date]], until: date, month: Month | None = None
) -> Comparison:
    (first, last), *spans_before = spans
    now = stretch(calendar, first, last, until)
    before, earlier = (like_stretch(calendar, *span, len(now.workdays)) for span in spans_before)
    return Comparison(first, last, now, before, earlier, month)
