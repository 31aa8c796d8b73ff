"""Load what boards and the discipline % of a team leave out: probation, days off by schedule (docs/product.md §19)."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, in_force
from scoring.scorecard import Outcome
from scoring.standings import Totals, totals
from storage.days import runs
from storage.days.newcomers import load_probation
from storage.db.models import LedgerRecord, TeamRecord
from storage.db.sql import team_named
from storage.ledger.entries import select_entries

SCORED = (Outcome.KEPT.value, Outcome.BROKEN.value)
"""Outcomes that make a day scored."""


async def probation_totals(session: AsyncSession, team: str, first: date, last: date) -> dict[str, Totals]:
    """Add up by CRM user the days of a span on which the manager was on probation."""
    return totals(await _load_entries(session, team, first, last))


async def probation_outcomes(session: AsyncSession, team: str, first: date, last: date) -> dict[date, tuple[int, int]]:
    """Count by day what managers on probation kept and broke."""
    counted: dict[date, Counter[Outcome]] = defaultdict(Counter)
    for entry in in_force(await _load_entries(session, team, first, last)):
        if entry.outcome is not None:
            counted[entry.day][entry.outcome] += 1
    return {day: (found[Outcome.KEPT], found[Outcome.BROKEN]) for day, found in counted.items()}


async def _load_entries(session: AsyncSession, team: str, first: date, last: date) -> list[Entry]:
    probation = await load_probation(session, team, first, last)
    if not probation:
        return []
    entries = await select_entries(
        session,
        TeamRecord.key == team,
        LedgerRecord.crm_user.in_({user for user, _ in probation}),
        LedgerRecord.day.between(first, last),
        evidence=False,
    )
    return [entry for entry in entries if (entry.crm_user, entry.day) in probation]


async def days_off(session: AsyncSession, team: str, first: date, last: date) -> dict[str, int]:
    """Count by CRM user the team's scored days of a span on which the schedule has the manager not at work."""
    off: dict[str, set[date]] = defaultdict(set)
    for run in await runs.between(session, team, first, last):
        for user, terms in run.rulebook.people.items():
            if not terms.is_at_work(run.day):
                off[user].add(run.day)
    if not off:
        return {}
    owner = await team_named(session, team)
    judged = (LedgerRecord.team_id == owner.id, LedgerRecord.day.between(first, last), LedgerRecord.outcome.in_(SCORED))
    scored = set(await session.scalars(select(LedgerRecord.day).where(*judged).distinct()))
    return {user: len(days & scored) for user, days in off.items()}
