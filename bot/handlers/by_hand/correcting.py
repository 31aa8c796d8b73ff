"""Answer the correction of a judged rule: `/who`, a day, a rule, or `/correct` in one line."""

from __future__ import annotations

import re

from aiogram import F
from aiogram.filters import CommandObject
from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.handlers.by_hand.acting import is_head, may_decide, outcome_of, show_or_stale
from bot.screens.by_hand import correcting, reasons
from bot.screens.team import load_member_name
from bot.screens.team_picker import only_team
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.buttons.by_hand import CorrectDay, CorrectReason, CorrectRule
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from scoring.entries import Entry
from scoring.scorecard import Outcome
from storage.errors import NotFound
from storage.ledger import by_hand
from storage.values import RuleOfDay

router = RouterTemplate("correcting")

_WRITTEN = re.compile(
    r"(?:(?P<team>[a-z]\w*)\s+)?(?P<seq>\d{1,18})\s+(?P<outcome>kept|excused|broken)\s+(?P<reason>\S.*)", re.DOTALL
)


@router.message(Asked("correct"), F.chat.type == "private")
async def correct(message: Message, command: CommandObject, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Correct as written in one line, or tell the way there."""
    if not await is_head(message, viewer, t):
        return
    found = _WRITTEN.fullmatch((command.args or "").strip())
    team = (found["team"] or only_team(viewer.head_of)) if found else None
    if found is None or team is None:
        await message.answer(t("correct-how"))
    elif not viewer.decides(team):
        await message.answer(t("not-yours"))
    else:
        act = ctx.points.correct(team, int(found["seq"]), Outcome(found["outcome"]), found["reason"], viewer.author)
        await reply.send(message, await outcome_of(t, act))


@router.callback_query(Tapped(CorrectDay))
async def day_chosen(query: CallbackQuery, tapped: CorrectDay, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask which rule of the day."""
    if await may_decide(query, viewer, t, tapped.team):
        async with ctx.db.reading() as session:
            name = await load_member_name(session, tapped.team, tapped.user)
            rules = await by_hand.rules_of_day(session, tapped.team, tapped.user, tapped.day)
        await reply.replace(query, correcting.day_view(t, ctx.teams[tapped.team], tapped.user, name, tapped.day, rules))


@router.callback_query(Tapped(CorrectRule))
async def rule_chosen(query: CallbackQuery, tapped: CorrectRule, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask to what the rule is corrected."""
    if await may_decide(query, viewer, t, tapped.team):
        row, rule = await _rule(ctx, tapped.team, tapped.seq)
        if row is None or rule is None:
            await show_or_stale(query, t, None)
        else:
            await reply.replace(query, correcting.rule_view(t, tapped.team, row, rule, is_owner=viewer.admin))


@router.callback_query(Tapped(CorrectReason))
async def outcome_chosen(
    query: CallbackQuery, tapped: CorrectReason, ctx: AppContext, viewer: Viewer, t: Texts
) -> None:
    """Ask why, or correct for a ready reason."""
    if not await may_decide(query, viewer, t, tapped.team):
        return
    outcome = Outcome(tapped.outcome)
    if tapped.why in reasons.CORRECT:
        why = reasons.reason_of(t, tapped.why)
        act = ctx.points.correct(tapped.team, tapped.seq, outcome, why, viewer.author)
        await reply.replace(query, await outcome_of(t, act))
        return
    row, rule = await _rule(ctx, tapped.team, tapped.seq)
    if row is None or rule is None:
        await show_or_stale(query, t, None)
    else:
        await reply.replace(query, correcting.why_view(t, tapped.team, row, rule, outcome))


async def _rule(ctx: AppContext, team: str, seq: int) -> tuple[Entry | None, RuleOfDay | None]:
    """Load an entry and the rule as judged now; no rule after another entry about the rule."""
    try:
        async with ctx.db.reading() as session:
            row, rule = await by_hand.find_rule(session, team, seq)
    except NotFound:
        return None, None
    return row, rule if rule is not None and rule.seq == seq else None
