"""Add up rows of a ledger one by one, as the law says: what the database adds up must come out alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date

from scoring.entries import Entry, EntryKind, in_force
from scoring.scorecard import Outcome
from scoring.standings import Leaderboard, RuleTotals, TeamTotals, Totals, leaderboard, marked_days, totals


def team_totals(entries: Iterable[Entry], since: date = date.min) -> TeamTotals:
    """The totals of a team; of days before `since` the points alone."""
    rows = list(entries)
    people = totals(row for row in rows if row.day >= since)
    for user, late in totals(row for row in rows if row.day < since).items():
        row = people.get(user, Totals(user, late.name))
        people[user] = replace(row, plus=row.plus + late.plus, minus=row.minus + late.minus)
    days = frozenset[date]().union(*(of.scored for of in marked_days(row for row in rows if row.day >= since).values()))
    return TeamTotals(people, len(days))


def rule_totals(entries: Iterable[Entry]) -> list[RuleTotals]:
    """How often each manager kept and broke each rule."""
    counts: dict[tuple[str, str, str], Counter[Outcome]] = {}
    for row in in_force(entries):
        if row.outcome is not None:
            counts.setdefault((row.crm_user, row.rule, row.kpi), Counter())[row.outcome] += 1
    return [RuleTotals(*key, found[Outcome.KEPT], found[Outcome.BROKEN]) for key, found in counts.items()]


def day_points(entries: Iterable[Entry], day: date) -> dict[str, int]:
    """The points of a day without adjustments, of managers with a rule kept or broken on the day."""
    rows = [row for row in _without_adjustments(entries) if row.day == day]
    return {user: row.points for user, row in totals(rows).items() if row.scored_days}


def _without_adjustments(entries: Iterable[Entry]) -> list[Entry]:
    by_hand: set[int] = set()
    rest = []
    for row in sorted(entries, key=lambda each: each.seq):
        if row.kind is EntryKind.ADJUSTMENT or row.reverses in by_hand:
            by_hand.add(row.seq)
        else:
            rest.append(row)
    return rest


def board_of(
    entries: Sequence[Entry],
    members: Iterable[tuple[str, str]],
    *,
    today: date | None = None,
    since: date = date.min,
) -> Leaderboard:
    """The standings by these rows."""
    return leaderboard(team_totals(entries, since), members, today=day_points(entries, today) if today else None)
