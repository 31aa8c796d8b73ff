"""Tell heads, owners and the manager about an appeal."""

from __future__ import annotations

from reglament.day.audience import load_admins, load_heads
from reglament.day.notifications import Notification, enqueue
from reglament.evening_messages import find_evening
from reglament.process import Process
from storage.db.database import Session
from storage.messages.notices import AppealNotice, CorrectionNotice, to_person, to_telegram
from storage.people import people
from storage.values import Appeal


async def ask_to_decide(process: Process, session: Session, appeal: Appeal, stage: str = "filed") -> None:
    """Send an appeal to those who may decide: the heads, but the owner for a head's own and at the stage `owner`."""
    who = await people.member(session, appeal.connection, appeal.crm_user)
    heads = await load_heads(process, session, appeal.team)
    admins = await load_admins(process, session, appeal.team)
    deciders = heads if stage != "owner" and heads and who.telegram_id not in heads else admins
    notice = AppealNotice(team=appeal.team, appeal=appeal.id, stage=stage)
    event = f"appeal:{appeal.id}:{stage}"
    chats = sorted(deciders - {who.telegram_id})
    await enqueue(process, session, [Notification(event, to_telegram(chat), notice) for chat in chats])


async def tell_outcome(process: Process, session: Session, appeal: Appeal) -> None:
    """Edit the manager's evening message, and answer it by a line."""
    who = await people.member(session, appeal.connection, appeal.crm_user)
    if who.person_id is None or not who.connected:
        return
    recipient = to_person(who.person_id)
    found = await find_evening(session, appeal.team, appeal.day, recipient)
    notice = CorrectionNotice(
        team=appeal.team,
        day=appeal.day if found is None else found[1].day,
        crm_user=appeal.crm_user,
        earlier=() if found is None else found[1].earlier,
        appeal=appeal.id,
    )
    await enqueue(process, session, [Notification(f"appeal:{appeal.id}:{appeal.state}", recipient, notice)])
