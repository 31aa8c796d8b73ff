"""Name the days that differ from a team's week in the time ahead: days off, working days off the week, short days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from bot.texts import Texts
from scoring.workdays import WorkCalendar

AHEAD = timedelta(days=60)
"""How far ahead `/rules` names days."""
SHOWN = 6
"""Spans of days that are named."""


def special_days(t: Texts, calendar: WorkCalendar, today: date) -> list[str]:
    """List days off, extra working days and short days of the next weeks, a line for each kind that there is."""
    days = [today + timedelta(days=number) for number in range(AHEAD.days)]
    off = [day for day in days if day.weekday() in calendar.weekdays and not calendar.is_workday(day)]
    extra = [day for day in days if day.weekday() not in calendar.weekdays and calendar.is_workday(day)]
    short = [day for day in days if calendar.is_workday(day) and day in calendar.short_days]
    found = []
    if off:
        found.append(t("rules-days-off", days=t.listed(t.span(*span) for span in _spans(calendar, off))))
    if extra:
        found.append(t("rules-extra-days", days=t.listed(t.day(day) for day in extra[:SHOWN])))
    if short:
        clocks = (f"{t.day(day)} ({t.clock(calendar.cutoff_of(day), calendar.zone)})" for day in short[:SHOWN])
        found.append(t("rules-short-days", days=t.listed(clocks)))
    return found


def _spans(calendar: WorkCalendar, days: Sequence[date]) -> list[tuple[date, date]]:
    """Join days off with no working day between them."""
    spans: list[tuple[date, date]] = []
    for day in days:
        if spans and next(calendar.workdays(spans[-1][1], day), None) is None:
            spans[-1] = (spans[-1][0], day)
        else:
            spans.append((day, day))
    return spans[:SHOWN]
