"""Prove that a digest still covers what the ledger holds of its day, without walking the whole chains."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import EntryKind
from storage.db.models import JournalEventRecord, LedgerRecord, RulebookRecord, RunRecord, TeamRecord
from storage.journal.chain import digest_prefix
from storage.journal.digests import DigestedDay
from storage.journal.kinds import JournalKind
from storage.ledger.chain import NO_HASH, chained, payload_of


async def stands(session: AsyncSession, found: DigestedDay) -> bool:
    """Tell whether the ledger's entries of a day are those that the digest was made of.

    The digest gives the event of the day, the event gives the ledger's head, and each hash back from there gives the
    entry before. Snapshots and all other days are left to `reglament verify`.
    """
    run = await session.scalar(
        select(RunRecord)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == found.team, RunRecord.day == found.day, RunRecord.digest == found.digest)
    )
    if run is None:
        return False
    entries = await _entries(session, run)
    if found.is_weak:
        head = entries[0].hash if entries else ""
        return head.startswith(found.digest) and await _follow(session, entries, entries[0].seq, head)
    content = await _event_content(session, run)
    if content is None or content["run"] != run.id or content["day"] != run.day.isoformat():
        return False
    seq, head = content["ledger"]
    return await _follow(session, entries, seq, head)


async def _entries(session: AsyncSession, run: RunRecord) -> list[LedgerRecord]:
    """Select the entries that a run wrote, newest first."""
    is_written = LedgerRecord.run_id == run.id, LedgerRecord.kind == EntryKind.SCORE.value
    query = select(LedgerRecord).where(*is_written).order_by(LedgerRecord.seq.desc())
    return list(await session.scalars(query.execution_options(populate_existing=True)))


async def _event_content(session: AsyncSession, run: RunRecord) -> dict[str, Any] | None:
    """Read the event of a day; None if no event has the hash that the digest begins, or says what its hash covers."""
    prefix = digest_prefix(run.digest)
    event = await session.scalar(
        select(JournalEventRecord).where(
            JournalEventRecord.chain == run.team_id,
            JournalEventRecord.kind == JournalKind.DAY_FINISHED.value,
            func.substr(JournalEventRecord.hash, 1, len(prefix)) == prefix,
        )
    )
    if event is None:
        return None
    before = await session.scalar(
        select(JournalEventRecord.hash).where(
            JournalEventRecord.chain == run.team_id, JournalEventRecord.seq == event.seq - 1
        )
    )
    if chained(before or NO_HASH, event.payload) != event.hash:
        return None
    content: dict[str, Any] = json.loads(event.payload)["content"]
    return content


async def _follow(session: AsyncSession, entries: list[LedgerRecord], seq: int, head: str) -> bool:
    """Follow the hashes from the head back through the entries of a run, and compare columns with payloads."""
    team_id = entries[0].team_id if entries else None
    versions = dict((await session.execute(select(RulebookRecord.id, RulebookRecord.version))).all())
    for entry in entries:
        before = await session.scalar(
            select(LedgerRecord.hash).where(LedgerRecord.team_id == team_id, LedgerRecord.seq == entry.seq - 1)
        )
        written = payload_of(entry, rulebook=versions.get(entry.rulebook_id or 0, "?"))
        if (entry.seq, entry.hash) != (seq, head) or entry.payload not in ("", written):
            return False  # an empty payload is what the columns state
        if chained(before or NO_HASH, written) != entry.hash:
            return False
        seq, head = entry.seq - 1, before or NO_HASH
    return True
