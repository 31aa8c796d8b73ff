"""Lead back from a view to what the view replaced: a digest, a reminder, the question about the team."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiogram.types import CallbackQuery

from bot.access import Viewer
from bot.context import AppContext
from bot.screens.digest import shared_digest_view
from bot.screens.finished_days import load_told
from bot.screens.reminder import load_reminder, reminder_view
from bot.screens.team_picker import picker_view
from bot.screens.view import View
from bot.telegram import reply
from bot.telegram.callbacks import ListTeams, OpenDigest, OpenReminder
from bot.telegram.filters import Tapped
from bot.telegram.router_template import RouterTemplate
from bot.texts import Texts
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, DigestNotice, ReminderNotice, reminder_event, to_person, to_telegram

router = RouterTemplate("ways_back")


@router.callback_query(Tapped(OpenDigest))
async def digest_again(query: CallbackQuery, tapped: OpenDigest, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Show the digest of a day again, as it reads now."""
    if not viewer.sees_team(tapped.team):
        await query.answer(t("not-yours"), show_alert=True)
        return
    async with ctx.db.reading() as session:
        recipient = to_telegram(viewer.telegram_id)
        told = await load_told(session, tapped.team, tapped.day, DeliveryKind.DIGEST, recipient)
        notice = told if isinstance(told, DigestNotice) else DigestNotice(team=tapped.team, day=tapped.day)
        view = await shared_digest_view(session, ctx, t, notice)
    await reply.replace(query, view)


@router.callback_query(Tapped(OpenReminder))
async def reminder_again(
    query: CallbackQuery, tapped: OpenReminder, ctx: AppContext, viewer: Viewer, t: Texts, now: Callable[[], datetime]
) -> None:
    """Show the reminder again, until the cutoff."""
    view = None
    if viewer.person is not None and viewer.member_of(tapped.team):
        async with ctx.db.reading() as session:
            view = await _reminder(session, ctx, t, tapped, to_person(viewer.person.id), now())
    if view is None:
        await query.answer(t("reminder-over"), show_alert=True)
    else:
        await reply.replace(query, view)


async def _reminder(
    session: Session, ctx: AppContext, t: Texts, tapped: OpenReminder, recipient: str, now: datetime
) -> View | None:
    event = reminder_event(tapped.team, tapped.day)
    sent = await deliveries.find(session, event, DeliveryKind.REMINDER, recipient)
    if sent is None or not isinstance(sent.notice, ReminderNotice):
        return None
    reminder = await load_reminder(session, ctx, sent.notice, now)
    return None if reminder is None else reminder_view(t, ctx.teams[tapped.team], reminder)


@router.callback_query(Tapped(ListTeams))
async def teams_again(query: CallbackQuery, tapped: ListTeams, ctx: AppContext, viewer: Viewer, t: Texts) -> None:
    """Ask again for which team a command shall run."""
    keys = viewer.teams_for(tapped.command)
    if keys:
        await reply.replace(query, picker_view(t, ctx, tapped.command, keys))
    else:
        await query.answer(t("not-yours"), show_alert=True)
