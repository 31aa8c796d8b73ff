"""Rank managers: totals, discipline %, streaks, places with ties (docs/product.md §11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from types import MappingProxyType

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
    scored_days: int = 0
    """Days with at least one rule kept or broken, after corrections."""

    @property
    def points(self) -> int:
        """Return plus points less minus points."""
        return self.plus - self.minus

    def without(self, part: Totals) -> Totals:
        """Subtract a part of the days."""
        return replace(
            self,
            plus=self.plus - part.plus,
            minus=self.minus - part.minus,
            kept=self.kept - part.kept,
            broken=self.broken - part.broken,
            scored_days=self.scored_days - part.scored_days,
        )

    @property
    def per_day(self) -> Fraction:
        """Compute points per scored day, exactly; 0 without a scored day."""
        return Fraction(self.points, max(self.scored_days, 1))

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


@dataclass(frozen=True, slots=True)
class TeamTotals:
    """Hold the totals of a team's managers over a span of days, by CRM user."""

    people: Mapping[str, Totals] = field(default_factory=dict)
    scored_days: int = 0
    """Days on which at least one person had a rule kept or broken."""
    probation: Mapping[str, Totals] = field(default_factory=dict)
    """Part of the totals from days of probation, by CRM user: in no board, and not in the team's %."""

    @property
    def discipline(self) -> Decimal | None:
        """Compute the discipline % of the whole team, pooled, without days of probation."""
        return pooled(map(self.ranked, self.people))

    def ranked(self, crm_user: str) -> Totals:
        """Return what of a manager's totals counts on boards."""
        every, new = self.people[crm_user], self.probation.get(crm_user)
        return every if new is None else every.without(new)

    @property
    def plus(self) -> int:
        """Add up the plus points of all managers."""
        return sum(row.plus for row in self.people.values())

    @property
    def minus(self) -> int:
        """Add up the minus points of all managers."""
        return sum(row.minus for row in self.people.values())


@dataclass(frozen=True, slots=True)
class RuleTotals:
    """Count how often one manager kept and broke one rule over a span of days."""

    crm_user: str
    rule: str
    kpi: str
    kept: int = 0
    broken: int = 0


@dataclass(frozen=True, slots=True)
class MarkedDays:
    """Sort the days on which a manager was judged by what came of them."""

    scored: frozenset[date] = field(default_factory=frozenset)
    """Days with at least one rule kept or broken."""
    excused: frozenset[date] = field(default_factory=frozenset)
    unscored: frozenset[date] = field(default_factory=frozenset)
    """Days with entries, none of them kept, broken or excused."""


def totals(entries: Iterable[Entry]) -> dict[str, Totals]:
    """Add up entries by CRM user. Points are net of reversals; outcomes count only while in force."""
    return {user: _totals(user, rows) for user, rows in _by_user(entries).items()}


def marked_days(entries: Iterable[Entry]) -> dict[str, MarkedDays]:
    """Sort the days of entries by CRM user into scored, excused and unscored."""
    return {user: _marked_days(rows) for user, rows in _by_user(entries).items()}


def _by_user(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    by_user: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_user[entry.crm_user].append(entry)
    return by_user


def _totals(user: str, rows: list[Entry]) -> Totals:
    plus, minus = net(rows)
    judged = [row for row in in_force(rows) if row.outcome is not None and row.outcome.scored]
    kept = sum(row.outcome is Outcome.KEPT for row in judged)
    days = len({row.day for row in judged})
    return Totals(user, rows[-1].name, plus, minus, kept, len(judged) - kept, days)


def _marked_days(rows: list[Entry]) -> MarkedDays:
    outcomes: dict[date, set[Outcome]] = defaultdict(set)
    holding = in_force(rows)
    for row in holding:
        if row.outcome is not None:
            outcomes[row.day].add(row.outcome)
    for day in _excused_afterwards(rows, holding):
        outcomes[day].add(Outcome.EXCUSED)
    scored = frozenset(day for day, seen in outcomes.items() if seen & {Outcome.KEPT, Outcome.BROKEN})
    excused = frozenset(day for day, seen in outcomes.items() if day not in scored and Outcome.EXCUSED in seen)
    return MarkedDays(scored, excused, frozenset(outcomes) - scored - excused)


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
    team: TeamTotals,
    members: Iterable[tuple[str, str]],
    *,
    today: Mapping[str, int] | None = None,
    days_off: Mapping[str, int] = MappingProxyType({}),
) -> Leaderboard:
    """Rank `members` (CRM user, name) by points per scored day; `today` are the points of the day shown beside.

    Days of probation are left out. Who has fewer than half of the team's scored days is listed apart; `days_off` are
    those on which the own schedule has a manager not at work, by CRM user.
    """
    ranked: list[Totals] = []
    apart: list[Totals] = []
    for user, name in told_apart(dict(members)).items():
        row = replace(team.ranked(user) if user in team.people else Totals(user, name), name=name)
        if user in team.probation and not row.scored_days:
            continue
        enough = row.scored_days and 2 * row.scored_days >= team.scored_days - days_off.get(user, 0)
        (ranked if enough else apart).append(row)
    points_today = today or {}
    ranked.sort(key=lambda row: (-row.per_day, *alphabetical(row.name), row.crm_user))
    apart.sort(key=lambda row: (*alphabetical(row.name), row.crm_user))
    return Leaderboard(
        tuple(
            Standing(place, row, points_today.get(row.crm_user))
            for place, row in zip(places([row.per_day for row in ranked]), ranked, strict=True)
        ),
        tuple(Standing(None, row, points_today.get(row.crm_user)) for row in apart),
        team.discipline,
        team.scored_days,
    )


def places(figures: Sequence[Fraction]) -> list[int]:
    """Give places to figures sorted from best to worst: ties share a place, the next counts all before (1, 2, 2, 4)."""
    result: list[int] = []
    for index, value in enumerate(figures):
        shared = index > 0 and value == figures[index - 1]
        result.append(result[-1] if shared else index + 1)
    return result


def streak(entries: Iterable[Entry]) -> int:
    """Count a manager's clean days in a row up to the last day."""
    return streaks(entries)[-1]


def streaks(entries: Iterable[Entry]) -> list[int]:
    """Count a manager's clean days in a row, oldest first; a broken rule ends a streak, and the next begins with 0.

    Clean: at least one rule kept, none broken, after corrections. A day with neither neither breaks nor lengthens.
    """
    by_day: dict[date, set[Outcome]] = defaultdict(set)
    for entry in in_force(entries):
        if entry.outcome is not None and entry.outcome.scored:
            by_day[entry.day].add(entry.outcome)
    lengths = [0]
    for day in sorted(by_day):
        if Outcome.BROKEN in by_day[day]:
            lengths.append(0)
        else:
            lengths[-1] += 1
    return lengths
