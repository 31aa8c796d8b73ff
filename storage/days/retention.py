"""Blank titles, links and free text after the retention time; numbers, ids and the ledger stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, Text, cast, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.days.codec import without_titles
from storage.db.models import AbsenceRecord, DeliveryRecord, JournalRowRecord, ReasonRecord, RunRecord, SnapshotRecord
from storage.values import DeliveryState

_CHUNK = 500


async def blank(session: AsyncSession, before: datetime) -> int:
    """Blank rows older than `before` and return the number of snapshots blanked. `verify` still passes."""
    count = await _blank_snapshots(session, before)
    quiet = {"synchronize_session": False}
    unsent = [DeliveryState.PENDING.value, DeliveryState.SENDING.value]
    await session.execute(
        update(DeliveryRecord)
        .where(DeliveryRecord.created_at < before, DeliveryRecord.state.not_in(unsent))
        .values(reference={}, problem=""),
        execution_options=quiet,
    )
    await session.execute(
        update(ReasonRecord).where(ReasonRecord.created_at < before).values(author=None, reason=None, salt=""),
        execution_options=quiet,
    )
    old = AbsenceRecord.created_at < before
    await session.execute(update(AbsenceRecord).where(old).values(note=""), execution_options=quiet)
    await _forget_salts(session, AbsenceRecord.__tablename__, select(cast(AbsenceRecord.id, Text)).where(old))
    blanked = select(SnapshotRecord.run_id).where(SnapshotRecord.blanked)
    await _forget_salts(
        session, RunRecord.__tablename__, select(cast(RunRecord.id, Text)).where(RunRecord.id.in_(blanked))
    )
    return count


async def _forget_salts(session: AsyncSession, table: str, keys: Select[str]) -> None:
    """Remove the salts of rows whose texts are gone: the journal's hashes of the texts are no longer compared."""
    row = JournalRowRecord
    await session.execute(
        update(row).where(row.name == table, row.salt != "", row.row.in_(keys)).values(salt=""),
        execution_options={"synchronize_session": False},
    )


async def _blank_snapshots(session: AsyncSession, before: datetime) -> int:
    count = 0
    while True:
        rows = await session.scalars(
            select(SnapshotRecord)
            .join(RunRecord, RunRecord.id == SnapshotRecord.run_id)
            .where(RunRecord.cutoff < before, ~SnapshotRecord.blanked)
            .limit(_CHUNK)
        )
        found = rows.all()
        for row in found:
            row.readings, row.blanked = without_titles(row.readings), True
        await session.flush()
        session.expunge_all()
        count += len(found)
        if len(found) < _CHUNK:
            return count
