"""`/invite` and `/bind`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import Bot, F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message
from aiogram.utils.deep_linking import create_start_link

from bot.access import Viewer
from bot.context import AppContext
from bot.screens import team_picker
from bot.screens.view import Button, View
from bot.telegram import reply
from bot.telegram.callbacks import Action, Callback, pack
from bot.telegram.filters import Tapped
from bot.texts import Texts, safe
from storage.people import channels, invites, people, teams

router = Router(name="admin")


# /invite


@router.message(Command("invite"), F.chat.type == "private")
async def invite(message: Message, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Who has not joined."""
    if not viewer.admin:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = team_picker.only(ctx.teams)
    if team is None:
        await reply.send(message, team_picker.ask_team(ctx, t, "invite", ctx.teams))
    else:
        await reply.send(message, await _missing(ctx, t, team))


@router.callback_query(Tapped(Action.TEAM, first=("invite",)))
async def invite_team(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """The answer to "which team?" """
    if not viewer.admin or tapped.values[1] not in ctx.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _missing(ctx, t, tapped.values[1]))


@router.callback_query(Tapped(Action.INVITE))
async def invite_links(
    query: CallbackQuery,
    tapped: Callback,
    bot: Bot,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    now: Callable[[], datetime],
) -> None:
    """New links; earlier ones stop working, so they are made only when asked for."""
    if not viewer.admin or tapped.values[0] not in ctx.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _links(bot, ctx, viewer, t, tapped.values[0], now()))


async def _missing(ctx: AppContext, t: Texts, key: str) -> View:
    """Who has not joined."""
    async with ctx.db.reading() as session:
        waiting = await people.unconnected(session, key)
    if not waiting:
        return View(t("invite-all"))
    names = [f"• {safe(member.name)}" for member in waiting]
    button = Button(t("invite-make"), pack(Action.INVITE, key))
    return View("\n".join([f"<b>{t('invite-head', n=len(names))}</b>", *names]), ((button,),))


async def _links(bot: Bot, ctx: AppContext, viewer: Viewer, t: Texts, key: str, now: datetime) -> View:
    lines = []
    async with ctx.db.transaction() as session:
        waiting = await people.unconnected(session, key)
        for member in waiting:
            token = await invites.invite_manager(
                session, member.connection, member.crm_user, author=f"telegram:{viewer.telegram_id}", at=now
            )
            link = await create_start_link(bot, token)
            lines.append(t("invite-link", name=safe(member.name), link=link))
    if not lines:
        return View(t("invite-all"))
    return View("\n".join([f"<b>{t('invite-head', n=len(lines))}</b>", *lines, "", t("invite-note")]))


# /bind


@router.message(Command("bind"))
async def bind(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """This group or topic gets the leaderboard."""
    private = message.chat.type == "private"
    if viewer.admin:
        await reply.send(
            message, View(t("bind-private")) if private else await _binding(message, ctx, viewer, t, now())
        )
    elif private:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
    elif _in_its_name(message):
        await reply.send(message, View(t("bind-who"), ((Button(t("bind-me"), pack(Action.HERE)),),)))


def _in_its_name(message: Message) -> bool:
    """Whether an administrator who stays anonymous wrote it: Telegram tells the group instead of him."""
    return message.sender_chat is not None and message.sender_chat.id == message.chat.id


@router.callback_query(Tapped(Action.HERE))
async def bind_shown(
    query: CallbackQuery, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """A tap tells who it is, also of somebody who writes in the group's name."""
    message = await _tapped_by_admin(query, viewer, t)
    if message is not None:
        await reply.replace(query, await _binding(message, ctx, viewer, t, now()))


async def _tapped_by_admin(query: CallbackQuery, viewer: Viewer, t: Texts) -> Message | None:
    """The message in the group; None (and it was said why) for others, and where its topic is no longer known."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
    elif not isinstance(query.message, Message):
        await query.answer(t("stale-button"), show_alert=True)
    else:
        return query.message
    return None


async def _binding(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: datetime) -> View:
    """It is done, where there is one team; else which one?"""
    team = team_picker.only(ctx.teams)
    if team is not None:
        return View(await _bound(ctx, viewer, t, team, message, now))
    return View(
        t("bind-choose"), tuple((Button(each.title, pack(Action.BIND, key)),) for key, each in ctx.teams.items())
    )


@router.callback_query(Tapped(Action.BIND))
async def bind_team(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The answer to "which team?" in the group."""
    message = await _tapped_by_admin(query, viewer, t)
    if message is None:
        return
    if tapped.values[0] not in ctx.teams:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await reply.replace(query, View(await _bound(ctx, viewer, t, tapped.values[0], message, now())))


async def _bound(ctx: AppContext, viewer: Viewer, t: Texts, key: str, message: Message, now: datetime) -> str:
    team, thread_id = ctx.teams[key], _thread(message)
    if team.chat_id is not None:
        return t("bind-settings", title=safe(team.title))
    async with ctx.db.transaction() as session:
        author = f"telegram:{viewer.telegram_id}"
        await teams.bind_chat(session, key, message.chat.id, thread_id, author=author, at=now)
        await channels.turn_on(session, message.chat.id, at=now)
        if thread_id is not None:
            await channels.restore_thread(session, message.chat.id, thread_id, at=now)
    return t("bind-done", title=safe(team.title))


def _thread(message: Message) -> int | None:
    """The topic; messages of the General topic have none."""
    return message.message_thread_id if message.is_topic_message else None
