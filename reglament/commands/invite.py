"""Make invite links for `reglament invite`."""

from __future__ import annotations

from datetime import datetime

from reglament import telegram
from reglament.config.settings import Settings
from reglament.day.members import learn_members
from reglament.errors import SettingsError
from reglament.process import Process, open_process, store_teams
from reglament.witnesses.anchoring import anchor_once
from storage.db.database import Session
from storage.people import invites, people
from storage.values import Role, RoleGrant

AUTHOR = "reglament invite"


async def invite(settings: Settings, key: str, user: str | None, role: str | None, name: str) -> list[tuple[str, str]]:
    """Make links by name: for a CRM user, for all members who have not joined, or for a role.

    Raises SettingsError for wrong options, WorkFailed if CRM or Telegram do not answer.
    """
    bot_name = await telegram.bot_name(settings)
    async with open_process(settings) as process:
        await store_teams(process)
        await learn_members(process, key)
        async with process.db.transaction() as session:
            if role is None:
                tokens = await _invite_managers(process, session, key, user)
            else:
                tokens = [await _invite_role(session, key, role, name, process.now())]
        await anchor_once(process)
    return [(invited, telegram.invite_link(bot_name, token)) for invited, token in tokens]


async def _invite_managers(process: Process, session: Session, key: str, user: str | None) -> list[tuple[str, str]]:
    waiting = await people.unconnected(session, key)
    chosen = [member for member in waiting if user in (None, member.crm_user)]
    if user is not None and not chosen:
        raise SettingsError(f"--user {user}: not a member of {key} who still has to join")
    return [
        (
            member.name,
            await invites.invite_manager(session, member.connection, member.crm_user, author=AUTHOR, at=process.now()),
        )
        for member in chosen
    ]


async def _invite_role(session: Session, key: str, role: str, name: str, now: datetime) -> tuple[str, str]:
    if role not in set(Role):
        raise SettingsError(f"--role {role!r}: allowed are {', '.join(Role)}")
    if not name:
        raise SettingsError("--role needs --name: whom the invite is for")
    grant = RoleGrant(Role(role), None if role == Role.ADMIN else key)
    return name, await invites.invite_role(session, grant, name, author=AUTHOR, at=now)
