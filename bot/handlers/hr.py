"""Answer `/export`: the workbook and the CSV file for payroll, for hr and admins."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram import F
from aiogram.types import BufferedInputFile, CallbackQuery, Message

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.export import FORMATS, months_view
from bot.screens.team_picker import back_to_picker, only_team, picker_view
from bot.telegram import reply
from bot.telegram.asked import Asked
from bot.telegram.callbacks import MakeExport, PickTeam
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts, safe

router = RouterTemplate("hr")


@router.message(Asked("export"), F.chat.type == "private")
async def export(message: Message, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]) -> None:
    """Ask for the team, then for the month."""
    if not viewer.hr_of:
        await message.answer(t("not-yours") if viewer.known else t("stranger"))
        return
    team = only_team(viewer.hr_of)
    if team is None:
        await reply.send(message, picker_view(t, ctx, "export", viewer.hr_of))
    else:
        await reply.send(message, months_view(t, ctx.teams[team], now()))


@router.callback_query(Tapped(PickTeam, only=F.command == "export"))
async def team_chosen(
    query: CallbackQuery, tapped: PickTeam, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Ask for the month of the team that was picked."""
    key = tapped.team
    if not viewer.exports(key):
        await query.answer(t("not-yours"), show_alert=True)
        return
    await reply.replace(query, months_view(t, ctx.teams[key], now()).with_rows(back_to_picker(t, viewer, "export")))


@router.callback_query(Tapped(MakeExport))
async def month_chosen(query: CallbackQuery, tapped: MakeExport, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Make the file of the month that was picked, and send the file."""
    key, period, fmt = tapped.team, tapped.month, tapped.fmt
    if not viewer.exports(key) or fmt not in FORMATS:
        await query.answer(t("not-yours"), show_alert=True)
        return
    await query.answer(t("export-working"))
    message = reply.message_of(query)
    if message is None:
        return
    by = viewer.person.name if viewer.person else query.from_user.full_name
    name, content = await ctx.exporter.export(key, period, by=by, fmt="xlsx" if fmt == "xlsx" else "csv")
    caption = t("export-caption", title=safe(ctx.teams[key].title), month=t.month(period))
    await message.answer_document(BufferedInputFile(content, name), caption=caption)
