"""`/me`, `/rules`, `/leaderboard`, days and their pictures: what everybody asks about himself and his team."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens import answers, pictures, team_picker
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.callbacks import Action, Callback
from bot.telegram.filters import Tapped
from bot.texts import Texts
from reports.summary.stretches import week_of
from scoring.entries import Month

router = Router(name="manager")


# The evening message


@router.callback_query(Tapped(Action.EVENING))
async def evening_page(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """All evidence, page by page, in place."""
    key, _, user, _ = tapped.values
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _day(tapped, ctx, viewer, t))


@router.callback_query(Tapped(Action.DAY))
async def day_opened(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """A day of the history as a message of its own."""
    key, _, user, _ = tapped.values
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is not None:
        await reply.send(message, await _day(tapped, ctx, viewer, t))


async def _day(tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> View:
    """A day of somebody, with his name where it is not the viewer's own."""
    key, _, user, page = tapped.values
    own = viewer.member_of(key)
    named = own is None or own.crm_user != user
    async with ctx.db.reading() as session:
        view = await answers.evening(session, ctx, t, key, tapped.day(1), user, page=int(page), named=named)
    return view or View(t("stale-button"))


# /me


@router.message(Command("me"), F.chat.type == "private")
async def me(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Week, month and days, each team apart."""
    if not viewer.own:
        await message.answer(t("no-own-score") if viewer.known else t("stranger"))
        return
    for member in viewer.own:
        team = ctx.teams[member.team or ""]
        month = Month.of(team.calendar.local_date(now()))
        async with ctx.db.reading() as session:
            view = await answers.me(session, ctx, t, team.key, member.crm_user, member.name, month, now())
        await reply.send(message, view)


@router.callback_query(Tapped(Action.ME))
async def month_opened(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Another month; a head turns those of his people."""
    key, user, month = tapped.values
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        name = await answers.name_of(session, key, user)
        view = await answers.me(session, ctx, t, key, user, name, Month.parse(month), now())
    await reply.replace(query, view)


@router.callback_query(Tapped(Action.PICTURE))
async def picture(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Day by day: a week or month of the team for its head, of one person for himself and his head."""
    (key, kind, _), first, user = tapped.values[:3], tapped.day(2), (*tapped.values, "")[3]
    if not (viewer.sees_person(key, user) if user else viewer.sees_team(key)):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is None:
        return
    last = week_of(first)[1] if kind == "w" else Month.of(first).last
    last = min(last, ctx.teams[key].calendar.local_date(now()))
    await reply.send(message, await pictures.days(ctx, t, key, first, last, user or None))


# /rules and /leaderboard, also in groups


@router.message(Command("rules"))
async def rules(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """By what points are counted."""
    await _for_team(message, ctx, viewer, t, "rules", now)


@router.message(Command("leaderboard"))
async def leaderboard(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """The month to date."""
    await _for_team(message, ctx, viewer, t, "leaderboard", now)


async def _for_team(
    message: Message, ctx: AppContext, viewer: Viewer, t: Texts, command: str, now: Callable[[], datetime]
) -> None:
    private = message.chat.type == "private"
    if private and not viewer.known:
        await message.answer(t("stranger"))
        return
    teams = viewer.teams if private else await pictures.teams_of_group(ctx, message.chat.id)
    team = team_picker.only(teams)
    if team is not None:
        await reply.send(message, await _shown(ctx, viewer, t, command, team, now, private=private))
    elif teams and private:
        await reply.send(message, team_picker.ask_team(ctx, t, command, teams))
    else:
        for key in sorted(teams):
            await reply.send(message, await _shown(ctx, viewer, t, command, key, now, private=False))


async def _shown(
    ctx: AppContext, viewer: Viewer, t: Texts, command: str, key: str, now: Callable[[], datetime], *, private: bool
) -> View:
    member = viewer.member_of(key) if private else None
    async with ctx.db.reading() as session:
        if command == "rules":
            return await answers.rules(session, ctx, t, key, now())
        view = await answers.last_board(session, ctx, t, key, member.crm_user if member else None)
    return View(view.text, view.rows, await pictures.board(ctx, t, key)) if private else view


@router.callback_query(Tapped(Action.RULES))
async def rules_button(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The rules as a message of their own: the evening stays as it is."""
    [key] = tapped.values
    if key not in viewer.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is not None:
        async with ctx.db.reading() as session:
            view = await answers.rules(session, ctx, t, key, now())
        await reply.send(message, view)


@router.callback_query(Tapped(Action.TEAM, first=("rules", "leaderboard")))
async def team_chosen(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The answer to "which team?" """
    command, key = tapped.values
    if key not in viewer.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    view = await _shown(ctx, viewer, t, command, key, now, private=True)
    await reply.replace(query, View(view.text, view.rows))
