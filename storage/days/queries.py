"""Query ledger entries, days and figures for messages, boards and reports."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, Month, in_force
from scoring.kpis import DEALS_LOST, DEALS_WON, WON_AMOUNT
from scoring.snapshot import Value
from storage.days import runs
from storage.days.snapshots import numbers, stored_readings, stored_snapshots
from storage.days.terms_of_day import with_absences
from storage.db.models import LedgerRecord, ManagerRecord, TeamRecord
from storage.db.sql import team_named
from storage.ledger.entries import select_entries
from storage.values import Day, LostDeal, RunState, Scorecards, StoredSnapshot, WonFigures

# The ledger


async def entries(session: AsyncSession, team: str, first: date, last: date, *, evidence: bool = True) -> list[Entry]:
    """Select the entries about the days of a span, independent of date of writing and period.

    Boards, streaks and sums ask without `evidence`: the keys of a large team's month are many.
    """
    owner = await team_named(session, team)
    of_span = LedgerRecord.day.between(first, last)
    return await select_entries(session, LedgerRecord.team_id == owner.id, of_span, evidence=evidence)


async def entries_of_month(session: AsyncSession, team: str, month: Month, *, evidence: bool = True) -> list[Entry]:
    """Select the entries booked in a period."""
    return await entries_of_months(session, team, month, month, evidence=evidence)


async def entries_of_months(
    session: AsyncSession, team: str, first: Month, last: Month, *, evidence: bool = True
) -> list[Entry]:
    """Select the entries booked in the periods of a span."""
    owner = await team_named(session, team)
    of_span = LedgerRecord.booked_in.between(str(first), str(last))
    return await select_entries(session, LedgerRecord.team_id == owner.id, of_span, evidence=evidence)


async def history(
    session: AsyncSession, team: str, crm_user: str, first: date, last: date, *, evidence: bool = True
) -> list[Entry]:
    """Select the entries of one manager about the days of a span."""
    return await select_entries(
        session,
        TeamRecord.key == team,
        LedgerRecord.manager_id.in_(select(ManagerRecord.id).where(ManagerRecord.crm_user == crm_user)),
        LedgerRecord.crm_user == crm_user,
        LedgerRecord.day.between(first, last),
        evidence=evidence,
    )


async def teams_of(session: AsyncSession, manager_ids: Iterable[int]) -> list[str]:
    """List the keys of the teams with entries of these managers; `/me` shows each team apart."""
    query = (
        select(TeamRecord.key)
        .join(LedgerRecord, LedgerRecord.team_id == TeamRecord.id)
        .where(LedgerRecord.manager_id.in_(list(manager_ids)))
        .distinct()
        .order_by(TeamRecord.key)
    )
    return list(await session.scalars(query))


# Days


async def day(session: AsyncSession, team: str, on: date) -> Day | None:
    """Load a finished day of a team; None if the day has no finished run. Evidence is decoded when looked at."""
    run = await runs.find(session, team, on)
    if run is None or run.state is not RunState.FINISHED:
        return None
    about = await entries(session, run.team, run.day, run.day, evidence=False)
    judged = {entry.crm_user for entry in in_force(about) if entry.outcome is not None and entry.outcome.scored}
    stored = await stored_snapshots(session, run.id)
    now = await with_absences(session, run.judged_day, stored)
    kept = [_as_of_now(new, old, judged) for new, old in zip(now, stored, strict=True)]
    return Day(
        run=run,
        cards=Scorecards(kept, run.rulebook, run.day),
        absent=frozenset(item.snapshot.manager.crm_user for item in kept if item.absent),
        entries=tuple(about),
    )


def _as_of_now(now: StoredSnapshot, at_cutoff: StoredSnapshot, judged: Collection[str]) -> StoredSnapshot:
    """Take over what became of the absence since the cutoff: recorded later, or cancelled and the day judged anew."""
    is_left = at_cutoff.absent and now.snapshot.manager.crm_user not in judged
    return replace(now, absent=now.absent or is_left)


# Figures for comparisons


async def lost(session: AsyncSession, team: str, first: date, last: date) -> list[LostDeal]:
    """Load the deals lost on finished days, with evidence, by day; no other evidence is loaded."""
    days = {run.id: run.day for run in await runs.dates_between(session, team, first, last) if run.finished_at}
    counted = await numbers(session, days, DEALS_LOST, zeros=False)
    losers = {(run_id, crm_user) for run_id, crm_user, (number,) in counted if number}
    found = []
    for run_id in sorted({run_id for run_id, _ in losers}, key=lambda each: days[each]):
        for crm_user, readings in await stored_readings(session, run_id, (DEALS_LOST,)):
            reading = readings.get(DEALS_LOST)
            if (run_id, crm_user) in losers and isinstance(reading, Value):
                found += [LostDeal(crm_user, days[run_id], item) for item in reading.items]
    return found


async def won(session: AsyncSession, team: str, first: date, last: date) -> list[WonFigures]:
    """Select won deals and amounts by manager and finished day; managers without both are left out."""
    days = {run.id: run.day for run in await runs.dates_between(session, team, first, last) if run.finished_at}
    found = []
    rows = await numbers(session, days, DEALS_WON, WON_AMOUNT, zeros=False)
    rows = rows or await numbers(session, days, DEALS_WON, WON_AMOUNT)  # nothing won, or nothing that the CRM tells
    for run_id, crm_user, (deals, amounts) in rows:
        if deals is not None or amounts is not None:
            count = deals if isinstance(deals, int) else 0
            sums = amounts if isinstance(amounts, Mapping) else {}
            found.append(WonFigures(crm_user, days[run_id], count, sums))
    return found
