"""Find heads and admins, who are told what became of a chat."""

from __future__ import annotations

from collections.abc import Iterable

from bot.context import AppContext
from storage.db.database import Session
from storage.messages.notices import Whose
from storage.people import channels, people
from storage.values import Role, RoleGrant


async def load_responsible(
    session: Session, ctx: AppContext, chat_id: int, whose: Whose, keys: Iterable[str]
) -> dict[int, list[str]]:
    """Return the recipients with the teams: heads, for a head's chat admins; the others if none is reachable."""
    result: dict[int, list[str]] = {}
    admins = await _reached(session, await load_admins(session, ctx) - {chat_id})
    for key in keys:
        heads = await _reached(session, await load_heads(session, ctx, key) - {chat_id})
        for telegram_id in sorted((admins or heads) if whose is Whose.HEAD else (heads or admins)):
            result.setdefault(telegram_id, []).append(key)
    return result


async def load_heads(session: Session, ctx: AppContext, team: str) -> frozenset[int]:
    """Load the Telegram ids of the heads of a team, from settings and database."""
    return (
        ctx.teams[team].heads
        | (await people.chats_with(session, [RoleGrant(Role.HEAD, team), RoleGrant(Role.HEAD)]))[0]
    )


async def load_admins(session: Session, ctx: AppContext) -> frozenset[int]:
    """Load the Telegram ids of the admins of all teams, from settings and database."""
    return ctx.admins | (await people.chats_with(session, [RoleGrant(Role.ADMIN)]))[0]


async def _reached(session: Session, telegram_ids: Iterable[int]) -> frozenset[int]:
    """Select the users whose own chats take messages."""
    return frozenset([each for each in telegram_ids if (await channels.find(session, each)).active])
