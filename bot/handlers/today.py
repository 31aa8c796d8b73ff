"""Answer `/today` and the live team view; readings are shared, so that the CRM is asked rarely."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime

from aiogram import F
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext, LiveReading, LiveUnavailable
from bot.screens.live_cards import load_live_card, load_live_cards
from bot.screens.team import last_run_rows, live_team_view
from bot.screens.team_picker import back_to_picker
from bot.screens.today import refresh_rows, today_view
from bot.screens.view import Rows, View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import RefreshToday, TurnLive
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.values import Member

router = RouterTemplate("today")
PATIENCE = 60.0
"""Seconds to wait for a reading before the last known reading is shown."""

Draw = Callable[[LiveReading], Awaitable[View]]


@router.message(Asked("today"), F.chat.type == "private")
async def today(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Show a fresh reading at once, else read the CRM; a message for each team."""
    if not viewer.own:
        await message.answer(t("no-own-score") if viewer.known else t("stranger"))
        return
    for member in viewer.own:
        key = member.team or ""
        draw = _own(ctx, t, member, now)
        fresh = await ctx.live.fresh(key, now())
        if fresh is not None:
            await reply.send(message, await draw(fresh))
            continue
        waiting = await reply.send(message, View(t("today-reading"), protected=True))
        await reply.edit(waiting, await _read(ctx, t, key, now, draw, refresh_rows(t, key)))


@router.callback_query(Tapped(RefreshToday))
async def today_page(
    query: CallbackQuery, tapped: RefreshToday, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Refresh the folded message, or turn to a page of the evidence of the last reading."""
    key, page = tapped.team, tapped.page
    member = viewer.member_of(key)
    if member is None:
        await query.answer(t("not-yours"), show_alert=True)
        return
    draw = _own(ctx, t, member, now, page, tapped.reminder)
    await _show(query, ctx, t, key, now, draw, refresh_rows(t, key, tapped.reminder), known=page > 0)


@router.callback_query(Tapped(TurnLive))
async def team_page(
    query: CallbackQuery, tapped: TurnLive, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the live team view to the head; further pages show the last reading."""
    key, page = tapped.team, tapped.page
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return

    async def draw(reading: LiveReading) -> View:
        async with ctx.db.reading() as session:
            cards = await load_live_cards(session, ctx, reading)
        view = live_team_view(t, ctx.teams[key], cards, reading.read_at, page, tapped.digest)
        return view.with_rows(() if tapped.digest else back_to_picker(t, viewer, "team"))

    await _show(query, ctx, t, key, now, draw, last_run_rows(t, key, tapped.digest), known=page > 1)


async def _show(
    query: CallbackQuery,
    ctx: AppContext,
    t: Texts,
    key: str,
    now: Callable[[], datetime],
    draw: Draw,
    ways: Rows,
    *,
    known: bool,
) -> None:
    """Replace the message by a fresh reading, with `known` by any earlier reading, else read the CRM.

    `ways` are the buttons of a message without any reading.
    """
    found = await ctx.live.last(key) if known else None
    reading = found or await ctx.live.fresh(key, now())
    if reading is not None:
        await reply.replace(query, await draw(reading))
        return
    await query.answer(t("today-reading"))
    message = reply.message_of(query)
    if message is not None:
        await reply.edit(message, await _read(ctx, t, key, now, draw, ways))


def _own(
    ctx: AppContext,
    t: Texts,
    member: Member,
    now: Callable[[], datetime],
    page: int = 0,
    reminder: date | None = None,
) -> Draw:
    async def draw(reading: LiveReading) -> View:
        async with ctx.db.reading() as session:
            card = await load_live_card(session, ctx, reading, member.crm_user)
        if card is None:
            return View(t("today-nobody"), refresh_rows(t, reading.team, reminder))
        return today_view(t, ctx.teams[reading.team], card, reading, now(), page=page, reminder=reminder)

    return draw


async def _read(ctx: AppContext, t: Texts, key: str, now: Callable[[], datetime], draw: Draw, ways: Rows) -> View:
    """Show a new reading, or the problem with the last known reading."""
    try:
        async with asyncio.timeout(PATIENCE):
            reading = await ctx.live.read(key, now())
    except LiveUnavailable:
        return await _last_known(ctx, key, draw, t("today-unavailable"), ways)
    except TimeoutError:
        return await _last_known(ctx, key, draw, t("today-old"), ways)
    return View(t("today-too-close"), ways) if reading is None else await draw(reading)


async def _last_known(ctx: AppContext, key: str, draw: Draw, problem: str, ways: Rows) -> View:
    """Show the problem, and below the last reading with the age."""
    last = await ctx.live.last(key)
    if last is None:
        return View(problem, ways)
    view = await draw(last)
    return replace(view, text=f"{problem}\n\n{view.text}")
