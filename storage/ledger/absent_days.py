"""Carry absences into the ledger: excuse scored days, and judge days of a cancelled absence anew.

See docs/product.md §12 and §19, Absence afterwards. Cutoffs and absences lock the teams: an absence is either seen by
the cutoff, or finds the entries of the cutoff.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import TypedDict

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Entry, EntryKind, in_force
from scoring.scorecard import Outcome
from scoring.terms.circumstances import Excuse
from storage.days import queries, runs
from storage.days.snapshots import stored_snapshots
from storage.days.terms_of_day import with_absences, with_terms
from storage.db.models import ManagerRecord, SnapshotRecord, TeamRecord
from storage.db.sql import lock_team
from storage.ledger import writer
from storage.people import absences
from storage.values import Absence, Run, RunState, StoredSnapshot

BACK_WITHIN = timedelta(days=60)
"""How long after an absence the first scored day is looked for."""


async def lock_teams(session: AsyncSession, connection: str) -> list[str]:
    """Lock all teams of a connection, in the order of their keys, and return the keys."""
    query = select(TeamRecord.key).where(TeamRecord.connection == connection).order_by(TeamRecord.key)
    keys = list(await session.scalars(query))
    for key in keys:
        await lock_team(session, key)
    return keys


async def take_terms(session: AsyncSession, run: Run, stored: Sequence[StoredSnapshot]) -> list[StoredSnapshot]:
    """Store beside the snapshots of a run what else decides the day, with all absences recorded. Locks the team."""
    await lock_team(session, run.team)
    taken = await with_terms(session, run.judged_day, stored)
    for item, old in zip(taken, stored, strict=True):
        if (item.absent, item.circumstances) != (old.absent, old.circumstances):
            manager = select(ManagerRecord.id).where(
                ManagerRecord.connection == run.connection, ManagerRecord.crm_user == item.snapshot.manager.crm_user
            )
            of_manager = (SnapshotRecord.run_id == run.id, SnapshotRecord.manager_id == manager.scalar_subquery())
            values = {"absent": item.absent, "circumstances": item.circumstances.to_json()}
            change = update(SnapshotRecord).where(*of_manager).values(values)
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
    """Judge the days of an absence, and the first day back, from the stored snapshots, where the KPIs were read.

    Call after the absence was recorded or cancelled, with the absence as it was before. What other acts excused or
    corrected stays.
    """
    note: _Note = {"author": author, "reason": reason, "at": at}
    instants = await _instants_of(session, absence)
    written = []
    for team in await lock_teams(session, absence.connection):
        for run in await runs.between(session, team, absence.first, absence.last + BACK_WITHIN):
            if run.state is not RunState.FINISHED:
                continue
            rows = await queries.history(session, team, absence.crm_user, run.day, run.day, evidence=False)
            is_scored = any(row.outcome is not None and row.outcome.scored for row in in_force(rows))
            written += await _judge_day(session, run, absence.crm_user, rows, instants, note)
            if run.day > absence.last and is_scored:
                break
    return written


class _Note(TypedDict):
    """Hold author, reason and instant of what is written."""

    author: str
    reason: str
    at: datetime


async def _instants_of(session: AsyncSession, absence: Absence) -> frozenset[datetime]:
    """List the instants at which absences of a manager were recorded or decided."""
    found = [absence, *await absences.of_manager(session, absence.connection, absence.crm_user)]
    return frozenset(at for each in found for at in (each.created_at, each.decided_at) if at is not None)


async def _judge_day(
    session: AsyncSession, run: Run, crm_user: str, rows: Sequence[Entry], instants: Collection[datetime], note: _Note
) -> list[Entry]:
    """Write what differs between the entries of a manager's day and the day as judged by the absences recorded now."""
    stored = [item for item in await stored_snapshots(session, run.id) if item.snapshot.manager.crm_user == crm_user]
    if not rows or not stored:
        return []
    [item] = await with_absences(session, run.judged_day, stored)
    card = item.score(run.rulebook, run.day)
    if card.excuse is Excuse.ABSENT:
        return await writer.excuse(session, run.team, crm_user, run.day, run.day, **note)
    by_rule: dict[str, list[Entry]] = defaultdict(list)
    for row in rows:
        by_rule[row.rule].append(row)
    judged, gone = [], []
    for line in card.lines:
        last = _last_of_absences(by_rule[line.rule.id], instants)
        if last is None:
            continue
        holds = bool(in_force(by_rule[line.rule.id]))
        if line.outcome.scored and not (holds and (last.outcome, last.points) == (line.outcome, line.points)):
            judged.append((last.seq, line))
        elif line.outcome is Outcome.EXCUSED and holds and last.outcome is not Outcome.EXCUSED:
            gone.append(last.seq)
    written = await writer.judge_again(session, run.team, judged, **note)
    return written + [await writer.reverse(session, run.team, seq, **note) for seq in gone]


def _last_of_absences(rows: Sequence[Entry], instants: Collection[datetime]) -> Entry | None:
    """Find the entry of a rule that holds, or that an absence reversed; None if another act decided the rule."""
    score = next((row for row in rows if row.kind is EntryKind.SCORE), None)
    holding = in_force(rows)
    if score is None:
        return None
    if holding:
        [holds] = holding[-1:]
        return holds if holds.kind is EntryKind.SCORE or holds.created_at in instants else None
    return score if rows[-1].created_at in instants else None
