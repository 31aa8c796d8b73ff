"""Rank managers: totals, discipline %, streaks, places with ties (docs/product.md §11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from scoring.entries import Entry, EntryKind, in_force, net
from scoring.names import alphabetical, told_apart
from scoring.scorecard import Outcome


@dataclass(frozen=True, slots=True)
class Totals:
    """Hold a manager's sums over a span of days."""

    crm_user: str
    name: str
    plus: int = 0
    minus: int = 0
    kept: int = 0
    broken: int = 0
    scored_days: frozenset[date] = field(default_factory=frozenset)
    """Days with at least one rule kept or broken."""
    excused_days: frozenset[date] = field(default_factory=frozenset)
    unscored_days: frozenset[date] = field(default_factory=frozenset)
    """Days with entries, none of them kept, broken or excused."""

    @property
    def points(self) -> int:
        """Return plus points less minus points."""
        return self.plus - self.minus

    @property
    def per_day(self) -> Fraction:
        """Compute points per scored day, exactly; 0 without a scored day."""
        return Fraction(self.points, max(len(self.scored_days), 1))

    @property
    def discipline(self) -> Decimal | None:
        """Return the percent of rules kept; None without a rule kept or broken."""
        return discipline(self.kept, self.broken)


def hundredths(value: Fraction) -> Decimal:
    """Round to hundredths, half up, as people read points per day."""
    return (Decimal(value.numerator) / value.denominator).quantize(Decimal("0.01"), ROUND_HALF_UP)


def discipline(kept: int, broken: int) -> Decimal | None:
    """Divide kept by kept + broken, in percent with a decimal; None at 0/0."""
    if kept + broken == 0:
        return None
    return (Decimal(100 * kept) / (kept + broken)).quantize(Decimal("0.1"), ROUND_HALF_UP)


def pooled(totals: Iterable[Totals]) -> Decimal | None:
    """Compute the discipline % of several people together: pooled, not a mean of means."""
    rows = list(totals)
    return discipline(sum(row.kept for row in rows), sum(row.broken for row in rows))


def totals(entries: Iterable[Entry]) -> dict[str, Totals]:
    """Add up entries by CRM user. Points are net of reversals; outcomes count only while in force."""
    by_user: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_user[entry.crm_user].append(entry)
    return {user: _totals(user, rows) for user, rows in by_user.items()}


def _totals(user: str, rows: list[Entry]) -> Totals:
    plus, minus = net(rows)
    outcomes: dict[date, set[Outcome]] = defaultdict(set)
    kept = broken = 0
    holding = in_force(rows)
    for row in holding:
        if row.outcome is not None:
            outcomes[row.day].add(row.outcome)
            kept += row.outcome is Outcome.KEPT
            broken += row.outcome is Outcome.BROKEN
    for day in _excused_afterwards(rows, holding):
        outcomes[day].add(Outcome.EXCUSED)
    scored = frozenset(day for day, seen in outcomes.items() if seen & {Outcome.KEPT, Outcome.BROKEN})
    excused = frozenset(day for day, seen in outcomes.items() if day not in scored and Outcome.EXCUSED in seen)
    unscored = frozenset(outcomes) - scored - excused
    return Totals(user, rows[-1].name, plus, minus, kept, broken, scored, excused, unscored)


def _excused_afterwards(rows: Iterable[Entry], holding: Iterable[Entry]) -> set[date]:
    """Find the days with a rule of which every judged entry was reversed: an absence or a pardon excused the rule."""
    judged = {(row.day, row.rule) for row in rows if row.outcome is not None and row.kind is not EntryKind.REVERSAL}
    return {day for day, _ in judged - {(row.day, row.rule) for row in holding}}


@dataclass(frozen=True, slots=True)
class Standing:
    """Hold a line of a board."""

    place: int | None
    """Shared by ties (1, 2, 2, 4); None: listed apart, too few scored days."""
    totals: Totals
    today: int | None = None
    """Points of the last day; None if not scored on the day."""


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """Hold a team's standings over a period."""

    rows: tuple[Standing, ...]
    """Lines with a place, best first, inside a place by name."""
    apart: tuple[Standing, ...]
    """Lines of managers with fewer than half of the period's scored days, by name."""
    discipline: Decimal | None
    """Discipline % of the whole team, pooled."""
    scored_days: int = 0
    """Days on which at least one person had a rule kept or broken."""

    @property
    def scored_people(self) -> int:
        """Count the managers with at least one scored day, ranked or listed apart."""
        return sum(bool(row.totals.scored_days) for row in (*self.rows, *self.apart))

    def of(self, crm_user: str) -> Standing | None:
        """Find the line of a manager, ranked or listed apart."""
        return next((row for row in (*self.rows, *self.apart) if row.totals.crm_user == crm_user), None)


def leaderboard(
    entries: Sequence[Entry],
    members: Iterable[tuple[str, str]],
    *,
    today: date | None = None,
    since: date | None = None,
) -> Leaderboard:
    """Rank `members` (CRM user, name) by points per scored day in `entries`; `today` is the day shown beside.

    Entries about days before `since` are later corrections of an earlier period, booked in this one: their points
    count, their days and outcomes do not (docs/product.md §19, Periods).
    """
    sums = totals(entry for entry in entries if since is None or entry.day >= since)
    for user, late in totals(entry for entry in entries if since is not None and entry.day < since).items():
        row = sums.get(user, Totals(user, late.name))
        sums[user] = replace(row, plus=row.plus + late.plus, minus=row.minus + late.minus)
    period_days = frozenset[date]().union(*(row.scored_days for row in sums.values()))
    ranked: list[Totals] = []
    apart: list[Totals] = []
    for user, name in told_apart(dict(members)).items():
        row = replace(sums.get(user, Totals(user, name)), name=name)
        enough = row.scored_days and 2 * len(row.scored_days) >= len(period_days)
        (ranked if enough else apart).append(row)
    points_today = day_points(entries, today) if today else {}
    ranked.sort(key=lambda row: (-row.per_day, *alphabetical(row.name), row.crm_user))
    apart.sort(key=lambda row: (*alphabetical(row.name), row.crm_user))
    return Leaderboard(
        tuple(
            Standing(place, row, points_today.get(row.crm_user))
            for place, row in zip(places([row.per_day for row in ranked]), ranked, strict=True)
        ),
        tuple(Standing(None, row, points_today.get(row.crm_user)) for row in apart),
        pooled(sums.values()),
        len(period_days),
    )


def places(figures: Sequence[Fraction]) -> list[int]:
    """Give places to figures sorted from best to worst: ties share a place, the next counts all before (1, 2, 2, 4)."""
    result: list[int] = []
    for index, value in enumerate(figures):
        shared = index > 0 and value == figures[index - 1]
        result.append(result[-1] if shared else index + 1)
    return result


def day_points(entries: Iterable[Entry], day: date) -> dict[str, int]:
    """Add up the points of a day by CRM user, for managers with a rule kept or broken on the day."""
    rows = [entry for entry in _without_adjustments(entries) if entry.day == day]
    return {user: row.points for user, row in totals(rows).items() if day in row.scored_days}


def _without_adjustments(entries: Iterable[Entry]) -> list[Entry]:
    """Leave out adjustments and their reversals."""
    by_hand: set[tuple[str, int]] = set()
    rest = []
    for entry in sorted(entries, key=lambda row: row.seq):
        if entry.kind is EntryKind.ADJUSTMENT or (entry.team, entry.reverses) in by_hand:
            by_hand.add((entry.team, entry.seq))
        else:
            rest.append(entry)
    return rest


def streak(entries: Iterable[Entry]) -> int:
    """Count a manager's clean days in a row up to the last day.

    Clean: at least one rule kept, none broken, after corrections. A day with neither neither breaks nor lengthens.
    """
    by_day: dict[date, set[Outcome]] = defaultdict(set)
    for entry in in_force(entries):
        if entry.outcome is not None and entry.outcome.scored:
            by_day[entry.day].add(entry.outcome)
    length = 0
    for day in sorted(by_day, reverse=True):
        if Outcome.BROKEN in by_day[day]:
            break
        length += 1
    return length
