"""Keep the question that a chat's next message answers: a dialog outlives a restart, and any replica goes on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import DialogRecord
from storage.db.sql import upsert

PATIENCE = timedelta(hours=6)
"""Age after which a message is no answer any more."""


async def ask(session: AsyncSession, chat_id: int, content: Mapping[str, Any], *, at: datetime) -> None:
    """Keep the question asked last; an earlier question of the chat is forgotten."""
    values = {"content": dict(content), "asked_at": at}
    statement = upsert(session, DialogRecord).values(chat_id=chat_id, **values)
    await session.execute(statement.on_conflict_do_update(index_elements=["chat_id"], set_=values))


async def find(session: AsyncSession, chat_id: int, *, at: datetime) -> dict[str, Any] | None:
    """Find the question of a chat; None without a question, and for an old question."""
    row = await session.scalar(select(DialogRecord).where(DialogRecord.chat_id == chat_id))
    return None if row is None or at - row.asked_at > PATIENCE else row.content


async def end(session: AsyncSession, chat_id: int) -> None:
    """Forget the question of a chat, once the answer is worked in."""
    await session.execute(delete(DialogRecord).where(DialogRecord.chat_id == chat_id))
