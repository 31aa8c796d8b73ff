"""A chat that takes no messages any more: stop writing there, and tell the heads once."""

from __future__ import annotations

from datetime import datetime

from bot.context import AppContext
from storage import channels, deliveries, people, teams
from storage.database import Session
from storage.kinds import DeliveryKind, to_telegram
from storage.rows import Role, RoleGrant


async def channel_lost(session: Session, ctx: AppContext, chat_id: int, reason: str, *, at: datetime) -> None:
    """Turn it off; `reason` is the end of a text key `channel-…`. A second time changes nothing."""
    if not await channels.turn_off(session, chat_id, reason, at=at):
        return
    for team, name in await _concerned(session, ctx, chat_id):
        for head in sorted(await _heads(session, ctx, team) - {chat_id}):
            await deliveries.add(
                session,
                event=f"channel:{chat_id}:{at.isoformat()}",
                kind=DeliveryKind.CHANNEL_OFF,
                recipient=to_telegram(head),
                reference={"team": team, "reason": reason} | ({"name": name} if name else {}),
                at=at,
            )


async def _concerned(session: Session, ctx: AppContext, chat_id: int) -> list[tuple[str, str]]:
    """Teams whose manager or group it was, and the manager's name; a group has none."""
    person = await people.by_telegram(session, chat_id)
    if person is not None:
        return [(member.team, person.name) for member in person.active if member.team in ctx.teams and member.team]
    found = []
    for key, team in ctx.teams.items():
        if chat_id in (team.chat_id, (await teams.find(session, key)).chat_id):
            found.append((key, ""))
    return found


async def _heads(session: Session, ctx: AppContext, team: str) -> frozenset[int]:
    granted = await people.holders(session, [RoleGrant(Role.HEAD, team), RoleGrant(Role.HEAD)])
    heads = ctx.teams[team].heads | {person.telegram_id for person in granted if person.telegram_id is not None}
    return heads or ctx.admins
