"""`/team`, `/week`, `/month`, `/who` and their buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens import answers, team_picker
from bot.screens.periods import Shown
from bot.screens.view import Button, View
from bot.telegram import reply
from bot.telegram.callbacks import Action, Callback, Part, pack
from bot.telegram.filters import Tapped
from bot.texts import Texts
from storage.days import runs
from storage.messages import deliveries
from storage.messages.notices import DepartedNotice
from storage.people import people
from storage.values import Member

router = Router(name="head")
MOST_NAMES = 12


@router.message(Command("team", "week", "month"), F.chat.type == "private")
async def overview(
    message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """One of the head's views, of his only team or the one he picks."""
    if not viewer.head_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = team_picker.only(viewer.head_of)
    if team is None:
        await reply.send(message, team_picker.ask_team(ctx, t, command.command, viewer.head_of))
    else:
        await reply.send(message, await _overview(ctx, t, viewer, command.command, team, now()))


async def _overview(ctx: AppContext, t: Texts, viewer: Viewer, command: str, key: str, now: datetime) -> View:
    async with ctx.db.reading() as session:
        if command == "team":
            return await answers.team_now(session, ctx, t, key)
        run = await runs.last_finished(session, key)
        day = run.day if run else ctx.teams[key].calendar.local_date(now)
        shown = Shown(exports=viewer.exports(key), until=ctx.teams[key].calendar.local_date(now))
        return await answers.summary(session, ctx, t, key, day, shown, monthly=command == "month")


@router.callback_query(Tapped(Action.TEAM, first=("team", "week", "month")))
async def team_chosen(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The answer to "which team?" """
    command, key = tapped.values
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _overview(ctx, t, viewer, command, key, now()))


@router.callback_query(Tapped(Action.STAFF))
async def staff_turned(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Another page of the team."""
    key, page = tapped.values
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        view = await answers.team_now(session, ctx, t, key, int(page))
    await reply.replace(query, view)


@router.callback_query(Tapped(Action.LEFT))
async def left_turned(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Everything that somebody left behind, or the short message again."""
    key, number, page = tapped.values
    view = await _left(ctx, t, key, int(number), int(page)) if viewer.sees_team(key) else None
    if view is None:
        await query.answer(t("not-yours"), show_alert=True)
    else:
        await reply.replace(query, view)


async def _left(ctx: AppContext, t: Texts, key: str, number: int, page: int) -> View | None:
    async with ctx.db.reading() as session:
        delivery = await deliveries.get(session, number)
        if delivery is None or not isinstance(delivery.notice, DepartedNotice) or delivery.notice.team != key:
            return None
        return await answers.departed(session, ctx, t, number, delivery.notice, page)


@router.callback_query(Tapped(Action.WEEK, Action.MONTH))
async def turned(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Another period or another side of it; never beyond the running one."""
    key, part, page = tapped.values[0], Part(tapped.values[2]), int(tapped.values[3])
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    today = ctx.teams[key].calendar.local_date(now())
    shown = Shown(part, page, viewer.exports(key), until=today)
    day, monthly = min(tapped.day(1), today), tapped.action is Action.MONTH
    async with ctx.db.reading() as session:
        view = await answers.summary(session, ctx, t, key, day, shown, monthly=monthly)
    await reply.replace(query, view)


# /who


@router.message(Command("who"), F.chat.type == "private")
async def who(message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """One manager, found by a part of his name."""
    if not viewer.head_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    name = (command.args or "").strip()
    if not name:
        await message.answer(t("who-usage"))
        return
    found = await _found(ctx, viewer, name)
    if not found:
        await message.answer(t("who-nobody"))
    elif len(found) == 1:
        key, member = found[0]
        async with ctx.db.reading() as session:
            view = await answers.somebody(session, ctx, t, key, member.crm_user)
        await reply.send(message, view)
    else:
        several = len({key for key, _ in found}) > 1
        buttons = tuple(
            (Button(_named(ctx, key, member, several), pack(Action.WHO, key, member.crm_user)),)
            for key, member in found[:MOST_NAMES]
        )
        more = len(found) - MOST_NAMES
        await reply.send(message, View(t("who-too-many", n=more) if more > 0 else t("who-many"), buttons))


def _named(ctx: AppContext, key: str, member: Member, several: bool) -> str:
    """People of several teams may have one name."""
    return f"{member.name} · {ctx.teams[key].title}" if several else member.name


async def _found(ctx: AppContext, viewer: Viewer, name: str) -> list[tuple[str, Member]]:
    """Members of his teams whose name holds what was written; a whole name wins."""
    wanted = name.casefold()
    async with ctx.db.reading() as session:
        every = [(key, member) for key in sorted(viewer.head_of) for member in await people.members(session, key)]
    exact = [pair for pair in every if pair[1].name.casefold() == wanted]
    return exact or [pair for pair in every if wanted in pair[1].name.casefold()]


@router.callback_query(Tapped(Action.WHO))
async def who_chosen(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """One manager, as a message of its own."""
    key, user = tapped.values
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is not None:
        async with ctx.db.reading() as session:
            view = await answers.somebody(session, ctx, t, key, user)
        await reply.send(message, view)
