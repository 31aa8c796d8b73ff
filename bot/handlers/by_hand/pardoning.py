"""Answer `/pardon`: a day, or a rule on a day, for the whole team, by buttons or in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import F
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.handlers.by_hand.acting import PARDONS, ask_reason, is_head, may_decide, outcome_of, show_or_stale
from bot.screens.by_hand import pardoning, reasons
from bot.screens.team_picker import back_to_picker, only_team, picker_view
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.buttons.by_hand import ConfirmPardon, ListPardonable, PardonDay, PardonReason, PardonRule
from bot.telegram.callbacks import PickTeam
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.messages import deliveries
from storage.messages.notices import PardonQuestionNotice

router = RouterTemplate("pardoning")


@router.message(Asked("pardon"), F.chat.type == "private")
async def pardon(
    message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Pardon as written in one line, or ask which day."""
    if not await is_head(message, viewer, t):
        return
    first, _, rest = (command.args or "").strip().partition(" ")
    if first in viewer.head_of:
        team, written = first, rest.strip()
    else:
        team, written = only_team(viewer.head_of) or "", (command.args or "").strip()
    if not team:
        await reply.send(message, picker_view(t, ctx, "pardon", viewer.head_of))
        return
    view = await _written(ctx, viewer, t, team, written, now())
    await reply.send(message, view or await _days(ctx, viewer, t, team, now()))


async def _written(ctx: AppContext, viewer: Viewer, t: Texts, team: str, written: str, now: datetime) -> View | None:
    """Pardon `19.11 [rule] reason`; None for a text without day or reason."""
    first, _, reason = written.partition(" ")
    day = reasons.parse_day(first, ctx.teams[team].calendar.local_date(now))
    if day is None or not reason.strip():
        return None
    async with ctx.db.reading() as session:
        rules = {each.rule for each in await pardoning.load_broken(session, team, day)}
    word, _, rest = reason.strip().partition(" ")
    rule, reason = (word, rest) if word in rules else (None, reason)
    return await outcome_of(t, ctx.points.pardon(team, day, rule, reason, viewer.author))


async def _days(ctx: AppContext, viewer: Viewer, t: Texts, team: str, now: datetime) -> View:
    context = ctx.teams[team]
    async with ctx.db.reading() as session:
        days = await pardoning.load_days(session, team, context.calendar.local_date(now))
    return pardoning.days_view(t, context, days).with_rows(back_to_picker(t, viewer, "pardon"))


@router.callback_query(Tapped(PickTeam, only=F.command == "pardon"))
async def team_chosen(
    query: CallbackQuery, tapped: PickTeam, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Ask which day of the team that was picked."""
    if await may_decide(query, viewer, t, tapped.team):
        await reply.replace(query, await _days(ctx, viewer, t, tapped.team, now()))


@router.callback_query(Tapped(ListPardonable))
async def days_again(
    query: CallbackQuery, tapped: ListPardonable, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Ask again which day."""
    if await may_decide(query, viewer, t, tapped.team):
        await reply.replace(query, await _days(ctx, viewer, t, tapped.team, now()))


@router.callback_query(Tapped(PardonDay))
async def day_chosen(query: CallbackQuery, tapped: PardonDay, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask what of the day."""
    if await may_decide(query, viewer, t, tapped.team):
        async with ctx.db.reading() as session:
            found = await pardoning.load_broken(session, tapped.team, tapped.day)
        await reply.replace(query, pardoning.rules_view(t, ctx.teams[tapped.team], tapped.day, found))


@router.callback_query(Tapped(PardonRule))
async def rule_chosen(query: CallbackQuery, tapped: PardonRule, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask why."""
    if not await may_decide(query, viewer, t, tapped.team):
        return
    async with ctx.db.reading() as session:
        found = await pardoning.load_broken(session, tapped.team, tapped.day)
    rule = pardoning.find_marked(found, tapped.rule) if tapped.rule else None
    if tapped.rule and rule is None:
        await show_or_stale(query, t, None)
        return
    await reply.replace(query, pardoning.why_view(t, ctx.teams[tapped.team], tapped.day, rule))


@router.callback_query(Tapped(PardonReason))
async def reason_chosen(
    query: CallbackQuery, tapped: PardonReason, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Pardon for a ready reason, or ask for an own."""
    team, day = tapped.team, tapped.day
    if not await may_decide(query, viewer, t, team):
        return
    async with ctx.db.reading() as session:
        found = await pardoning.load_broken(session, team, day)
    rule = pardoning.find_marked(found, tapped.rule) if tapped.rule else None
    if tapped.rule and rule is None:
        await show_or_stale(query, t, None)
        return
    rule_id = rule.rule if rule else None
    if tapped.why in reasons.PARDON:
        act = ctx.points.pardon(team, day, rule_id, reasons.reason_of(t, tapped.why), viewer.author)
        await reply.replace(query, await outcome_of(t, act))
        return
    question = {"kind": PARDONS, "team": team, "day": day.isoformat(), "rule": rule_id}
    await ask_reason(query, ctx, viewer, t, now(), question, PardonRule(team=team, day=day, rule=rule_id).pack())


@router.callback_query(Tapped(ConfirmPardon))
async def author_confirmed(
    query: CallbackQuery, tapped: ConfirmPardon, ctx: AppContext, viewer: Viewer, t: Texts
) -> None:
    """Take the author of a pardon in, by the word of an owner."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        asked = await deliveries.get(session, tapped.notice)
    notice = asked.notice if asked is not None else None
    if not isinstance(notice, PardonQuestionNotice) or notice.team != tapped.team:
        await show_or_stale(query, t, None)
        return
    await reply.replace(query, await outcome_of(t, ctx.points.pardon_author(notice, viewer.author)))
