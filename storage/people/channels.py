"""Keep the chats the bot writes to: blocked, moved, without topic, menu and language."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import ChannelRecord, PersonRecord, TeamRecord
from storage.db.sql import upsert
from storage.values import Channel


async def find(session: AsyncSession, chat_id: int) -> Channel:
    """Find a chat, following moves to the end; an unknown chat takes messages."""
    seen: set[int] = set()
    while chat_id not in seen:
        seen.add(chat_id)
        row = await session.get(ChannelRecord, chat_id, populate_existing=True)
        if row is None or row.migrated_to is None:
            return Channel(chat_id, "private" if chat_id > 0 else "group") if row is None else _to_channel(row)
        chat_id = row.migrated_to
    return Channel(chat_id, "group", active=False, reason="moved in a circle")


async def turn_off(session: AsyncSession, chat_id: int, reason: str, *, at: datetime) -> bool:
    """Turn a chat off; True the first time, when the head must be told. A chat left by a moved group is no loss."""
    row = await _row(session, chat_id, at)
    if not row.active or row.migrated_to is not None:
        return False
    row.active, row.reason, row.changed_at = False, reason, at
    await session.flush()
    return True


async def turn_on(session: AsyncSession, chat_id: int, *, at: datetime) -> bool:
    """Turn a chat on again; True if the chat had been off, when a greeting is due."""
    row = await _row(session, chat_id, at)
    if row.active:
        return False
    row.active, row.reason, row.changed_at = True, "", at
    await session.flush()
    return True


async def move(session: AsyncSession, chat_id: int, to: int, *, at: datetime) -> None:
    """Follow a group that became a supergroup: the new id holds from now on, also for teams bound to the group."""
    row = await _row(session, chat_id, at)
    row.migrated_to, row.changed_at = to, at
    await _row(session, to, at)
    for team in await session.scalars(select(TeamRecord).where(TeamRecord.chat_id == chat_id)):
        team.chat_id = to
    await session.flush()


async def lose_thread(session: AsyncSession, chat_id: int, thread_id: int, *, at: datetime) -> bool:
    """Record a deleted topic, whose messages go to the group; True the first time."""
    row = await _row(session, chat_id, at)
    if thread_id in row.lost_threads:
        return False
    row.lost_threads, row.changed_at = sorted([*row.lost_threads, thread_id]), at
    await session.flush()
    return True


async def restore_thread(session: AsyncSession, chat_id: int, thread_id: int, *, at: datetime) -> None:
    """Record that a topic takes messages again."""
    row = await _row(session, chat_id, at)
    if thread_id in row.lost_threads:
        row.lost_threads, row.changed_at = [each for each in row.lost_threads if each != thread_id], at
        await session.flush()


async def set_language(session: AsyncSession, chat_id: int, language: str, *, at: datetime) -> None:
    """Record the language of the person's Telegram client."""
    (await _row(session, chat_id, at)).language = language
    await session.flush()


async def heard_from(session: AsyncSession, telegram_ids: Collection[int]) -> set[int]:
    """Select the users who have written to the bot: with a language, a menu, or a person joined to the chat."""
    wrote = or_(ChannelRecord.language != "", ChannelRecord.menu != "")
    chats = select(ChannelRecord.chat_id).where(ChannelRecord.chat_id.in_(telegram_ids), wrote)
    joined = select(PersonRecord.telegram_id).where(PersonRecord.telegram_id.in_(telegram_ids))
    return {*await session.scalars(chats), *(found for found in await session.scalars(joined) if found is not None)}


async def menus(session: AsyncSession) -> dict[int, str]:
    """List the menus of chats with a menu of their own, by chat id."""
    rows = await session.execute(select(ChannelRecord.chat_id, ChannelRecord.menu).where(ChannelRecord.menu != ""))
    return dict(rows.all())


async def set_menu(session: AsyncSession, chat_id: int, menu: str, *, at: datetime) -> None:
    """Record the menu that a chat shows; empty: no menu of the chat's own."""
    (await _row(session, chat_id, at)).menu = menu
    await session.flush()


async def _row(session: AsyncSession, chat_id: int, at: datetime) -> ChannelRecord:
    values = {"chat_id": chat_id, "kind": "private" if chat_id > 0 else "group", "changed_at": at}
    await session.execute(
        upsert(session, ChannelRecord).values(**values).on_conflict_do_nothing(index_elements=["chat_id"])
    )
    query = select(ChannelRecord).where(ChannelRecord.chat_id == chat_id).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).one()


def _to_channel(row: ChannelRecord) -> Channel:
    lost = frozenset(row.lost_threads)
    return Channel(row.chat_id, row.kind, row.active, row.reason, row.migrated_to, lost, row.language, row.changed_at)
