"""Tell admins who joined (docs/product.md §8)."""

from __future__ import annotations

from datetime import datetime

from bot.context import AppContext
from bot.delivery.responsible import load_admins
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import JoinedNotice, to_telegram
from storage.values import Person


async def tell_joined(
    session: Session, ctx: AppContext, person: Person, account: str, username: str, *, at: datetime
) -> None:
    """Tell the other admins who joined; `account` and `username` are the names in Telegram."""
    if person.telegram_id is None or not ctx.teams:
        return
    team = next((member.team for member in person.active if member.team in ctx.teams), None)
    notice = JoinedNotice(
        team=team or min(ctx.teams),
        person=person.id,
        chat=person.telegram_id,
        name=person.name,
        account=account,
        username=username,
    )
    event = f"joined:{person.telegram_id}:{at.isoformat()}"
    for admin in sorted(await load_admins(session, ctx) - {person.telegram_id}):
        await deliveries.add(session, event=event, recipient=to_telegram(admin), notice=notice, at=at)
