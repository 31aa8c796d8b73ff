"""Keep invites: an opaque token for one person, once, for 72 hours; only a hash of the token is stored."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db import changed_rows
from storage.db.models import InviteRecord, ManagerRecord, PersonRecord, TeamRecord
from storage.db.sql import manager_of, team_named
from storage.errors import InviteProblem, InviteRefused, Refused
from storage.ledger.chain import new_token
from storage.people import audit_log, people
from storage.values import Invite, Person, Role, RoleGrant

VALID_FOR = timedelta(hours=72)


async def invite_manager(session: AsyncSession, connection: str, crm_user: str, *, author: str, at: datetime) -> str:
    """Make a token for a manager and void earlier tokens. Raises Refused for a connected or departed manager."""
    manager = await manager_of(session, connection, crm_user)
    if not manager.active:
        raise Refused(f"{manager.name} no longer works in the CRM: no invite")
    if manager.person_id is not None:
        person = await session.get_one(PersonRecord, manager.person_id)
        if person.telegram_id is not None:
            raise Refused(f"{manager.name} is connected already; unlink the old chat first")
    unused = InviteRecord.manager_id == manager.id, InviteRecord.used_at.is_(None)
    void = await session.scalars(delete(InviteRecord).where(*unused).returning(InviteRecord.token_hash))
    changed_rows.note(session, InviteRecord, void.all())
    token = _add(session, at=at, author=author, manager_id=manager.id)
    audit_log.write(session, at=at, author=author, action="invite.manager", subject=f"{connection}:{crm_user}")
    await session.flush()
    return token


async def invite_role(session: AsyncSession, grant: RoleGrant, name: str, *, author: str, at: datetime) -> str:
    """Make a token that gives a role (head, hr, admin) to a person without a manager's account."""
    team_id = None if grant.team is None else (await team_named(session, grant.team)).id
    token = _add(session, at=at, author=author, role=grant.role.value, team_id=team_id, name=name)
    audit_log.write(session, at=at, author=author, action="invite.role", subject=name, role=grant.role, team=grant.team)
    await session.flush()
    return token


def _add(session: AsyncSession, *, at: datetime, author: str, **target: object) -> str:
    token = new_token()
    values = {"manager_id": None, "role": None, "team_id": None, "name": "", "used_at": None, "used_by": None} | target
    session.add(
        InviteRecord(token_hash=_hash(token), created_by=author, created_at=at, expires_at=at + VALID_FOR, **values)
    )
    return token


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


async def move(session: AsyncSession, old_team: int, new_team: int) -> None:
    """Move the invites of a team to another team."""
    row = InviteRecord
    moved = await session.scalars(
        update(row).where(row.team_id == old_team).values(team_id=new_team).returning(row.token_hash)
    )
    changed_rows.note(session, row, moved.all())


async def look_up(session: AsyncSession, token: str, telegram_id: int, *, at: datetime) -> Invite:
    """Look up the person of a token, to ask "Is it you?". Raises InviteRefused."""
    row = await _usable(session, _invite(token), telegram_id, at)
    if row.manager_id is not None:
        manager = await session.get_one(ManagerRecord, row.manager_id)
        member = await people.member(session, manager.connection, manager.crm_user)
        return Invite(manager.name, member, None, row.expires_at)
    assert row.role is not None  # noqa: S101  # a CHECK of the table
    team = None if row.team_id is None else (await session.get_one(TeamRecord, row.team_id)).key
    return Invite(row.name, None, RoleGrant(Role(row.role), team), row.expires_at)


async def accept(session: AsyncSession, token: str, telegram_id: int, *, at: datetime) -> Person:
    """Connect the chat with the person of a token and use the token up. Raises InviteRefused."""
    row = await _usable(session, _invite(token).with_for_update(), telegram_id, at)
    person = await _target(session, row, telegram_id, at)
    row.used_at, row.used_by = at, person.id
    audit_log.write(session, at=at, author=f"telegram:{telegram_id}", action="invite.accept", subject=str(person.id))
    await session.flush()
    found = await people.by_telegram(session, telegram_id)
    assert found is not None  # noqa: S101  # connected just now
    return found


def _invite(token: str) -> Select[InviteRecord]:
    return select(InviteRecord).where(InviteRecord.token_hash == _hash(token))


async def _usable(session: AsyncSession, query: Select[InviteRecord], telegram_id: int, at: datetime) -> InviteRecord:
    row = await session.scalar(query)
    if row is None:
        raise InviteRefused(InviteProblem.UNKNOWN)
    if row.used_at is not None:
        user = await session.get(PersonRecord, row.used_by)
        yours = user is not None and user.telegram_id == telegram_id
        raise InviteRefused(InviteProblem.YOURS if yours else InviteProblem.USED)
    if row.expires_at <= at:
        raise InviteRefused(InviteProblem.EXPIRED)
    if row.manager_id is not None:
        await _refuse_second_chat(session, row.manager_id, telegram_id)
    return row


async def _refuse_second_chat(session: AsyncSession, manager_id: int, telegram_id: int) -> None:
    manager = await session.get_one(ManagerRecord, manager_id, populate_existing=True)
    if not manager.active:
        raise InviteRefused(InviteProblem.UNKNOWN)
    person = None
    if manager.person_id is not None:
        person = await session.get_one(PersonRecord, manager.person_id, populate_existing=True)
    if person is not None and person.telegram_id not in (None, telegram_id):
        raise InviteRefused(InviteProblem.OTHER_CHAT)
    holder = await people.by_telegram(session, telegram_id)
    # A head or admin whom the settings name may be a manager too: his chat then has a person without accounts.
    if holder is not None and holder.managers and (person is None or holder.id != person.id):
        raise InviteRefused(InviteProblem.OTHER_PERSON)


async def _target(session: AsyncSession, row: InviteRecord, telegram_id: int, at: datetime) -> PersonRecord:
    """Find or make the person of an invite, connected with this chat."""
    chat_owner = await session.scalar(select(PersonRecord).where(PersonRecord.telegram_id == telegram_id))
    if row.manager_id is None:
        person = chat_owner or people.new_person(session, row.name, at)
        pair = [row.role, row.team_id]
        if pair not in person.roles:
            person.roles = [*person.roles, pair]
    else:
        manager = await session.get_one(ManagerRecord, row.manager_id)
        person = await people.person_for(session, manager, chat_owner, at)
    await people.connect(session, person, telegram_id, at=at)
    return person
