"""Do an act by hand and show what came of it: rights first, every refusal in words."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from datetime import datetime
from typing import Any

from aiogram.types import CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.by_hand.outcome import done_view, refused_view
from bot.screens.by_hand.reasons import write_view
from bot.screens.view import View
from bot.telegram import reply
from bot.texts import Texts
from storage.errors import NotFound
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.messages import dialogs
from storage.values import PointsAct


async def outcome_of(t: Texts, act: Awaitable[PointsAct], passes: PointsProblem | None = None) -> View:
    """Do an act and show the outcome, or why the act was refused; a problem that `passes` is raised."""
    try:
        return done_view(t, await act)
    except PointsRefused as refused:
        if refused.problem is passes:
            raise
        return refused_view(t, refused)
    except NotFound:
        return View(t("stale-button"))


ADJUSTS, PARDONS, CORRECTS = "adjust", "pardon", "correct"
"""Kinds of questions whose answer is an own reason."""


async def may_decide(query: CallbackQuery, viewer: Viewer, t: Texts, team: str) -> bool:
    """Tell whether the user decides for a team; else say so."""
    if viewer.decides(team):
        return True
    await query.answer(t("not-yours"), show_alert=True)
    return False


async def is_head(message: Message, viewer: Viewer, t: Texts) -> bool:
    """Tell whether the user decides for any team; else say so."""
    if viewer.head_of:
        return True
    await message.answer(t("not-yours") if viewer.known else t("stranger"))
    return False


def key_of(message: Message | None) -> str:
    """Name an act after the message that asked: the same message does not act twice."""
    return f"{message.chat.id}:{message.message_id}" if message else ""


async def show_or_stale(query: CallbackQuery, t: Texts, view: View | None) -> None:
    """Show a view in place; without a view say that the button is stale."""
    if view is None:
        await query.answer(t("stale-button"), show_alert=True)
    else:
        await reply.replace(query, view)


async def ask_reason(
    query: CallbackQuery,
    ctx: AppContext,
    viewer: Viewer,
    t: Texts,
    at: datetime,
    question: Mapping[str, Any],
    back: str,
) -> None:
    """Ask for an own reason as the next message; a restart or another replica loses nothing of the question."""
    async with ctx.db.transaction() as session:
        await dialogs.ask(session, viewer.telegram_id, question, at=at)
    await reply.replace(query, write_view(t, back))
