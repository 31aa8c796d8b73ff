"""Load entries of the ledger with proof: hashes lead from a known head back, and the columns say what was hashed."""

from __future__ import annotations

import json

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.db.models import LedgerRecord, ReasonRecord, RulebookRecord
from storage.errors import UNREADABLE
from storage.journal.proved_events import Place
from storage.ledger.chain import NO_HASH, chained, payload_of, reason_hash


async def place_before(session: AsyncSession, team_id: int, seq: int) -> Place:
    """Find number and hash of the entry before the entry `seq`; an empty hash for a missing entry."""
    if seq <= 1:
        return 0, NO_HASH
    return seq - 1, await hash_of(session, team_id, seq - 1)


async def hash_of(session: AsyncSession, team_id: int, seq: int) -> str:
    """Find the hash of an entry; empty for a missing entry."""
    query = select(LedgerRecord.hash).where(LedgerRecord.team_id == team_id, LedgerRecord.seq == seq)
    return await session.scalar(query) or ""


async def load_entries(session: AsyncSession, team_id: int, after: Place, head: Place) -> list[LedgerRecord] | None:
    """Load the entries after `after` up to `head`; None unless all are there and the hashes lead from one to the other.

    Author and reason of an entry by hand are compared where retention left them.
    """
    row, old, why = LedgerRecord, aliased(LedgerRecord), ReasonRecord
    query = (
        select(row, RulebookRecord.version, old.seq, why.salt, why.author, why.reason)
        .outerjoin(RulebookRecord, RulebookRecord.id == row.rulebook_id)
        .outerjoin(old, old.id == row.reverses_id)
        .outerjoin(why, why.id == row.reason_id)
        .where(row.team_id == team_id, row.seq > after[0], row.seq <= head[0])
        .order_by(row.seq)
        .execution_options(populate_existing=True)
    )
    found: list[LedgerRecord] = []
    seq, hash_ = after
    for entry, version, reverses_seq, salt, author, reason in await session.execute(query):
        hashed = _reason(entry, salt, author, reason)
        written = payload_of(entry, reverses_seq=reverses_seq, rulebook=version or "", reason=hashed)
        if (entry.seq, entry.hash) != (seq + 1, chained(hash_, written)) or entry.payload not in ("", written):
            return None  # an empty payload is what the columns state
        found.append(entry)
        seq, hash_ = entry.seq, entry.hash
    return found if (seq, hash_) == head else None


def _reason(entry: LedgerRecord, salt: str | None, author: str | None, reason: str | None) -> str | None:
    """Hash author and reason of an entry; where retention blanked the texts take the hash that the entry states."""
    if entry.reason_id is None:
        return None
    if salt is not None and author is not None and reason is not None:
        return reason_hash(salt, author, reason)
    try:
        return str(json.loads(entry.payload)["reason"])
    except UNREADABLE:
        return "?"
