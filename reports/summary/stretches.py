"""Cut weeks and months at the last run, and find like stretches before (docs/product.md §11, Comparisons)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from scoring.entries import Month
from scoring.workdays import WorkCalendar


@dataclass(frozen=True, slots=True)
class Stretch:
    """Hold the working days of a period up to a day."""

    first: date
    last: date
    """Last day reached, at most the period's last day. Before `first`: no day yet."""
    workdays: tuple[date, ...]

    def __contains__(self, day: date) -> bool:
        """Tell whether a day lies in the stretch, working or not."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Comparison:
    """Hold a period and the two before, each with the same number of working days from the start."""

    first: date
    last: date
    """Last day of the whole period; `first` is the first."""
    now: Stretch
    before: Stretch
    earlier: Stretch
    month: Month | None = None
    """The month compared; None for a week."""
    is_running: bool = False
    """Working days of the period are still to come."""

    @property
    def week(self) -> tuple[int, int]:
        """Return ISO year and number of the week of the first day."""
        year, week, _ = self.first.isocalendar()
        return year, week

    @property
    def span(self) -> tuple[date, date]:
        """Return the days to read: from the start of the earliest stretch to the end of the newest."""
        return self.earlier.first, max(self.now.last, self.before.last)


def week_of(day: date) -> tuple[date, date]:
    """Return Monday and Sunday of the ISO week."""
    monday = day - timedelta(days=day.weekday())
    return monday, monday + timedelta(days=6)


def stretch(calendar: WorkCalendar, first: date, last: date, until: date) -> Stretch:
    """Cut the period from `first` to `last` at the end of the day `until`."""
    end = min(last, until)
    return Stretch(first, end, tuple(calendar.workdays(first, end)))


def like_stretch(calendar: WorkCalendar, first: date, last: date, workdays: int) -> Stretch:
    """Take the first `workdays` working days from `first` to `last`, or all days where there are fewer."""
    days = tuple(islice(calendar.workdays(first, last), workdays + 1))
    if len(days) > workdays:
        end = days[workdays - 1] if workdays else first - timedelta(days=1)
        return Stretch(first, end, days[:workdays])
    return Stretch(first, last, days)


def compare_weeks(calendar: WorkCalendar, day: date, until: date) -> Comparison:
    """Compare the week of `day` up to `until` (the day of the team's last finished run) with the two weeks before."""
    spans = [week_of(day - timedelta(weeks=back)) for back in range(3)]
    return _compare(calendar, spans, until)


def compare_months(calendar: WorkCalendar, month: Month, until: date) -> Comparison:
    """Compare a month up to `until` (the day of the team's last finished run) with the two months before."""
    months = (month, month.previous, month.previous.previous)
    return _compare(calendar, [(each.first, each.last) for each in months], until, month)


def _compare(
    calendar: WorkCalendar, spans: list[tuple[date, date]], until: date, month: Month | None = None
) -> Comparison:
    (first, last), *spans_before = spans
    now = stretch(calendar, first, last, until)
    before, earlier = (like_stretch(calendar, *span, len(now.workdays)) for span in spans_before)
    is_running = any(calendar.workdays(now.last + timedelta(days=1), last))
    return Comparison(first, last, now, before, earlier, month, is_running)
