"""Answer the buttons that correct a judged rule: `/who`, a day, a rule."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram.types import CallbackQuery

from bot.access import Viewer
from bot.context import AppContext
from bot.handlers.by_hand.acting import CORRECTS, ask_reason, may_decide, outcome_of, show_or_stale
from bot.screens.by_hand import correcting, reasons
from bot.screens.team import load_member_name
from bot.telegram import reply
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
async def word_chosen(
    query: CallbackQuery, tapped: CorrectReason, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Ask why, correct for a ready reason, or ask for an own."""
    team, seq, outcome = tapped.team, tapped.seq, Outcome(tapped.outcome)
    if not await may_decide(query, viewer, t, team):
        return
    if tapped.why in reasons.CORRECT:
        act = ctx.points.correct(team, seq, outcome, reasons.reason_of(t, tapped.why), viewer.author)
        await reply.replace(query, await outcome_of(t, act))
    elif tapped.why is not None:
        question = {"kind": CORRECTS, "team": team, "seq": seq, "outcome": outcome.value}
        back = CorrectReason(team=team, seq=seq, outcome=outcome.value).pack()
        await ask_reason(query, ctx, viewer, t, now(), question, back)
    else:
        row, rule = await _rule(ctx, team, seq)
        view = correcting.why_view(t, team, row, rule, outcome) if row is not None and rule is not None else None
        await show_or_stale(query, t, view)


async def _rule(ctx: AppContext, team: str, seq: int) -> tuple[Entry | None, RuleOfDay | None]:
    """Load an entry and the rule as judged now; no rule after another entry about the rule."""
    try:
        async with ctx.db.reading() as session:
            row, rule = await by_hand.find_rule(session, team, seq)
    except NotFound:
        return None, None
    return row, rule if rule is not None and rule.seq == seq else None
