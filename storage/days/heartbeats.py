"""Record when each loop of the service last ran, when the service started, and when Telegram last answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import HeartbeatRecord
from storage.db.sql import upsert

START, UPDATES = "start", "updates"
"""Names of the rows that no loop beats: the start of the service, and the last time that updates could be received."""
TOKEN_REFUSED, RIVAL = "telegram:token", "telegram:rival"
"""Names of the rows that tell when Telegram last refused the token, or named another process that polls."""
REFUSED_WITHIN = timedelta(minutes=3)
"""Age up to which the last refusal of Telegram counts as present."""
ANCHORS = "anchors"
"""Name of the row that tells when all finished days were last found anchored."""
PROBE = "probe"
"""Name of the row that `/health` writes, to see whether the database takes writes."""
_OF_NO_LOOP = frozenset({START, UPDATES, TOKEN_REFUSED, RIVAL, ANCHORS, PROBE})


async def beat(session: AsyncSession, name: str, *, at: datetime) -> None:
    """Record a beat of the loop `name`."""
    insert = upsert(session, HeartbeatRecord).values(name=name, at=at)
    await session.execute(insert.on_conflict_do_update(index_elements=["name"], set_={"at": at}))


async def last(session: AsyncSession, name: str) -> datetime | None:
    """Read the last beat of a loop; None if there was none."""
    at: datetime | None = await session.scalar(select(HeartbeatRecord.at).where(HeartbeatRecord.name == name))
    return at


async def all_beats(session: AsyncSession) -> dict[str, datetime]:
    """Read the last beat of every loop, and the rows that no loop beats."""
    rows = await session.execute(select(HeartbeatRecord.name, HeartbeatRecord.at))
    return dict(rows.all())


def of_loops(beats: Mapping[str, datetime]) -> dict[str, datetime]:
    """Leave out the rows that no loop beats."""
    return {name: at for name, at in beats.items() if name not in _OF_NO_LOOP}


async def forget(session: AsyncSession, written: Mapping[str, datetime]) -> None:
    """Delete the beats that a stopping process wrote last; a later beat of another replica stays."""
    mine = [and_(HeartbeatRecord.name == name, HeartbeatRecord.at <= at) for name, at in written.items()]
    if mine:
        await session.execute(delete(HeartbeatRecord).where(or_(*mine)))


async def forget_before(session: AsyncSession, instant: datetime) -> None:
    """Delete older beats, of loops that no process of this version has."""
    await session.execute(delete(HeartbeatRecord).where(HeartbeatRecord.at < instant))
