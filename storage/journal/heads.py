"""Name the ends of the chains for witnesses outside: whatever was written by hand since the last day stands there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord, JournalHeadRecord, TeamRecord
from storage.db.sql import portions
from storage.journal.chain import COMPANY, digest_of
from storage.journal.digests import JournalDay

COMPANY_NAME = "company"
"""Name of the chain of people, accounts, absences and actions, which belong to no single team."""


@dataclass(frozen=True, slots=True)
class ChainHead:
    """Describe the last event of a chain at some moment."""

    team: str
    """Key of the team; `company` for the chain of the company."""
    team_id: int
    """Id of the team; 0 for the company."""
    seq: int
    digest: str
    """The first 160 bits of the event's hash, as the digest of a day is written."""
    at: datetime

    @classmethod
    def of_day(cls, day: JournalDay) -> Self:
        """Describe the event of a finished day."""
        return cls(day.team, day.team_id, day.seq, day.digest, day.at)


def last_of_chains(heads: Iterable[ChainHead]) -> dict[int, ChainHead]:
    """Find the head with the highest number of each chain, by id of the team."""
    last: dict[int, ChainHead] = {}
    for head in heads:
        last[head.team_id] = max(last.get(head.team_id, head), head, key=lambda each: each.seq)
    return last


async def journal_heads(session: AsyncSession) -> list[ChainHead]:
    """List the last events of all chains, the company's first."""
    keys = dict((await session.execute(select(TeamRecord.id, TeamRecord.key))).all()) | {COMPANY: COMPANY_NAME}
    head = JournalHeadRecord
    rows = await session.execute(select(head.chain, head.seq, head.hash, head.at).order_by(head.chain))
    return [
        ChainHead(keys[chain], chain, seq, digest_of(hash_), at)
        for chain, seq, hash_, at in rows
        if seq and chain in keys
    ]


async def digests_at(session: AsyncSession, heads: Collection[ChainHead]) -> dict[tuple[int, int], str]:
    """Find the digests of the stored events in the places of heads, by id of the team and number of the event."""
    event = JournalEventRecord
    found: dict[tuple[int, int], str] = {}
    for team_id in sorted({head.team_id for head in heads}):
        numbers = sorted({head.seq for head in heads if head.team_id == team_id})
        for portion in portions(numbers):
            query = select(event.seq, event.hash).where(event.chain == team_id, event.seq.in_(portion))
            found |= {(team_id, seq): digest_of(hash_) for seq, hash_ in await session.execute(query)}
    return found
