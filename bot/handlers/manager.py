"""Answer `/me`, `/rules`, `/leaderboard`, and the buttons of days and pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime

from aiogram import F
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.evening import evening_view, load_evening
from bot.screens.finished_days import load_told
from bot.screens.leaderboard import board_view, load_last_board
from bot.screens.me import load_own_month, me_view
from bot.screens.pictures import board_picture, load_trend, trend_view
from bot.screens.rules.rulebook import load_rules, rules_view
from bot.screens.team import load_member_name
from bot.screens.team_picker import back_to_picker, load_teams_of_group, only_team, picker_view
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import OpenDay, OpenMonth, OpenPicture, PickTeam, ShowRules, UnfoldEvening
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from scoring.entries import Month
from storage.messages.notices import DeliveryKind, to_person

router = RouterTemplate("manager")


# The evening message


@router.callback_query(Tapped(UnfoldEvening))
async def evening_page(query: CallbackQuery, tapped: UnfoldEvening, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Unfold, turn or fold the evidence of a day, in place."""
    key, user = tapped.team, tapped.user
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    view = await _day(tapped, ctx, viewer, t)
    if view is None:
        await query.answer(t("stale-button"), show_alert=True)
    else:
        await reply.replace(query, view)


@router.callback_query(Tapped(OpenDay))
async def day_opened(query: CallbackQuery, tapped: OpenDay, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show a day of the history, as a new message."""
    key, user = tapped.team, tapped.user
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    view, message = await _day(tapped, ctx, viewer, t), reply.message_of(query)
    if view is None:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await query.answer()
    if message is not None:
        await reply.send(message, view)


async def _day(tapped: UnfoldEvening | OpenDay, ctx: AppContext, viewer: Viewer, t: Texts) -> View | None:
    """Show a manager's day, with the name if the viewer is another person; None for a day that is not there."""
    key, user = tapped.team, tapped.user
    own = viewer.member_of(key)
    named = own is None or own.crm_user != user
    async with ctx.db.reading() as session:
        earlier: Sequence[date] = ()
        if isinstance(tapped, UnfoldEvening) and not named and viewer.person:
            recipient = to_person(viewer.person.id)
            told = await load_told(session, key, tapped.day, DeliveryKind.PERSONAL, recipient)
            earlier = told.earlier if told else ()
        data = await load_evening(session, ctx, key, tapped.day, user, earlier)
    if data is None:
        return None
    return evening_view(t, ctx.teams[key], data, page=tapped.page, named=named, corrects=named and viewer.decides(key))


# /me


@router.message(Asked("me"), F.chat.type == "private")
async def me(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Show the viewer's running month, a message for each team."""
    if not viewer.own:
        await message.answer(t("no-own-score") if viewer.known else t("stranger"))
        return
    for member in viewer.own:
        team = ctx.teams[member.team or ""]
        month = Month.of(team.calendar.local_date(now()))
        async with ctx.db.reading() as session:
            data = await load_own_month(session, ctx, team.key, member.crm_user, member.name, month, now())
        await reply.send(message, me_view(t, team, data))


@router.callback_query(Tapped(OpenMonth))
async def month_opened(
    query: CallbackQuery, tapped: OpenMonth, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Turn to another month of a manager."""
    key, user = tapped.team, tapped.user
    if not viewer.sees_person(key, user):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        name = await load_member_name(session, key, user)
        data = await load_own_month(session, ctx, key, user, name, tapped.month, now())
    await reply.replace(query, me_view(t, ctx.teams[key], data, person=tapped.person and viewer.sees_team(key)))


@router.callback_query(Tapped(OpenPicture))
async def picture(query: CallbackQuery, tapped: OpenPicture, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the trend of a week or month: of a team to the head, of a manager to the manager and the head."""
    key, first, user = tapped.team, tapped.first, tapped.user
    if not (viewer.sees_person(key, user) if user else viewer.sees_team(key)):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is None:
        return
    async with ctx.db.reading() as session:
        data = await load_trend(session, ctx, key, first, monthly=tapped.period != "w", crm_user=user)
    await reply.send(message, trend_view(t, ctx.teams[key], data))


# /rules and /leaderboard, also in groups


@router.message(Asked("rules"))
async def rules(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Show the rules."""
    await _for_team(message, ctx, viewer, t, "rules", now)


@router.message(Asked("leaderboard"))
async def leaderboard(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Show the month to date."""
    await _for_team(message, ctx, viewer, t, "leaderboard", now)


async def _for_team(
    message: Message, ctx: AppContext, viewer: Viewer, t: Texts, command: str, now: Callable[[], datetime]
) -> None:
    private = message.chat.type == "private"
    if private and not viewer.known:
        await message.answer(t("stranger"))
        return
    teams = viewer.teams if private else await _teams_of_group(ctx, message.chat.id)
    team = only_team(teams)
    if team is not None:
        await reply.send(message, await _shown(ctx, viewer, t, command, team, now, private=private))
    elif teams and private:
        await reply.send(message, picker_view(t, ctx, command, teams))
    else:
        for key in sorted(teams):
            await reply.send(message, await _shown(ctx, viewer, t, command, key, now, private=False))


async def _teams_of_group(ctx: AppContext, chat_id: int) -> list[str]:
    async with ctx.db.reading() as session:
        return await load_teams_of_group(session, ctx, chat_id)


async def _shown(
    ctx: AppContext, viewer: Viewer, t: Texts, command: str, key: str, now: Callable[[], datetime], *, private: bool
) -> View:
    if command == "rules":
        return await _rules(ctx, t, key, now())
    team, member = ctx.teams[key], viewer.member_of(key) if private else None
    async with ctx.db.reading() as session:
        board = await load_last_board(session, ctx, key)
    view = board_view(t, team, board, own=member.crm_user if member else None)
    return View(view.text, view.rows, board_picture(t, team, board) if board and private else None)


async def _rules(ctx: AppContext, t: Texts, key: str, now: datetime) -> View:
    names = await ctx.names.of(ctx.teams[key].connection)
    async with ctx.db.reading() as session:
        data = await load_rules(session, ctx, key, now, names)
    return rules_view(t, ctx.teams[key], data)


@router.callback_query(Tapped(ShowRules))
async def rules_button(
    query: CallbackQuery, tapped: ShowRules, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the rules as a new message; the evening message stays."""
    key = tapped.team
    if key not in viewer.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer()
    message = reply.message_of(query)
    if message is not None:
        await reply.send(message, await _rules(ctx, t, key, now()))


@router.callback_query(Tapped(PickTeam, only=F.command.in_({"rules", "leaderboard"})))
async def team_chosen(
    query: CallbackQuery, tapped: PickTeam, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the rules or the board of the team that was picked."""
    command, key = tapped.command, tapped.team
    if key not in viewer.teams:
        await query.answer(t("not-yours"), show_alert=True)
        return
    view = await _shown(ctx, viewer, t, command, key, now, private=True)
    ways = back_to_picker(t, viewer, command)
    await reply.replace(query, View(view.text, view.rows).with_rows(ways))
