"""Find the possible recipients of a team's messages, from settings and database."""

from __future__ import annotations

from dataclasses import dataclass

from reglament.process import Process
from storage.db.database import Session
from storage.people import people, teams
from storage.values import Member, Role, RoleGrant


@dataclass(frozen=True, slots=True)
class Audience:
    """Hold the recipients of a team's messages."""

    members: tuple[Member, ...] = ()
    heads: frozenset[int] = frozenset()
    """Telegram ids, from settings and database."""
    admins: frozenset[int] = frozenset()
    """Telegram ids, from settings and database."""
    group: bool = False
    """Whether the team has a group chat that gets the leaderboard."""
    pins: bool = False
    """Whether the latest standings are pinned in the group chat."""
    thread: int | None = None
    """Topic of the group chat."""


async def load_audience(process: Process, session: Session, key: str) -> Audience:
    """Load members, heads, admins and group of team `key`."""
    team = process.settings.teams[key]
    stored = await teams.find(session, key)
    chat_id, thread_id = (team.chat_id, team.thread_id) if team.chat_id else (stored.chat_id, stored.thread_id)
    heads, admins = await people.chats_with(session, _grants(Role.HEAD, key), _grants(Role.ADMIN, key))
    return Audience(
        members=tuple(await people.members(session, key)),
        heads=frozenset(team.heads) | heads,
        admins=frozenset(process.settings.telegram.admins) | admins,
        group=team.board != "off" and chat_id is not None,
        pins=team.pin and chat_id is not None,
        thread=thread_id,
    )


async def load_admins(process: Process, session: Session, key: str) -> frozenset[int]:
    """Load the Telegram ids of the admins of team `key`, from settings and database."""
    [stored] = await people.chats_with(session, _grants(Role.ADMIN, key))
    return frozenset(process.settings.telegram.admins) | stored


async def load_heads(process: Process, session: Session, key: str) -> frozenset[int]:
    """Load the Telegram ids of the team's heads, from settings and database."""
    [stored] = await people.chats_with(session, _grants(Role.HEAD, key))
    return frozenset(process.settings.teams[key].heads) | stored


def _grants(role: Role, key: str) -> tuple[RoleGrant, RoleGrant]:
    """Name the grants of a role in the team and in all teams."""
    return RoleGrant(role, key), RoleGrant(role)
