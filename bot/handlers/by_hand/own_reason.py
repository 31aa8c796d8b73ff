"""Take the own reason of an act by hand, which comes as the next message."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import date
from typing import Any

from aiogram.types import Message

from bot.access import Viewer
from bot.context import AppContext
from bot.handlers.by_hand.acting import ADJUSTS, CORRECTS, PARDONS, key_of, outcome_of
from bot.screens.by_hand.outcome import refused_view
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.filters import Answering
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from scoring.scorecard import Outcome
from storage.ledger.refusals import PointsProblem, PointsRefused
from storage.messages import dialogs
from storage.values import PointsAct

router = RouterTemplate("own_reason")


@router.message(Answering(ADJUSTS, PARDONS, CORRECTS))
async def answered(message: Message, question: dict[str, Any], ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Do the act that was asked about; after a reason too long the question stays open."""
    if viewer.decides(question["team"]):
        act = _act(ctx, viewer, question, message.text or "", key_of(message))
        try:
            view = await outcome_of(t, act, passes=PointsProblem.TOO_LONG)
        except PointsRefused as refused:
            await reply.send(message, refused_view(t, refused))
            return
    else:
        view = View(t("not-yours"))
    async with ctx.db.transaction() as session:
        await dialogs.end(session, message.chat.id)
    await reply.send(message, view)


def _act(ctx: AppContext, viewer: Viewer, question: dict[str, Any], reason: str, key: str) -> Awaitable[PointsAct]:
    team, author = question["team"], viewer.author
    if question["kind"] == ADJUSTS:
        return ctx.points.adjust(team, question["user"], question["points"], None, key, reason, author)
    if question["kind"] == PARDONS:
        return ctx.points.pardon(team, date.fromisoformat(question["day"]), question["rule"], reason, author)
    return ctx.points.correct(team, question["seq"], Outcome(question["outcome"]), reason, author)
