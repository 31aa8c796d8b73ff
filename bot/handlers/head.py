"""Answer `/team`, `/week`, `/month`, `/who` and their buttons."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from aiogram import F
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.deals import day_deals_view, load_day_deals
from bot.screens.departed import departed_view, load_departed
from bot.screens.finished_days import load_day, load_last_day
from bot.screens.members import FoundMember, load_found
from bot.screens.periods import Shown, load_period, period_view
from bot.screens.team import team_view
from bot.screens.team_picker import back_to_picker, only_team, picker_view
from bot.screens.view import Button, View
from bot.screens.who import NoSummary, choice_view, everybody_view, load_person, person_view
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import (
    ListPeople,
    OpenDigest,
    OpenPerson,
    Part,
    PickTeam,
    TurnDeparted,
    TurnMonth,
    TurnStaff,
    TurnWeek,
)
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.days import runs
from storage.messages import deliveries
from storage.messages.notices import DepartedNotice

router = RouterTemplate("head")


@router.message(Asked("team", "week", "month"), F.chat.type == "private")
async def overview(
    message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the head's only team, or ask which team."""
    if not viewer.head_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = only_team(viewer.head_of)
    if team is None:
        await reply.send(message, picker_view(t, ctx, command.command, viewer.head_of))
    else:
        await reply.send(message, await _overview(ctx, t, viewer, command.command, team, now()))


async def _overview(ctx: AppContext, t: Texts, viewer: Viewer, command: str, key: str, now: datetime) -> View:
    team = ctx.teams[key]
    async with ctx.db.reading() as session:
        if command == "team":
            view = team_view(t, team, await load_last_day(session, ctx, key))
            return view.with_rows(back_to_picker(t, viewer, command))
        run = await runs.last_finished(session, key)
        day = run.day if run else team.calendar.local_date(now)
        data = await load_period(session, ctx, key, day, monthly=command == "month")
    shown = Shown(exports=viewer.exports(key), until=team.calendar.local_date(now))
    return period_view(t, team, data, shown).with_rows(back_to_picker(t, viewer, command))


@router.callback_query(Tapped(PickTeam, only=F.command.in_({"team", "week", "month"})))
async def team_chosen(
    query: CallbackQuery, tapped: PickTeam, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the team that was picked."""
    command, key = tapped.command, tapped.team
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, await _overview(ctx, t, viewer, command, key, now()))


@router.callback_query(Tapped(TurnStaff))
async def staff_turned(query: CallbackQuery, tapped: TurnStaff, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Turn to another page of the team; behind a digest as of the day of the digest."""
    key = tapped.team
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        of = tapped.digest
        day = await (load_day(session, ctx, key, of) if of else load_last_day(session, ctx, key))
    view = team_view(t, ctx.teams[key], day, tapped.page, of)
    await reply.replace(query, view.with_rows(() if tapped.digest else back_to_picker(t, viewer, "team")))


@router.callback_query(Tapped(TurnDeparted))
async def left_turned(query: CallbackQuery, tapped: TurnDeparted, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Unfold, turn or fold the list of a departed manager."""
    key = tapped.team
    view = await _left(ctx, t, tapped) if viewer.sees_team(key) else None
    if view is None:
        await query.answer(t("not-yours"), show_alert=True)
    else:
        await reply.replace(query, view)


async def _left(ctx: AppContext, t: Texts, tapped: TurnDeparted) -> View | None:
    key = tapped.team
    async with ctx.db.reading() as session:
        delivery = await deliveries.get(session, tapped.notice)
        if delivery is None or not isinstance(delivery.notice, DepartedNotice) or delivery.notice.team != key:
            return None
        data = await load_departed(session, ctx, tapped.notice, delivery.notice)
    view = departed_view(t, ctx.teams[key], data, tapped.page, tapped.digest)
    back = OpenDigest(team=key, day=tapped.digest).pack() if tapped.digest else None
    return view.with_rows(((Button(t("back-digest"), back),),) if back else ())


@router.callback_query(Tapped(TurnWeek, TurnMonth))
async def turned(
    query: CallbackQuery, tapped: TurnWeek, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Turn to another period, part or page, at most to the running period."""
    key = tapped.team
    if not viewer.sees_team(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    today = ctx.teams[key].calendar.local_date(now())
    day, monthly = min(tapped.day, today), isinstance(tapped, TurnMonth)
    if tapped.digest is not None and tapped.part is Part.DEALS:
        await _day_deals_turned(query, ctx, t, key, tapped.digest, tapped.page)
        return
    async with ctx.db.reading() as session:
        data = await load_period(session, ctx, key, day, monthly=monthly)
    shown = Shown(tapped.part, tapped.page, viewer.exports(key), today, tapped.digest)
    is_whole = tapped.part is Part.ALL
    ways = back_to_picker(t, viewer, "month" if monthly else "week") if is_whole else ()
    await reply.replace(query, period_view(t, ctx.teams[key], data, shown).with_rows(ways))


async def _day_deals_turned(query: CallbackQuery, ctx: AppContext, t: Texts, key: str, day: date, page: int) -> None:
    """Turn to a page of the deals behind the digest of a day."""
    async with ctx.db.reading() as session:
        deals = await load_day_deals(session, ctx, key, day)
    if deals is None:
        await query.answer(t("stale-button"), show_alert=True)
    else:
        await reply.replace(query, day_deals_view(t, ctx.teams[key], deals, page))


# /who


@router.message(Asked("who"), F.chat.type == "private")
async def who(message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the manager with the given name, or ask which manager."""
    if not viewer.head_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    name = (command.args or "").strip()
    found = await _found(ctx, viewer, name)
    if not name:
        await reply.send(message, everybody_view(t, found))
    elif not found:
        await message.answer(t("who-nobody"))
    elif len(found) == 1:
        await reply.send(message, await _person(ctx, t, found[0].team, found[0].crm_user))
    else:
        await reply.send(message, choice_view(t, found))


async def _found(ctx: AppContext, viewer: Viewer, name: str) -> list[FoundMember]:
    async with ctx.db.reading() as session:
        return await load_found(session, {key: ctx.teams[key].title for key in sorted(viewer.head_of)}, name)


@router.callback_query(Tapped(ListPeople))
async def people_turned(query: CallbackQuery, tapped: ListPeople, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Turn the list of all managers to another page."""
    if not viewer.head_of:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, everybody_view(t, await _found(ctx, viewer, ""), tapped.page))


@router.callback_query(Tapped(OpenPerson))
async def who_chosen(query: CallbackQuery, tapped: OpenPerson, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the manager that was picked, as a new message; back from the month in place."""
    key, user = tapped.team, tapped.user
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    if tapped.back:
        await reply.replace(query, await _person(ctx, t, key, user))
        return
    await query.answer()
    message = reply.message_of(query)
    if message is not None:
        await reply.send(message, await _person(ctx, t, key, user))


async def _person(ctx: AppContext, t: Texts, key: str, crm_user: str) -> View:
    try:
        async with ctx.db.reading() as session:
            data = await load_person(session, ctx, key, crm_user)
    except NoSummary as missing:
        return View(t(missing.key))
    return person_view(t, ctx.teams[key], data)
