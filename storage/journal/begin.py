"""Begin the journal of a team: the first event states all that was stored before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalHeadRecord, LedgerRecord, RunRecord, SnapshotRecord, TeamRecord
from storage.db.sql import lock_team
from storage.journal import chain
from storage.journal.changes import keep_all
from storage.journal.kinds import JournalKind
from storage.journal.states import FORM
from storage.values import RunState


async def begin(session: AsyncSession, team: str, at: datetime) -> bool:
    """Begin the journal of a team, and of the company, unless begun; tell whether the team's was.

    Raises NotFound for an unknown team.
    """
    owner = await lock_team(session, team)
    if await chain.find_head(session, owner.id) is not None:
        return False
    await begin_for(session, owner, at)
    return True


async def begin_for(session: AsyncSession, owner: TeamRecord, at: datetime) -> None:
    """Begin the journal of a locked team, unless begun."""
    begun = await chain.begun_at(session, owner.id, chain.COMPANY)
    if len(begun) == 2:
        return
    if chain.COMPANY in begun:  # a clock set back: no team begins before the company tells of it
        at = max(at, begun[chain.COMPANY])
    if owner.id not in begun and await chain.begin_chain(session, owner.id, at):
        rows = await keep_all(session, owner.id)
        counts = await _counts(session, owner)
        content = {"ledger": [owner.ledger_seq, owner.ledger_hash], "counts": counts, "rows": rows}
        await chain.append(session, owner.id, JournalKind.BEGUN, content, at)
    if chain.COMPANY not in begun and await chain.begin_chain(session, chain.COMPANY, at):
        rows = await keep_all(session, chain.COMPANY)
        await chain.append(session, chain.COMPANY, JournalKind.BEGUN, {"form": FORM, "rows": rows}, at)


async def teams_to_begin(session: AsyncSession) -> list[str]:
    """List the teams with finished days or entries and without a journal, as an earlier release left them."""
    begun = select(JournalHeadRecord.chain)
    query = select(TeamRecord.key).where(TeamRecord.id.not_in(begun)).order_by(TeamRecord.id)
    scored = select(RunRecord.team_id).where(RunRecord.state == RunState.FINISHED.value)
    booked = select(LedgerRecord.team_id)
    return list(await session.scalars(query.where(TeamRecord.id.in_(scored) | TeamRecord.id.in_(booked))))


async def _counts(session: AsyncSession, owner: TeamRecord) -> dict[str, int]:
    """Count what is stored of the team: entries, finished days, and the snapshots of finished days."""
    finished = RunRecord.team_id == owner.id, RunRecord.state == RunState.FINISHED.value
    of_team = select(RunRecord.id).where(*finished)
    queries = {
        "entries": select(func.count()).select_from(LedgerRecord).where(LedgerRecord.team_id == owner.id),
        "days": select(func.count()).select_from(RunRecord).where(*finished),
        "snapshots": select(func.count()).select_from(SnapshotRecord).where(SnapshotRecord.run_id.in_(of_team)),
    }
    return {name: int(await session.scalar(query) or 0) for name, query in queries.items()}
