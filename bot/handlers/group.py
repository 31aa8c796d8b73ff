"""Follow the bot's membership: groups that add, remove or migrate the bot, users who block the bot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import Bot, F
from aiogram.filters import IS_MEMBER, IS_NOT_MEMBER, ChatMemberUpdatedFilter
from aiogram.types import ChatMemberUpdated, Message

from bot.access import viewer
from bot.context import AppContext
from bot.delivery.lost_chats import channel_lost
from bot.screens.joining.missed_days import load_welcome_back
from bot.screens.view import Button, Rows, View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.commands import COMMANDS
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.people import channels

router = RouterTemplate("group")
PERSONAL = ("start", *(command.name for command in COMMANDS if not command.in_groups))
"""Commands that are answered in the private chat only."""


@router.my_chat_member(ChatMemberUpdatedFilter((IS_NOT_MEMBER | IS_MEMBER) >> IS_MEMBER))
async def added(event: ChatMemberUpdated, ctx: AppContext, bot: Bot, now: Callable[[], datetime]) -> None:
    """Turn the chat on: added, unblocked, or given other rights. A returning user is greeted."""
    async with ctx.db.transaction() as session:
        was = await channels.find(session, event.chat.id)
        returned = await channels.turn_on(session, event.chat.id, at=now())
        who = await viewer(session, ctx, event.from_user.id, event.from_user.language_code)
    if returned and event.chat.type == "private" and who.known:
        async with ctx.db.reading() as session:
            name = event.from_user.full_name
            view = await load_welcome_back(session, ctx, who.t, who, name, was.changed_at)
        await bot.send_message(event.chat.id, view.text)


@router.my_chat_member(ChatMemberUpdatedFilter(IS_MEMBER >> IS_NOT_MEMBER))
async def removed(event: ChatMemberUpdated, ctx: AppContext, now: Callable[[], datetime]) -> None:
    """Turn the chat off: removed or blocked. Head or admins are told."""
    private = event.chat.type == "private"
    reason, name = ("blocked", event.from_user.full_name) if private else ("kicked", "")
    async with ctx.db.transaction() as session:
        await channel_lost(session, ctx, event.chat.id, reason, at=now(), name=name)


@router.message(F.chat.type != "private", Asked(*PERSONAL))
async def personal(message: Message, ctx: AppContext, t: Texts) -> None:
    """Answer a personal command in a group with a button into the private chat."""
    name = ctx.bot.username
    ways: Rows = ((Button(t("group-private-open"), url=f"https://t.me/{name}"),),) if name else ()
    await reply.send(message, View(t("group-private"), ways))


@router.message(F.forum_topic_reopened)
async def reopened(message: Message, ctx: AppContext, now: Callable[[], datetime]) -> None:
    """Send messages to a reopened topic again."""
    if message.message_thread_id is not None:
        async with ctx.db.transaction() as session:
            await channels.restore_thread(session, message.chat.id, message.message_thread_id, at=now())


@router.message(F.migrate_to_chat_id)
async def migrated(message: Message, ctx: AppContext, now: Callable[[], datetime]) -> None:
    """Follow a group that became a supergroup."""
    if message.migrate_to_chat_id is not None:
        async with ctx.db.transaction() as session:
            await channels.move(session, message.chat.id, message.migrate_to_chat_id, at=now())
