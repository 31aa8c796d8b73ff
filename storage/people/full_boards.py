"""Note in the audit log who turned a team's full table on or off (docs/product.md §8)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import AuditRecord
from storage.people import audit_log

_ON, _OFF = "board.full_on", "board.full_off"


async def note(session: AsyncSession, team: str, *, is_full: bool, author: str, at: datetime) -> None:
    """Note that a team's group sees the full table or no longer sees the table, if the audit log says otherwise."""
    row = AuditRecord
    last = await session.scalar(
        select(row.action).where(row.subject == team, row.action.in_([_ON, _OFF])).order_by(row.id.desc()).limit(1)
    )
    if is_full != (last == _ON):
        audit_log.write(session, at=at, author=author, action=_ON if is_full else _OFF, subject=team)
