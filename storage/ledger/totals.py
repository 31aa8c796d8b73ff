"""Add up a team's ledger in the database: totals of managers, rules and days for boards, weeks and months.

Points are sums over all rows of a span, reversals included. Outcomes and scored days count only rows in force: neither
reversed, nor reversed again an odd number of times (docs/product.md §6, §19). Nothing is kept between two questions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.entries import EntryKind, Month, Side
from scoring.scorecard import Outcome
from scoring.standings import RuleTotals, TeamTotals, Totals
from storage.db.models import LedgerRecord, ManagerRecord
from storage.db.sql import team_named
from storage.ledger import exceptions

Row = type[LedgerRecord]
Span = Callable[[Row], ColumnElement[bool]]
"""Condition on rows of the ledger; the reversals of a row are looked for in the same span."""


async def totals_of_days(session: AsyncSession, team: str, first: date, last: date) -> TeamTotals:
    """Add up the entries about the days of a span, by manager."""
    found = await _load_totals(session, await _of_days(session, team, first, last), first)
    return replace(found, probation=await exceptions.probation_totals(session, team, first, last))


async def totals_of_month(session: AsyncSession, team: str, month: Month, until: date) -> TeamTotals:
    """Add up the entries that are booked in a period and about days up to `until`, by manager.

    Entries about days before the period are later corrections: their points count, their days and outcomes do not
    (docs/product.md §19, Periods).
    """
    found = await _load_totals(session, await _booked(session, team, month, until), month.first)
    return replace(found, probation=await exceptions.probation_totals(session, team, month.first, until))


async def rules_of_days(session: AsyncSession, team: str, first: date, last: date) -> list[RuleTotals]:
    """Count kept and broken by manager and rule over the days of a span; rules that judged nobody are left out."""
    span = await _of_days(session, team, first, last)
    holds, row = _in_force(span), LedgerRecord
    query = (
        select(ManagerRecord.crm_user, row.rule, func.max(row.kpi), *_outcomes(holds))
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .where(span(row), row.outcome.is_not(None), holds)
        .group_by(row.manager_id, ManagerRecord.crm_user, row.rule)
        .order_by(row.manager_id, row.rule)
    )
    return [RuleTotals(*values) for values in await session.execute(query)]


async def outcomes_of_days(session: AsyncSession, team: str, first: date, last: date) -> dict[date, tuple[int, int]]:
    """Count kept and broken by day, of all managers but those on probation; days without both are left out."""
    span = await _of_days(session, team, first, last)
    row = LedgerRecord
    query = (
        select(row.day, *_outcomes(_in_force(span)))
        .where(span(row), row.outcome.in_(exceptions.SCORED))
        .group_by(row.day)
        .order_by(row.day)
    )
    new = await exceptions.probation_outcomes(session, team, first, last)
    none = (0, 0)
    counted = {
        day: (kept - new.get(day, none)[0], broken - new.get(day, none)[1])
        for day, kept, broken in await session.execute(query)
    }
    return {day: outcomes for day, outcomes in counted.items() if sum(outcomes)}


async def points_of_day(session: AsyncSession, team: str, day: date, booked_in: Month | None = None) -> dict[str, int]:
    """Add up the points of a day without adjustments, for managers with a rule kept or broken on the day.

    With `booked_in` only what is booked in the period counts.
    """
    span = await (_of_days(session, team, day, day) if booked_in is None else _booked(session, team, booked_in, day))
    row = LedgerRecord
    kept, broken = _outcomes(_in_force(span))
    query = (
        select(ManagerRecord.crm_user, func.sum(row.points))
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .where(span(row), row.day == day, row.rule != "")  # adjustments and their reversals name no rule
        .group_by(row.manager_id, ManagerRecord.crm_user)
        .having(kept + broken > 0)
    )
    return dict((await session.execute(query)).all())


async def _of_days(session: AsyncSession, team: str, first: date, last: date) -> Span:
    owner = await team_named(session, team)
    return lambda row: and_(row.team_id == owner.id, row.day.between(first, last))


async def _booked(session: AsyncSession, team: str, month: Month, until: date) -> Span:
    owner = await team_named(session, team)
    return lambda row: and_(row.team_id == owner.id, row.booked_in == str(month), _checked(row.day <= until))


def _checked(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Keep a condition out of the choice of an index: SQLite would walk years of days up to a day."""
    return case((condition, 1), else_=0) == 1


async def _load_totals(session: AsyncSession, span: Span, since: date) -> TeamTotals:
    rows = (await session.execute(_totals(span, since))).all()
    people: dict[str, Totals] = {}
    for crm_user, name, *sums, _ in rows:  # sums of sums are decimals on PostgreSQL
        people[crm_user] = _joined(people.get(crm_user), Totals(crm_user, name, *map(int, sums)))
    return TeamTotals(people, rows[0][-1] if rows else 0)


def _totals(span: Span, since: date) -> Select[*tuple[Any, ...]]:
    """Select the sums of each manager, the manager with the newest entry last, and beside each the team's days."""
    days = _by_day(span, since)
    is_scored = days.c.kept + days.c.broken > 0
    team_days = select(func.count(days.c.day.distinct())).where(is_scored).scalar_subquery()
    sums = [func.sum(days.c[name]) for name in ("plus", "minus", "kept", "broken")]
    return (
        select(ManagerRecord.crm_user, ManagerRecord.name, *sums, func.sum(case((is_scored, 1), else_=0)), team_days)
        .join(days, days.c.manager_id == ManagerRecord.id)
        .group_by(ManagerRecord.id, ManagerRecord.crm_user, ManagerRecord.name)
        .order_by(func.max(days.c.last_seq))
    )


def _by_day(span: Span, since: date) -> CTE:
    """Add up by manager and day: a day is scored or not as a whole."""
    row = LedgerRecord
    kept, broken = _outcomes(and_(row.day >= since, _in_force(span)))
    return (
        select(
            row.manager_id,
            row.day,
            func.sum(case((row.side == Side.PLUS.value, row.points), else_=0)).label("plus"),
            func.sum(case((row.side == Side.MINUS.value, -row.points), else_=0)).label("minus"),
            kept.label("kept"),
            broken.label("broken"),
            func.max(row.seq).label("last_seq"),
        )
        .where(span(row))
        .group_by(row.manager_id, row.day)
        .cte("of_days")
    )


def _joined(before: Totals | None, after: Totals) -> Totals:
    """Join the sums of a user with two rows of managers: the team has moved to another connection."""
    if before is None:
        return after
    return replace(
        after,
        plus=before.plus + after.plus,
        minus=before.minus + after.minus,
        kept=before.kept + after.kept,
        broken=before.broken + after.broken,
        scored_days=before.scored_days + after.scored_days,
    )


def _outcomes(condition: ColumnElement[bool]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Count the rows kept, and the rows broken, for which a condition holds."""

    def count(outcome: Outcome) -> ColumnElement[int]:
        return func.sum(case((and_(LedgerRecord.outcome == outcome.value, condition), 1), else_=0))

    return count(Outcome.KEPT), count(Outcome.BROKEN)


def _in_force(span: Span) -> ColumnElement[bool]:
    """Tell whether a row holds: no chain of reversals of odd length hangs on the row.

    The chains of a span are few, and are followed once for the whole statement.
    """
    row, older, newer = aliased(LedgerRecord), aliased(LedgerRecord), aliased(LedgerRecord)
    chains = (
        select(row.reverses_id.label("entry_id"), row.id.label("last_id"))
        .join(older, older.id == row.reverses_id)
        .where(span(row), row.reverses_id.is_not(None), older.kind != EntryKind.REVERSAL.value)
        .cte("chains", recursive=True)
    )
    longer = select(chains.c.entry_id, newer.id).join(newer, newer.reverses_id == chains.c.last_id)
    chains = chains.union_all(longer.where(_checked(span(newer))))
    undone = select(chains.c.entry_id).group_by(chains.c.entry_id).having(func.count() % 2 == 1).cte("undone")
    return LedgerRecord.id.not_in(select(undone.c.entry_id))
