"""Chats as Telegram lets us use them: blocked, moved, without their topic."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import ChannelRecord, TeamRecord
from storage.db.sql import upsert
from storage.values import Channel


async def find(session: AsyncSession, chat_id: int) -> Channel:
    """What is known of a chat; one never heard of is usable. Moves are followed to the end."""
    seen: set[int] = set()
    while chat_id not in seen:
        seen.add(chat_id)
        row = await session.get(ChannelRecord, chat_id, populate_existing=True)
        if row is None or row.migrated_to is None:
            return Channel(chat_id, "private" if chat_id > 0 else "group") if row is None else _to_channel(row)
        chat_id = row.migrated_to
    return Channel(chat_id, "group", active=False, reason="moved in a circle")


async def turn_off(session: AsyncSession, chat_id: int, reason: str, *, at: datetime) -> bool:
    """Stop writing there. True the first time: then tell the head. What a moved group left behind is no loss."""
    row = await _row(session, chat_id, at)
    if not row.active or row.migrated_to is not None:
        return False
    row.active, row.reason, row.changed_at = False, reason, at
    await session.flush()
    return True


async def turn_on(session: AsyncSession, chat_id: int, *, at: datetime) -> bool:
    """It takes messages again. True if it had been off: then greet."""
    row = await _row(session, chat_id, at)
    if row.active:
        return False
    row.active, row.reason, row.changed_at = True, "", at
    await session.flush()
    return True


async def move(session: AsyncSession, chat_id: int, to: int, *, at: datetime) -> None:
    """A group became a supergroup: its new id holds from now on, also for teams bound to it."""
    row = await _row(session, chat_id, at)
    row.migrated_to, row.changed_at = to, at
    await _row(session, to, at)
    for team in await session.scalars(select(TeamRecord).where(TeamRecord.chat_id == chat_id)):
        team.chat_id = to
    await session.flush()


async def lose_thread(session: AsyncSession, chat_id: int, thread_id: int, *, at: datetime) -> bool:
    """A topic was deleted: the group itself gets the messages. True the first time."""
    row = await _row(session, chat_id, at)
    if thread_id in row.lost_threads:
        return False
    row.lost_threads, row.changed_at = sorted([*row.lost_threads, thread_id]), at
    await session.flush()
    return True


async def find_thread(session: AsyncSession, chat_id: int, thread_id: int, *, at: datetime) -> None:
    """A topic takes messages again."""
    row = await _row(session, chat_id, at)
    if thread_id in row.lost_threads:
        row.lost_threads, row.changed_at = [each for each in row.lost_threads if each != thread_id], at
        await session.flush()


async def speaks(session: AsyncSession, chat_id: int, language: str, *, at: datetime) -> None:
    """The person's client speaks this language now."""
    (await _row(session, chat_id, at)).language = language
    await session.flush()


async def menus(session: AsyncSession) -> dict[int, str]:
    """Which menu each chat shows, for those that have one of their own."""
    rows = await session.execute(select(ChannelRecord.chat_id, ChannelRecord.menu).where(ChannelRecord.menu != ""))
    return dict(rows.all())


async def set_menu(session: AsyncSession, chat_id: int, menu: str, *, at: datetime) -> None:
    """Note which menu the chat shows now; empty: none of its own."""
    (await _row(session, chat_id, at)).menu = menu
    await session.flush()


async def off(session: AsyncSession) -> list[Channel]:
    """Chats that take no messages."""
    rows = await session.scalars(select(ChannelRecord).where(~ChannelRecord.active).order_by(ChannelRecord.chat_id))
    return [_to_channel(row) for row in rows]


async def _row(session: AsyncSession, chat_id: int, at: datetime) -> ChannelRecord:
    values = {"chat_id": chat_id, "kind": "private" if chat_id > 0 else "group", "changed_at": at}
    await session.execute(
        upsert(session, ChannelRecord).values(**values).on_conflict_do_nothing(index_elements=["chat_id"])
    )
    query = select(ChannelRecord).where(ChannelRecord.chat_id == chat_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def _to_channel(row: ChannelRecord) -> Channel:
    lost = frozenset(row.lost_threads)
    return Channel(row.chat_id, row.kind, row.active, row.reason, row.migrated_to, lost, row.language)
