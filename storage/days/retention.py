"""Blank titles, links and free text after the retention time; numbers, ids and the ledger stay."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, Text, cast, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.days.blanking import blank_snapshots
from storage.db.models import (
    AbsenceRecord,
    AppealRecord,
    DeliveryRecord,
    JournalRowRecord,
    ReasonRecord,
    RunRecord,
    SnapshotRecord,
)
from storage.db.types import instant_text
from storage.journal.chain import COMPANY, append, find_head
from storage.journal.kinds import JournalKind
from storage.values import DeliveryState


async def blank(session: AsyncSession, before: datetime) -> int:
    """Blank rows older than `before` and return the number of snapshots blanked. `verify` still passes."""
    count = await blank_snapshots(session, before)
    quiet = {"synchronize_session": False}
    unsent = [DeliveryState.PENDING.value, DeliveryState.SENDING.value]
    await session.execute(
        update(DeliveryRecord)
        .where(DeliveryRecord.created_at < before, DeliveryRecord.state.not_in(unsent))
        .values(reference={}, problem=""),
        execution_options=quiet,
    )
    reasons = await session.execute(
        update(ReasonRecord)
        .where(ReasonRecord.created_at < before, ReasonRecord.salt != "")
        .values(author=None, reason=None, salt="")
        .returning(ReasonRecord.id),
        execution_options=quiet,
    )
    was_blanked = bool(count or reasons.all())
    old = AbsenceRecord.created_at < before
    await session.execute(update(AbsenceRecord).where(old).values(note=""), execution_options=quiet)
    was_blanked |= await _forget_salts(
        session, AbsenceRecord.__tablename__, select(cast(AbsenceRecord.id, Text)).where(old)
    )
    filed = AppealRecord.filed_at < before
    await session.execute(update(AppealRecord).where(filed).values(text="", decision=""), execution_options=quiet)
    was_blanked |= await _forget_salts(
        session, AppealRecord.__tablename__, select(cast(AppealRecord.id, Text)).where(filed)
    )
    blanked = select(SnapshotRecord.run_id).where(SnapshotRecord.blanked)
    was_blanked |= await _forget_salts(
        session, RunRecord.__tablename__, select(cast(RunRecord.id, Text)).where(RunRecord.id.in_(blanked))
    )
    if was_blanked and await find_head(session, COMPANY) is not None:
        await append(session, COMPANY, JournalKind.TEXTS_BLANKED, {"before": instant_text(before)}, None)
    return count


async def _forget_salts(session: AsyncSession, table: str, keys: Select[str]) -> bool:
    """Remove the salts of rows whose texts are gone, and tell whether there were any.

    The journal's hashes of the texts are no longer compared.
    """
    row = JournalRowRecord
    forgotten = await session.execute(
        update(row).where(row.name == table, row.salt != "", row.row.in_(keys)).values(salt="").returning(row.row),
        execution_options={"synchronize_session": False},
    )
    return bool(forgotten.all())
