"""Turn off chats that take no messages any more, and tell heads or admins once."""

from __future__ import annotations

from datetime import datetime

from bot.context import AppContext
from bot.delivery.responsible import load_heads, load_responsible
from bot.screens.members import load_shown_name
from storage.db.database import Session
from storage.messages import deliveries
from storage.messages.notices import ChannelOffNotice, Whose, to_telegram
from storage.people import channels, people, teams
from storage.values import Person


async def channel_lost(
    session: Session, ctx: AppContext, chat_id: int, reason: str, *, at: datetime, name: str = ""
) -> None:
    """Turn a chat off and notify heads or admins; a second call changes nothing.

    `reason` is the end of a text key `channel-…`, `name` the Telegram name of a user without a person record.
    """
    if not await channels.turn_off(session, chat_id, reason, at=at):
        return
    person = await people.by_telegram(session, chat_id)
    shown = await _name(session, person) if person else name
    for whose, of in (await _losses(session, ctx, chat_id, person)).items():
        for telegram_id, keys in (await load_responsible(session, ctx, chat_id, whose, of)).items():
            notice = ChannelOffNotice(
                team=keys[0],
                teams=tuple(keys),
                whose=whose,
                name=shown,
                chat=chat_id,
                reason=reason,
            )
            event = f"channel:{chat_id}:{at.isoformat()}:{whose.value}"
            await deliveries.add(session, event=event, recipient=to_telegram(telegram_id), notice=notice, at=at)


async def _name(session: Session, person: Person) -> str:
    """Load the name of a person, which no other member of the person's team has."""
    own = next((member for member in person.active if member.team), None)
    return await load_shown_name(session, own) if own and own.name == person.name else person.name


async def _losses(session: Session, ctx: AppContext, chat_id: int, person: Person | None) -> dict[Whose, list[str]]:
    """Return the teams whose manager, head or group used the chat."""
    own = [member.team for member in person.active if member.team in ctx.teams and member.team] if person else []
    led = [key for key in ctx.teams if chat_id in await load_heads(session, ctx, key)]
    bound = [
        key for key, team in ctx.teams.items() if chat_id in (team.chat_id, (await teams.find(session, key)).chat_id)
    ]
    return {Whose.MANAGER: own, Whose.HEAD: led, Whose.GROUP: bound}
