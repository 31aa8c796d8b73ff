"""Append events to the chains of the journal; each event's hash covers the event before."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import NO_HASH, JournalEventRecord, JournalHeadRecord
from storage.db.sql import upsert
from storage.db.types import canonical_json, instant_text
from storage.journal.kinds import JournalKind
from storage.ledger.chain import chained

COMPANY = 0
"""Chain of what belongs to no single team: people, accounts, roles, absences, teams and the audit log."""
_LOCKED = "journal_locked"
SHORT_LENGTH = 8
"""Characters of a digest that are shown under a message."""


@dataclass(frozen=True, slots=True)
class JournalHead:
    """Hold the place of the last event of a chain."""

    chain: int
    seq: int
    hash: str

    def to_json(self) -> list[Any]:
        """Write the place into the payload of an event that covers the chain."""
        return [self.seq, self.hash]


async def find_head(session: AsyncSession, chain: int) -> JournalHead | None:
    """Find the head of a chain; None for a chain that has not begun."""
    row = _locked(session).get(chain) or await session.get(JournalHeadRecord, chain, populate_existing=True)
    return None if row is None else JournalHead(row.chain, row.seq, row.hash)


async def lock_head(session: AsyncSession, chain: int) -> JournalHeadRecord | None:
    """Lock the head of a chain until the transaction ends; lock teams' chains before the company's.

    None for a chain that has not begun.
    """
    locked = _locked(session)
    if chain not in locked:
        query = select(JournalHeadRecord).where(JournalHeadRecord.chain == chain).with_for_update()
        head = await session.scalar(query.execution_options(populate_existing=True))
        if head is None:
            return None
        session.info.setdefault(_LOCKED, {})[chain] = head
        return head
    return locked[chain]


def _locked(session: AsyncSession) -> dict[int, JournalHeadRecord]:
    """Return the heads that this transaction has locked, unless the session has forgotten its rows since."""
    found: dict[int, JournalHeadRecord] = session.info.get(_LOCKED, {})
    return {chain: head for chain, head in found.items() if head in session}


async def begun_at(session: AsyncSession, *chains: int) -> dict[int, datetime]:
    """Load the instants of the last events of the chains that have begun; asks once in a transaction."""
    known: dict[int, datetime] = session.info.setdefault("journal_begun", {})
    if not known.keys() >= set(chains):
        head = JournalHeadRecord
        known.update((await session.execute(select(head.chain, head.at).where(head.chain.in_(chains)))).all())
    return {each: known[each] for each in chains if each in known}


async def begin_chain(session: AsyncSession, chain: int, at: datetime) -> bool:
    """Make the head of a chain; False for a chain that has begun, also if another process was quicker."""
    new = {"chain": chain, "seq": 0, "hash": NO_HASH, "at": at}
    made = await session.scalar(
        upsert(session, JournalHeadRecord).values(**new).on_conflict_do_nothing().returning(JournalHeadRecord.chain)
    )
    return made is not None


async def append(
    session: AsyncSession, chain: int, kind: JournalKind, content: Mapping[str, Any], at: datetime | None
) -> JournalHead:
    """Append an event to a chain that has begun, and return the new head.

    Times never run backwards along a chain: an earlier instant (a clock set back), and None (an event without a time of
    its own), become that of the event before.
    """
    head = await lock_head(session, chain)
    if head is None:
        raise RuntimeError(f"chain {chain} of the journal has not begun")
    event = JournalEventRecord(chain=chain, seq=head.seq + 1, kind=kind.value, at=max(at or head.at, head.at))
    event.payload = payload_of(event, content)
    event.hash = chained(head.hash, event.payload)
    head.seq, head.hash, head.at = event.seq, event.hash, event.at
    session.add(event)
    await session.flush()
    return JournalHead(chain, event.seq, event.hash)


def payload_of(event: JournalEventRecord, content: Mapping[str, Any]) -> str:
    """Write all that an event states as canonical JSON: ids, numbers and salted hashes, no names and no free text."""
    place = {"chain": event.chain, "seq": event.seq, "kind": event.kind, "at": instant_text(event.at)}
    return canonical_json({**place, "content": content})


def digest_of(hash_: str) -> str:
    """Write the first 160 bits of a hash in base32: 32 characters a-z and 2-7, fit for a link."""
    return base64.b32encode(bytes.fromhex(hash_)[:20]).decode().lower()


def digest_prefix(digest: str) -> str:
    """Return the hex digits that the hash behind a digest of 32 characters begins with."""
    return base64.b32decode(digest.upper()).hex()


def short_digest(digest: str) -> str:
    """Shorten a digest for the eye; digests of days before the journal (12 hex digits) stay as they are."""
    return digest if len(digest) <= 12 else digest[:SHORT_LENGTH]
