"""Answer `/adjust`: points by hand, by buttons or in one line."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import F
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.handlers.by_hand.acting import ADJUSTS, ask_reason, is_head, key_of, may_decide, outcome_of, show_or_stale
from bot.screens.by_hand import adjusting, reasons
from bot.screens.by_hand.adjusting import WrittenAdjustment
from bot.screens.members import FoundMember, load_found
from bot.screens.team_picker import only_team
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.buttons.by_hand import AdjustPerson, AdjustPoints, AdjustReason, ListAdjustable
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts

router = RouterTemplate("adjusting")


@router.message(Asked("adjust"), F.chat.type == "private")
async def adjust(
    message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Adjust as written in one line, or ask whose points."""
    if not await is_head(message, viewer, t):
        return
    if not command.args:
        await reply.send(message, adjusting.whom_view(t, await _found(ctx, viewer)))
        return
    today = ctx.teams[min(viewer.head_of)].calendar.local_date(now())
    written = adjusting.parse_adjustment(command.args, today)
    if written is None:
        await reply.send(message, adjusting.whom_view(t, await _found(ctx, viewer)))
    else:
        await reply.send(message, await _written(ctx, viewer, t, written, key_of(message)))


async def _written(ctx: AppContext, viewer: Viewer, t: Texts, written: WrittenAdjustment, key: str) -> View:
    if not written.name:
        team = only_team(viewer.head_of)
        if team is None:
            return View(t("adjust-one-team"))
        user = None
    else:
        found = await _found(ctx, viewer, written.name)
        if len(found) != 1:
            names = ", ".join(each.label for each in found[: adjusting.MOST_NAMES])
            return View(t("adjust-several", names=names) if found else t("who-nobody"))
        team, user = found[0].team, found[0].crm_user
    act = ctx.points.adjust(team, user, written.points, written.day, key, written.reason, viewer.author)
    return await outcome_of(t, act)


async def _found(ctx: AppContext, viewer: Viewer, name: str = "") -> list[FoundMember]:
    async with ctx.db.reading() as session:
        return await load_found(session, {key: ctx.teams[key].title for key in sorted(viewer.head_of)}, name)


async def _name(ctx: AppContext, viewer: Viewer, tapped: AdjustPerson | AdjustPoints) -> str | None:
    """Load the name of a member; None for who left the team meanwhile."""
    found = await _found(ctx, viewer)
    return next((each.name for each in found if (each.team, each.crm_user) == (tapped.team, tapped.user)), None)


@router.callback_query(Tapped(ListAdjustable))
async def people_turned(
    query: CallbackQuery, tapped: ListAdjustable, ctx: AppContext, viewer: Viewer, t: Texts
) -> None:
    """Turn the list of members to another page."""
    if not viewer.head_of:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, adjusting.whom_view(t, await _found(ctx, viewer), tapped.page))


@router.callback_query(Tapped(AdjustPerson))
async def person_chosen(query: CallbackQuery, tapped: AdjustPerson, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask how many points."""
    if await may_decide(query, viewer, t, tapped.team):
        name = await _name(ctx, viewer, tapped)
        view = None if name is None else adjusting.points_view(t, tapped.team, tapped.user, name)
        await show_or_stale(query, t, view)


@router.callback_query(Tapped(AdjustPoints))
async def points_chosen(query: CallbackQuery, tapped: AdjustPoints, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask why."""
    if await may_decide(query, viewer, t, tapped.team):
        name = await _name(ctx, viewer, tapped)
        view = None if name is None else adjusting.why_view(t, tapped.team, tapped.user, name, tapped.points)
        await show_or_stale(query, t, view)


@router.callback_query(Tapped(AdjustReason))
async def reason_chosen(
    query: CallbackQuery, tapped: AdjustReason, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Adjust for a ready reason, or ask for an own."""
    team, user, points = tapped.team, tapped.user, tapped.points
    if not await may_decide(query, viewer, t, team):
        return
    if tapped.why in reasons.ADJUST:
        why, key = reasons.reason_of(t, tapped.why), key_of(reply.message_of(query))
        act = ctx.points.adjust(team, user, points, None, key, why, viewer.author)
        await reply.replace(query, await outcome_of(t, act))
        return
    question = {"kind": ADJUSTS, "team": team, "user": user, "points": points}
    back = AdjustPoints(team=team, user=user, points=points).pack()
    await ask_reason(query, ctx, viewer, t, now(), question, back)
