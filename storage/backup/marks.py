"""Mark a restored database: of which days people were told before, and which messages are not sent again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord, DeliveryRecord, RunRecord, TeamRecord
from storage.people import audit_log
from storage.values import DeliveryState, RunState

RESTORED = "database.restored"


async def last_finished_days(session: AsyncSession) -> dict[int, tuple[str, date | None]]:
    """Read key and last finished day of every team, by team id."""
    finished = and_(RunRecord.team_id == TeamRecord.id, RunRecord.state == RunState.FINISHED.value)
    rows = await session.execute(
        select(TeamRecord.id, TeamRecord.key, func.max(RunRecord.day))
        .outerjoin(RunRecord, finished)
        .group_by(TeamRecord.id, TeamRecord.key)
    )
    return {team: (key, day) for team, key, day in rows}


async def mark_restored(session: AsyncSession, *, at: datetime, file: str, told: Mapping[int, date]) -> None:
    """Record the restore, with the last day by team id of which people were told before."""
    days = {str(team): day.isoformat() for team, day in told.items()}
    audit_log.write(session, at=at, author="reglament restore", action=RESTORED, subject=file, told=days)
    await session.flush()
    session.info.pop("told_before_restore", None)


async def told_until(session: AsyncSession, team: str) -> date | None:
    """Find the last day of a team of which people were told before the last restore; None without a restore.

    The restore is looked for once in a transaction.
    """
    if "told_before_restore" not in session.info:
        query = select(AuditRecord.details).where(AuditRecord.action == RESTORED).order_by(AuditRecord.id.desc())
        session.info["told_before_restore"] = await session.scalar(query.limit(1))
    details = session.info["told_before_restore"]
    if details is None:
        return None
    team_id = await session.scalar(select(TeamRecord.id).where(TeamRecord.key == team))
    day = details["told"].get(str(team_id))
    return None if day is None else date.fromisoformat(day)


async def cancel_messages(session: AsyncSession, *, at: datetime) -> int:
    """Cancel the messages that were about to go out when the backup was made; return the number."""
    row = DeliveryRecord
    due = and_(row.state == DeliveryState.PENDING.value, or_(row.not_before.is_(None), row.not_before <= at))
    begun = row.state == DeliveryState.SENDING.value
    found = await session.scalars(
        update(row)
        .where(or_(due, begun))
        .values(state=DeliveryState.CANCELLED.value, done_at=at, problem="sent before the restore")
        .returning(row.id)
        .execution_options(synchronize_session=False)
    )
    return len(found.all())
