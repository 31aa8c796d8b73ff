"""Load events of the journal with proof: hashes lead from event to event."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import NO_HASH, JournalEventRecord, JournalHeadRecord
from storage.db.sql import portions
from storage.journal.kinds import JournalKind
from storage.ledger.chain import chained

Place = tuple[int, str]
"""Number and hash of an entry of the ledger."""
LEDGER_KINDS = (JournalKind.BEGUN, JournalKind.DAY_FINISHED, JournalKind.ENTRIES_WRITTEN)
"""Kinds of events that name the head of the ledger."""
_Row = tuple[str, str, str]
"""Kind, hash and payload of a stored event."""


@dataclass(frozen=True, slots=True)
class SeenHead:
    """Describe an event that names the head of the ledger."""

    kind: str
    hash: str
    ledger: Place
    run: int | None
    """Run of a finished day."""
    day: str | None


async def load_heads(session: AsyncSession, chain: int) -> list[SeenHead] | None:
    """Walk the whole chain of a team, and list the heads of the ledger that events name, oldest first.

    None unless hashes lead from the first event to the stored end of the chain. Empty for a chain that has not begun.
    """
    event = JournalEventRecord
    query = select(event.seq, event.kind, event.hash, event.payload).where(event.chain == chain).order_by(event.seq)
    heads: list[SeenHead] = []
    seq, hash_ = 0, NO_HASH
    async for next_seq, kind, next_hash, payload in await session.stream(query):
        if (next_seq, next_hash) != (seq + 1, chained(hash_, payload)) or not _states(payload, kind, next_seq):
            return None
        seq, hash_ = next_seq, next_hash
        if kind in LEDGER_KINDS:
            content = json.loads(payload)["content"]
            last, last_hash = content["ledger"]
            heads.append(SeenHead(kind, hash_, (last, last_hash), content.get("run"), content.get("day")))
    end = await session.get(JournalHeadRecord, chain, populate_existing=True)
    return heads if (seq, hash_) == ((0, NO_HASH) if end is None else (end.seq, end.hash)) else None


def _states(payload: str, kind: str, seq: int) -> bool:
    """Tell whether a payload, canonical JSON with sorted keys, states kind and number of an event."""
    return payload.endswith(f'"kind":"{kind}","seq":{seq}}}')


async def are_linked(session: AsyncSession, chain: int, seqs: Collection[int]) -> bool:
    """Tell whether some events follow each from the event before, and the next event or the chain's end follows."""
    around = sorted({near for seq in seqs for near in (seq - 1, seq, seq + 1)})
    rows: dict[int, _Row] = {}
    event = JournalEventRecord
    for portion in portions(around):
        query = select(event.seq, event.kind, event.hash, event.payload).where(
            event.chain == chain, event.seq.in_(portion)
        )
        rows |= {seq: (kind, hash_, payload) for seq, kind, hash_, payload in await session.execute(query)}
    head = await session.get(JournalHeadRecord, chain, populate_existing=True)
    ends = {} if head is None else {head.seq: head.hash}
    return all(_is_linked(rows, seq) and _leads_on(rows, seq, ends) for seq in seqs)


def _is_linked(rows: Mapping[int, _Row], seq: int) -> bool:
    """Tell whether an event is stored, is of the kind stated, and the hash follows from the event before."""
    if seq not in rows:
        return False
    before = NO_HASH if seq == 1 else rows.get(seq - 1, ("", "", ""))[1]
    kind, hash_, payload = rows[seq]
    return hash_ == chained(before, payload) and _states(payload, kind, seq)


def _leads_on(rows: Mapping[int, _Row], seq: int, ends: Mapping[int, str]) -> bool:
    """Tell whether the next event follows from an event, or the event is the stored end of the chain."""
    return _is_linked(rows, seq + 1) or (seq + 1 not in rows and ends.get(seq) == rows[seq][1])


async def select_events(
    session: AsyncSession, chain: int, kinds: Sequence[JournalKind]
) -> list[tuple[int, Mapping[str, Any]]]:
    """Select number and content of the events of some kinds, oldest first, without proof."""
    event = JournalEventRecord
    query = select(event.seq, event.payload).where(event.chain == chain, event.kind.in_([kind.value for kind in kinds]))
    return [(seq, json.loads(payload)["content"]) for seq, payload in await session.execute(query.order_by(event.seq))]
