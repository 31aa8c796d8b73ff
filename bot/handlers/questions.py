"""Take the answers of admins to questions about the CRM."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram.types import CallbackQuery

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.callbacks import AnswerZero, ConfirmList, mark
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from scoring.kpis import CATALOGUE
from storage.errors import Refused
from storage.people import shrunken_lists, zero_questions

router = RouterTemplate("questions")


@router.callback_query(Tapped(ConfirmList))
async def confirm_list(
    query: CallbackQuery, tapped: ConfirmList, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Confirm a list that shrank too much at once, unless a newer list was read since."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
        return
    author = f"telegram:{viewer.telegram_id}"
    try:
        async with ctx.db.transaction() as session:
            await shrunken_lists.confirm(session, tapped.connection, author=author, at=now(), only=tapped.question)
    except Refused:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await reply.replace(query, View(t("shrunken-taken")))


@router.callback_query(Tapped(AnswerZero))
async def answer_zero(
    query: CallbackQuery, tapped: AnswerZero, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Note whether a KPI that is zero for everybody is kept in the CRM."""
    if not viewer.admin:
        await query.answer(t("not-yours"), show_alert=True)
        return
    kpi = next((key for key in CATALOGUE if mark(key) == tapped.kpi), "")
    author = f"telegram:{viewer.telegram_id}"
    is_kept = tapped.word == "kept"
    try:
        async with ctx.db.transaction() as session:
            await zero_questions.answer(session, tapped.team, kpi, is_kept=is_kept, author=author, at=now())
    except Refused:
        await query.answer(t("stale-button"), show_alert=True)
        return
    await reply.replace(query, View(t("zero-told-kept" if is_kept else "zero-told-absent")))
