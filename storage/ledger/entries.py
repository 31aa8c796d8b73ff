"""Select ledger entries as values of `scoring`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.entries import Entry, EntryKind, Month, Side
from scoring.scorecard import Outcome
from storage.db.models import LedgerRecord, ManagerRecord, ReasonRecord, RulebookRecord, TeamRecord
from storage.errors import NotFound, Refused

PORTION = 1000
"""Rows read at a time."""


async def entry(session: AsyncSession, team: str, seq: int) -> Entry:
    """Find one entry of a team's ledger. Raises NotFound."""
    rows = await select_entries(session, TeamRecord.key == team, LedgerRecord.seq == seq)
    if not rows:
        raise NotFound(f"the ledger of {team} has no entry {seq}")
    return rows[0]


async def select_entries(session: AsyncSession, *conditions: ColumnElement[bool]) -> list[Entry]:
    """Select entries in the order of the chain, in portions: other tasks need not wait for months of entries."""
    old, row = aliased(LedgerRecord), LedgerRecord
    query = (
        select(
            row.seq, TeamRecord.key, row.kind, row.crm_user, ManagerRecord.name, row.day, row.booked_in, row.rule,
            row.kpi, row.outcome, row.points, row.side, row.value, row.bound, row.evidence, RulebookRecord.version,
            old.seq, ReasonRecord.author, ReasonRecord.reason, row.created_at, row.hash,
        )
        .join(TeamRecord, TeamRecord.id == row.team_id)
        .join(ManagerRecord, ManagerRecord.id == row.manager_id)
        .outerjoin(RulebookRecord, RulebookRecord.id == row.rulebook_id)
        .outerjoin(old, old.id == row.reverses_id)
        .outerjoin(ReasonRecord, ReasonRecord.id == row.reason_id)
        .where(*conditions)
        .order_by(row.team_id, row.seq)
    )  # fmt: skip
    found: list[Entry] = []
    rows: Any  # a portion
    async for rows in (await session.stream(query)).partitions(PORTION):
        found += [_to_entry(*values) for values in rows]
    return found


def _to_entry(  # the columns that `select_entries` names
    seq: int, team: str, kind: str, crm_user: str, name: str, day: date, booked_in: str, rule: str, kpi: str,
    outcome: str | None, points: int, side: str, value: Decimal | None, bound: Decimal | None, evidence: list[str],
    version: str | None, reverses: int | None, author: str | None, reason: str | None, created_at: datetime, hash_: str,
) -> Entry:  # fmt: skip
    return Entry(
        seq=seq,
        team=team,
        kind=EntryKind(kind),
        crm_user=crm_user,
        name=name,
        day=day,
        booked_in=_month(booked_in),
        rule=rule,
        kpi=kpi,
        outcome=None if outcome is None else Outcome(outcome),
        points=points,
        side=Side(side),
        value=value,
        bound=bound,
        evidence=tuple(evidence),
        rulebook=version or "",
        reverses=reverses,
        author=author or "",
        reason=reason or "",
        created_at=created_at,
        hash=hash_,
    )


@cache
def _month(text: str) -> Month:
    return Month.parse(text)


def is_hex(text: str) -> bool:
    """Tell whether a text is written with the digits of a hash."""
    return len(text) >= 4 and set(text.lower()) <= set("0123456789abcdef")


async def find_digest(session: AsyncSession, prefix: str) -> list[Entry]:
    """Find the entries whose hash begins with the digits of a digest. Raises Refused for other characters."""
    if not is_hex(prefix):
        raise Refused("a digest is written with the digits 0-9 and a-f, at least four of them")
    return await select_entries(session, func.substr(LedgerRecord.hash, 1, len(prefix)) == prefix.lower())
