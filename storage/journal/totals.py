"""Sum the points of a period for the journal, straight from the ledger."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import LedgerRecord


async def of_period(
    session: AsyncSession, team_id: int, month: str, *, until: int | None = None
) -> list[tuple[str, str, int]]:
    """Return CRM user, side and points booked in a month, by user and side; `until`: up to an entry's `seq`."""
    query = select(LedgerRecord.crm_user, LedgerRecord.side, func.sum(LedgerRecord.points)).where(
        LedgerRecord.team_id == team_id, LedgerRecord.booked_in == month
    )
    if until is not None:
        query = query.where(LedgerRecord.seq <= until)
    rows = await session.execute(query.group_by(LedgerRecord.crm_user, LedgerRecord.side))
    return sorted((user, side, int(points)) for user, side, points in rows)
