"""Find instants of the future that a wrong clock stored, and note that an operator accepts the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord, MoneyVersionRecord, RulebookRecord, RunRecord
from storage.db.types import DatabaseNow
from storage.people import audit_log

ACCEPTED = "clock.accepted"
TOLERANCE = timedelta(minutes=2)
"""Difference between clocks that changes nothing."""

_STORED = (
    RunRecord.first_attempt_at,
    RunRecord.kept_at,
    RunRecord.finished_at,
    RulebookRecord.valid_from,
    MoneyVersionRecord.valid_from,
)


async def last_stored(session: AsyncSession) -> datetime | None:
    """Find the last instant at which a day or a version of rules or money was stored."""
    found = [await session.scalar(select(func.max(column))) for column in _STORED]
    return max((instant for instant in found if instant is not None), default=None)


async def future_instant(session: AsyncSession, now: datetime) -> datetime | None:
    """Find the last stored instant if it lies after `now` and no operator has accepted the clock since."""
    last = await last_stored(session)
    if last is None or last <= now + TOLERANCE:
        return None
    accepted = await session.scalar(
        select(AuditRecord.details).where(AuditRecord.action == ACCEPTED).order_by(AuditRecord.id.desc()).limit(1)
    )
    if accepted is not None and last <= datetime.fromisoformat(accepted["until"]):
        return None
    return last


async def accept_clock(session: AsyncSession, *, author: str, at: datetime) -> datetime | None:
    """Accept the clock despite a stored instant of the future; return that instant, None if there is none."""
    last = await future_instant(session, at)
    if last is not None:
        audit_log.write(session, at=at, author=author, action=ACCEPTED, subject="clock", until=last.isoformat())
    return last


async def database_time(session: AsyncSession) -> datetime:
    """Read the database's clock."""
    seconds: float = (await session.execute(select(DatabaseNow()))).scalar_one()
    return datetime.fromtimestamp(seconds, UTC)
