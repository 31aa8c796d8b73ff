"""`/export`: the workbook and its twin for payroll, for hr and owner."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from aiogram import F, Router
from aiogram.filters import Command
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens import team_picker
from bot.screens.view import Button, View
from bot.telegram import reply
from bot.telegram.callbacks import Action, Callback, pack
from bot.telegram.filters import Tapped
from bot.texts import Texts, safe
from scoring.entries import Month

router = Router(name="hr")
MONTHS = 3
FORMATS: tuple[Literal["xlsx", "csv"], ...] = ("xlsx", "csv")


@router.message(Command("export"), F.chat.type == "private")
async def export(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Ask for the team, then for the month."""
    if not viewer.hr_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = team_picker.only(viewer.hr_of)
    if team is None:
        await reply.send(message, team_picker.ask_team(ctx, t, "export", viewer.hr_of))
    else:
        await reply.send(message, _months(ctx, t, team, now()))


def _months(ctx: AppContext, t: Texts, key: str, now: datetime) -> View:
    month = Month.of(ctx.teams[key].calendar.local_date(now))
    rows = []
    for _ in range(MONTHS):
        name = t.month(month)
        rows.append(
            tuple(
                Button(f"{name[0].upper()}{name[1:]} · {fmt.upper()}", pack(Action.EXPORT, key, month, fmt))
                for fmt in FORMATS
            )
        )
        month = month.previous
    return View(t("export-choose"), tuple(rows))


@router.callback_query(Tapped(Action.TEAM, first=("export",)))
async def team_chosen(
    query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """The answer to "which team?" """
    key = tapped.values[1]
    if not viewer.exports(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, _months(ctx, t, key, now()))


@router.callback_query(Tapped(Action.EXPORT))
async def month_chosen(query: CallbackQuery, tapped: Callback, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Make the file and send it."""
    key, month, fmt = tapped.values
    if not viewer.exports(key) or fmt not in FORMATS:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer(t("export-working"))
    message = reply.message_of(query)
    if message is None:
        return
    period = Month.parse(month)
    by = viewer.person.name if viewer.person else query.from_user.full_name
    name, content = await ctx.exporter.export(key, period, by=by, fmt="xlsx" if fmt == "xlsx" else "csv")
    caption = t("export-caption", title=safe(ctx.teams[key].title), month=t.month(period))
    await message.answer_document(BufferedInputFile(content, name), caption=caption)
