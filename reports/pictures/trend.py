"""Compute points and discipline % day by day, of a team or of one manager, for the trend."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from scoring.entries import Entry, EntryKind
from scoring.standings import pooled, totals


class DayState(StrEnum):
    """List the states of a day in a trend."""

    SCORED = "scored"
    EXCUSED = "excused"
    """Absent; for a team: all managers absent."""
    UNSCORED = "unscored"
    """No data, or no run."""


@dataclass(frozen=True, slots=True)
class TrendDay:
    """Hold one day of a trend. Points and discipline are None on a day without a rule kept or broken."""

    day: date
    state: DayState
    points: int | None = None
    discipline: Decimal | None = None


def trend(entries: Iterable[Entry], days: Iterable[date]) -> tuple[TrendDay, ...]:
    """Compute the trend over `days` of all managers in `entries`. Adjustments belong to no rule and stay out."""
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind is not EntryKind.ADJUSTMENT and entry.rule:
            by_day[entry.day].append(entry)
    return tuple(_day(day, by_day[day]) for day in days)


def _day(day: date, entries: list[Entry]) -> TrendDay:
    rows = totals(entries).values()
    if any(day in row.scored_days for row in rows):
        return TrendDay(day, DayState.SCORED, sum(row.points for row in rows), pooled(rows))
    if any(day in row.excused_days for row in rows) and not any(day in row.unscored_days for row in rows):
        return TrendDay(day, DayState.EXCUSED)
    return TrendDay(day, DayState.UNSCORED)
