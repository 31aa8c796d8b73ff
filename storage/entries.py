"""Rows of the ledger as everybody sees them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.entries import Entry, EntryKind, Month, Side
from scoring.scorecard import Outcome
from storage.errors import NotFound, Refused
from storage.models import LedgerRecord, ManagerRecord, ReasonRecord, RulebookRecord, TeamRecord


async def entry(session: AsyncSession, team: str, seq: int) -> Entry:
    """One row as everybody sees it. Raises NotFound."""
    rows = await select_entries(session, TeamRecord.key == team, LedgerRecord.seq == seq)
    if not rows:
        raise NotFound(f"the ledger of {team} has no entry {seq}")
    return rows[0]


async def select_entries(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[Entry]:
    """Rows as everybody sees them, in the chain's order."""
    old = aliased(LedgerRecord)
    query = (
        select(LedgerRecord, TeamRecord.key, ManagerRecord.name, RulebookRecord.version, old.seq, ReasonRecord)
        .join(TeamRecord, TeamRecord.id == LedgerRecord.team_id)
        .join(ManagerRecord, ManagerRecord.id == LedgerRecord.manager_id)
        .outerjoin(RulebookRecord, RulebookRecord.id == LedgerRecord.rulebook_id)
        .outerjoin(old, old.id == LedgerRecord.reverses_id)
        .outerjoin(ReasonRecord, ReasonRecord.id == LedgerRecord.reason_id)
        .where(*conditions)
        .order_by(LedgerRecord.team_id, LedgerRecord.seq)
    )
    return [_to_entry(*row) for row in await session.execute(query)]


def _to_entry(row: LedgerRecord, *around: Any) -> Entry:  # the columns that `select_entries` joins
    team, name, version, reverses, why = around
    return Entry(
        seq=row.seq,
        team=team,
        kind=EntryKind(row.kind),
        crm_user=row.crm_user,
        name=name,
        day=row.day,
        booked_in=Month.parse(row.booked_in),
        rule=row.rule,
        kpi=row.kpi,
        outcome=None if row.outcome is None else Outcome(row.outcome),
        points=row.points,
        side=Side(row.side),
        value=row.value,
        bound=row.bound,
        evidence=tuple(row.evidence),
        rulebook=version or "",
        reverses=reverses,
        author=(why.author or "") if why else "",
        reason=(why.reason or "") if why else "",
        created_at=row.created_at,
        hash=row.hash,
    )


async def find_digest(session: AsyncSession, prefix: str) -> list[Entry]:
    """Entries whose hash begins so: the one under a group message, if nobody rewrote the past."""
    if len(prefix) < 4 or not set(prefix.lower()) <= set("0123456789abcdef"):
        raise Refused("a digest is written with the digits 0-9 and a-f, at least four of them")
    return await select_entries(session, func.substr(LedgerRecord.hash, 1, len(prefix)) == prefix.lower())
