"""Record when each loop of the service last ran."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import HeartbeatRecord
from storage.db.sql import upsert


async def beat(session: AsyncSession, name: str, *, at: datetime) -> None:
    """Record a beat of the loop `name`."""
    insert = upsert(session, HeartbeatRecord).values(name=name, at=at)
    await session.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"at": at}))


async def last(session: AsyncSession, name: str) -> datetime | None:
    """Read the last beat of a loop; None if there was none."""
    at: datetime | None = await session.scalar(select(HeartbeatRecord.at).where(HeartbeatRecord.name == name))
    return at


async def all_beats(session: AsyncSession) -> dict[str, datetime]:
    """Read the last beat of every loop."""
    rows = await session.execute(select(HeartbeatRecord.name, HeartbeatRecord.at))
    return dict(rows.all())
