"""Carry absences into the ledger: excuse scored days, and judge days of a cancelled absence anew.

See docs/product.md §12 and §19, Absence afterwards. Cutoffs and absences lock the teams: an absence is either seen by
the cutoff, or finds the entries of the cutoff.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, EntryKind, in_force
from scoring.scorecard import Outcome, ScoreLine
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.db.models import ManagerRecord, SnapshotRecord, TeamRecord
from storage.db.sql import lock_team
from storage.ledger import writer
from storage.people import absences
from storage.values import Absence, Run, StoredSnapshot


async def lock_teams(session: AsyncSession, connection: str) -> list[str]:
    """Lock all teams of a connection, in the order of their keys, and return the keys."""
    query = select(TeamRecord.key).where(TeamRecord.connection == connection).order_by(TeamRecord.key)
    keys = list(await session.scalars(query))
    for key in keys:
        await lock_team(session, key)
    return keys


async def take_absences(
    session: AsyncSession, team: str, run: Run, stored: Sequence[StoredSnapshot]
) -> list[StoredSnapshot]:
    """Take over absences recorded or cancelled since the snapshots of a run were stored. Locks the team."""
    await lock_team(session, team)
    away = await absences.absent_on(session, run.connection, run.day)
    taken = [replace(item, absent=item.snapshot.manager.crm_user in away) for item in stored]
    changed = [
        new.snapshot.manager.crm_user for new, old in zip(taken, stored, strict=True) if new.absent != old.absent
    ]
    for crm_user in changed:
        manager = select(ManagerRecord.id).where(
            ManagerRecord.connection == run.connection, ManagerRecord.crm_user == crm_user
        )
        of_manager = (SnapshotRecord.run_id == run.id, SnapshotRecord.manager_id == manager.scalar_subquery())
        change = update(SnapshotRecord).where(*of_manager).values(absent=crm_user in away)
        await session.execute(change, execution_options={"synchronize_session": False})
    return taken


async def excuse(session: AsyncSession, absence: Absence, *, author: str, reason: str, at: datetime) -> list[Entry]:
    """Reverse the judged entries of the days of an absence in all teams of the connection; adjustments stay."""
    span = absence.first, absence.last
    written = []
    for team in await lock_teams(session, absence.connection):
        written += await writer.excuse(session, team, absence.crm_user, *span, author=author, reason=reason, at=at)
    return written


async def judge_again(
    session: AsyncSession, absence: Absence, *, author: str, reason: str, at: datetime
) -> list[Entry]:
    """Judge the days that an approved absence excused from their stored snapshots, where the KPIs were read.

    Call before the absence is cancelled: entries reversed at `absence.decided_at` are those of the absence.
    """
    written = []
    for team in await lock_teams(session, absence.connection):
        rows = await queries.history(session, team, absence.crm_user, absence.first, absence.last, evidence=False)
        judged: list[tuple[int, ScoreLine]] = []
        for day in sorted({row.day for row in rows}):
            lines = await _lines(session, team, day, absence.crm_user)
            judged += _judged(absence, [row for row in rows if row.day == day], lines)
        written += await writer.judge_again(session, team, judged, author=author, reason=reason, at=at)
    return written


async def _lines(session: AsyncSession, team: str, day: date, crm_user: str) -> list[ScoreLine]:
    """Judge the stored snapshot of a manager's day as if present; return the rules kept or broken."""
    run = await runs.find(session, team, day)
    if run is None:
        return []
    return [
        line
        for item in await stored_snapshots(session, run.id, evidence=False)
        if item.snapshot.manager.crm_user == crm_user
        for line in replace(item, absent=False).score(run.rulebook, day).lines
        if line.outcome.scored
    ]


def _judged(absence: Absence, rows: Iterable[Entry], lines: Iterable[ScoreLine]) -> list[tuple[int, ScoreLine]]:
    """Match the rules of a day with the score entries that the absence excused."""
    by_rule: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        by_rule[row.rule].append(row)
    found = [(_excused_entry(absence, by_rule[line.rule.id]), line) for line in lines]
    return [(row.seq, line) for row, line in found if row is not None]


def _excused_entry(absence: Absence, rows: Sequence[Entry]) -> Entry | None:
    """Find the score entry of a rule if the absence excused the rule; None: judged, or excused by another act."""
    holding = in_force(rows)
    if any(row.outcome is not Outcome.EXCUSED for row in holding):
        return None
    if holding:
        return holding[0]
    if not rows or rows[-1].created_at != absence.decided_at:
        return None
    return next(row for row in rows if row.kind is EntryKind.SCORE)
