"""`/today`, `/me`, `/rules`, `/leaderboard`, and the buttons of the evening message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import CallbackQuery, Message

from bot import answers, choosing, drawing, personal, show
from bot.access import Viewer
from bot.callbacks import Action, Callback
from bot.context import AppContext, LiveReading, LiveUnavailable
from bot.filters import Tapped
from bot.texts import Texts, safe
from bot.views import View
from scoring.entries import Month
from scoring.scorecard import score
from storage.rows import Member

router = Router(name="manager")
PATIENCE = 60.0
"""Seconds until `/today` shows the last reading instead of waiting on."""


# /today


@router.message(Command("today"), F.chat.type == "private")
async def today(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """As if the cutoff were now: at once from a fresh reading, else when the CRM has answered."""
    if not viewer.own:
        await message.answer(t("no-own-score") if viewer.known else t("stranger"))
        return
    for member in viewer.own:
        await _today(message, ctx, t, member, now)


async def _today(message: Message, ctx: AppContext, t: Texts, member: Member, now: Callable[[], datetime]) -> None:
    key = member.team or ""
    fresh = await ctx.live.fresh(key, now())
    if fresh is not None:
        await show.send(message, _standing(ctx, t, member, fresh))
        return
    waiting = await message.answer(t("today-reading"))
    await show.edit(waiting, await _read(ctx, t, member, now))


async def _read(ctx: AppContext, t: Texts, member: Member, now: Callable[[], datetime]) -> View:
    key = member.team or ""
    try:
        async with asyncio.timeout(PATIENCE):
            reading = await ctx.live.read(key, now())
    except LiveUnavailable as error:
        return View(t("today-unavailable", problem=safe(str(error))))
    except TimeoutError:
        last = await ctx.live.last(key)
        if last is None:
            return View(t("today-unavailable", problem="–"))
        clock = t.clock(last.read_at, ctx.teams[key].calendar.zone)
        view = _standing(ctx, t, member, last)
        return View(f"{t('today-old', clock=clock)}\n\n{view.text}", view.rows)
    return View(t("today-too-close")) if reading is None else _standing(ctx, t, member, reading)


def _standing(ctx: AppContext, t: Texts, member: Member, reading: LiveReading) -> View:
    team = ctx.teams[member.team or ""]
    own = next((item for item in reading.snapshots if item.manager.crm_user == member.crm_user), None)
    if own is None:
        return View(t("today-nobody"))
    return personal.today(t, team, score(own, reading.rulebook), reading.day, reading.read_at, team.calendar.zone)


# The evening message


@router.callback_query(Tapped(Action.EVENING))
async def evening_page(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """All evidence, page by page, in place."""
    key, day, user, page = tapped.values
    if key not in ctx.teams or not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        reference = {"team": key, "day": day, "crm_user": user}
        view = await answers.evening(session, ctx, t, reference, page=int(page))
    await show.replace(query, view or View(t("stale-button")))


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
        await show.send(message, view)


@router.callback_query(Tapped(Action.ME))
async def me_month(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Another month."""
    key, month = tapped.values
    member = viewer.member_of(key)
    if member is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        view = await answers.me(session, ctx, t, key, member.crm_user, member.name, Month.parse(month), now())
    await show.replace(query, view)


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
    teams = viewer.teams if private else await drawing.teams_of_group(ctx, message.chat.id)
    team = choosing.only(teams)
    if team is not None:
        await show.send(message, await _shown(ctx, viewer, t, command, team, now, private=private))
    elif teams and private:
        await show.send(message, choosing.ask_team(ctx, t, command, teams))
    else:
        for key in sorted(teams):
            await show.send(message, await _shown(ctx, viewer, t, command, key, now, private=False))


async def _shown(
    ctx: AppContext, viewer: Viewer, t: Texts, command: str, key: str, now: Callable[[], datetime], *, private: bool
) -> View:
    member = viewer.member_of(key) if private else None
    async with ctx.db.reading() as session:
        if command == "rules":
            return await answers.rules(session, ctx, t, key, now())
        view = await answers.last_board(session, ctx, t, key, member.crm_user if member else None)
    return View(view.text, view.rows, await drawing.board(ctx, t, key)) if private else view


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
    message = show.message_of(query)
    if message is not None:
        async with ctx.db.reading() as session:
            await show.send(message, await answers.rules(session, ctx, t, key, now()))


@router.callback_query(Tapped(Action.TEAM), F.data.contains(":rules:") | F.data.contains(":leaderboard:"))
async def team_chosen(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The answer to "which team?" """
    command, key = tapped.values
    if key not in viewer.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    view = await _shown(ctx, viewer, t, command, key, now, private=True)
    await show.replace(query, View(view.text, view.rows))
