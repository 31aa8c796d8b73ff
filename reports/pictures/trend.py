"""Compute points, discipline % and the outcome of each rule day by day, of a team or of one manager, for the trend."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from scoring.entries import Entry, EntryKind, in_force
from scoring.rules import Rule
from scoring.scale import Scale, day_scale
from scoring.scorecard import Outcome
from scoring.standings import discipline, marked_days, pooled, totals


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
    people: int = 0
    """Managers with a rule kept or broken."""
    kept: int = 0
    """Rules kept, of all managers together."""
    broken: Mapping[str, int] = field(default_factory=dict)
    """Managers who broke the rule, by rule id."""

    @property
    def mean(self) -> Fraction | None:
        """Compute the points per scored manager."""
        return None if self.points is None else Fraction(self.points, self.people)


class Mark(StrEnum):
    """List what a strip says of a rule on a day."""

    KEPT = "kept"
    """By all who were judged."""
    BROKEN = "broken"
    """By at least one manager."""
    EXCUSED = "excused"
    UNREAD = "unread"
    """No data, or no run."""


_MARKS = {
    Outcome.BROKEN: Mark.BROKEN,
    Outcome.KEPT: Mark.KEPT,
    Outcome.NO_DATA: Mark.UNREAD,
    Outcome.EXCUSED: Mark.EXCUSED,
}
"""Mark by outcome; of several outcomes of a day the first in this order counts."""


@dataclass(frozen=True, slots=True)
class RuleStrip:
    """Hold one rule's marks, a mark or None for each day of the trend."""

    rule: str
    kpi: str
    marks: tuple[Mark | None, ...]
    broken: tuple[int, ...]
    """Managers who broke the rule, by day."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Hold the days of a period, the like days of the period before, and the strips of the rules."""

    days: tuple[TrendDay, ...]
    """Working days as far as scored."""
    before: tuple[TrendDay, ...]
    """Working days of the period before, from its start."""
    strips: tuple[RuleStrip, ...]
    scale: Scale
    coming: tuple[date, ...] = ()
    """Working days of the period that are still to come."""

    @property
    def like_before(self) -> tuple[TrendDay, ...]:
        """Return as many days of the period before as this period has reached."""
        return self.before[: len(self.days)]

    @property
    def reach(self) -> tuple[Fraction, Fraction]:
        """Return the lowest and highest points of the chart: all rules broken to all kept.

        Days judged by earlier rules that were worth more widen the chart.
        """
        values = [day.mean for day in (*self.days, *self.before) if day.mean is not None]
        return min([Fraction(self.scale.low), *values]), max([Fraction(self.scale.high), *values])


def trend(
    entries: Iterable[Entry],
    days: Sequence[date],
    before: Sequence[date] = (),
    *,
    read: Collection[date],
    rules: Sequence[Rule] = (),
    coming: Sequence[date] = (),
) -> Trend:
    """Compute the trend of all managers in `entries`, which cover both periods.

    `read` are the days with a finished run. `rules` give the scale and the order of the strips. Adjustments belong to
    no rule and stay out.
    """
    by_day: dict[date, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.kind is not EntryKind.ADJUSTMENT and entry.rule:
            by_day[entry.day].append(entry)
    judged = {day: in_force(by_day[day]) if day in read else None for day in days}
    return Trend(
        tuple(_day(day, by_day[day]) for day in days),
        tuple(_day(day, by_day[day]) for day in before),
        tuple(_strips(judged, rules)),
        day_scale(rules),
        tuple(coming),
    )


def _day(day: date, entries: list[Entry]) -> TrendDay:
    sums = totals(entries).values()
    scored = [row for row in sums if row.scored_days]
    if scored:
        broken = Counter(row.rule for row in in_force(entries) if row.outcome is Outcome.BROKEN)
        points, kept = sum(row.points for row in sums), sum(row.kept for row in sums)
        return TrendDay(day, DayState.SCORED, points, pooled(sums), len(scored), kept, broken)
    marked = marked_days(entries).values()
    if any(of_person.excused for of_person in marked) and not any(of_person.unscored for of_person in marked):
        return TrendDay(day, DayState.EXCUSED)
    return TrendDay(day, DayState.UNSCORED)


def discipline_of(days: Iterable[TrendDay]) -> Decimal | None:
    """Compute the discipline % of several days together."""
    rows = list(days)
    return discipline(sum(day.kept for day in rows), sum(sum(day.broken.values()) for day in rows))


_NOT_JUDGED = frozenset({Outcome.NOT_APPLICABLE, Outcome.EXCUSED})


def _strips(judged: Mapping[date, list[Entry] | None], rules: Sequence[Rule]) -> Iterable[RuleStrip]:
    """Make a strip for each rule that was not merely *not applicable*, beside absences: rules of today first."""
    order = {rule.id: place for place, rule in enumerate(rules)}
    outcomes_of: dict[str, set[Outcome | None]] = defaultdict(set)
    kpis = {}
    for row in (row for of_day in judged.values() for row in of_day or ()):
        outcomes_of[row.rule].add(row.outcome)
        kpis[row.rule] = row.kpi
    shown = [rule for rule, seen in outcomes_of.items() if Outcome.NOT_APPLICABLE not in seen or seen - _NOT_JUDGED]
    for rule in sorted(shown, key=lambda rule: (order.get(rule, len(order)), rule)):
        outcomes = [
            None if each is None else [row.outcome for row in each if row.rule == rule] for each in judged.values()
        ]
        marks, broken = map(_mark, outcomes), ((each or []).count(Outcome.BROKEN) for each in outcomes)
        yield RuleStrip(rule, kpis[rule], tuple(marks), tuple(broken))


def _mark(outcomes: Sequence[Outcome | None] | None) -> Mark | None:
    """Sum up a rule's outcomes of a day; None where the rule judged nobody, *unread* for a day without a run."""
    if outcomes is None:
        return Mark.UNREAD
    return next((mark for outcome, mark in _MARKS.items() if outcome in outcomes), None)
