"""Keep managers as the CRM names them, and the people behind managers: chats, roles, languages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.names import alphabetical
from storage.db import changed_rows
from storage.db.models import ManagerRecord, PersonRecord, TeamRecord
from storage.db.sql import manager_ids, manager_of, portions, team_named, teams_named, upsert
from storage.errors import NotFound, Refused
from storage.people import audit_log
from storage.values import Member, Person, Role, RoleGrant

# Managers


async def sync_users(
    session: AsyncSession, connection: str, users: Iterable[tuple[str, str, bool]], *, at: datetime
) -> list[Member]:
    """Store a complete list of CRM users (id, name, active) and return the managers departed since the last list.

    A manager missing from the list counts as departed, so an incomplete list must not be passed.
    """
    listed = {user: (name, active) for user, name, active in users}
    present = {user: name or user for user, (name, active) in listed.items() if active}
    await manager_ids(session, connection, present, active=True)
    query = select(ManagerRecord).where(ManagerRecord.connection == connection).order_by(ManagerRecord.id)
    rows = await session.scalars(query.with_for_update().execution_options(populate_existing=True))
    gone = []
    for row in rows.all():
        name, active = listed.get(row.crm_user, ("", False))
        row.name = name or row.name
        if row.active and not active:
            row.left_at = at
            gone.append(row)
        elif active:
            row.left_at = None
        row.active = active
    await session.flush()
    departed = [await _member(session, row.id) for row in gone]
    for row in gone:
        row.team_id = None
        await _end_access(session, row, at)
    await session.flush()
    return departed


async def _end_access(session: AsyncSession, gone: ManagerRecord, at: datetime) -> None:
    """Remove the roles of a person without any active account; roles of the settings stay."""
    if gone.person_id is None:
        return
    others = await session.scalars(
        select(ManagerRecord.id).where(ManagerRecord.person_id == gone.person_id, ManagerRecord.active)
    )
    if others.first() is not None:
        return
    person = await session.get_one(PersonRecord, gone.person_id)
    person.roles = []
    audit_log.write(session, at=at, author="crm", action="person.left", subject=f"{gone.connection}:{gone.crm_user}")


async def set_members(session: AsyncSession, rosters: Mapping[str, Mapping[str, str]]) -> None:
    """Store by team the CRM users (id → name) that the teams list now; other managers leave the teams.

    A listed user unknown to the CRM gets a row too, so that the days of that user can say `no_data`. A user whom two
    teams list belongs to the later team.
    """
    teams = await teams_named(session, rosters)
    keys = {team.id: key for key, team in teams.items()}
    for connection in sorted({team.connection for team in teams.values()}):
        listed = [users for key, users in rosters.items() if teams[key].connection == connection]
        names = {user: name or user for users in listed for user, name in users.items()}
        known = await manager_ids(session, connection, names)
        rows = await session.execute(
            select(ManagerRecord.id, ManagerRecord.crm_user, ManagerRecord.team_id).where(
                (ManagerRecord.connection == connection) | ManagerRecord.team_id.in_(list(keys))
            )
        )
        now = {manager_id: (crm_user, team_id) for manager_id, crm_user, team_id in rows}
        wanted = {
            manager_id: None if team_id in keys and crm_user not in rosters[keys[team_id]] else team_id
            for manager_id, (crm_user, team_id) in now.items()
        }
        for key, users in rosters.items():
            if teams[key].connection == connection:
                wanted |= {known[user]: teams[key].id for user in users}
        await _move(session, {each: team for each, team in wanted.items() if team != now[each][1]})


async def _move(session: AsyncSession, places: Mapping[int, int | None]) -> None:
    """Move managers to the teams named beside them."""
    for team_id in sorted(set(places.values()), key=lambda each: each or 0):
        moved = [manager_id for manager_id, place in places.items() if place == team_id]
        for portion in portions(moved):
            await move_members(session, team_id, ManagerRecord.id.in_(portion))


async def move_members(session: AsyncSession, team_id: int | None, *conditions: ColumnElement[bool]) -> None:
    """Move the managers under all conditions to a team, or out of all teams (None)."""
    row = ManagerRecord
    moved = await session.scalars(
        update(row).where(row.team_id.is_distinct_from(team_id), *conditions).values(team_id=team_id).returning(row.id)
    )
    changed_rows.note(session, row, moved.all())


def _members() -> Select[ManagerRecord, str | None, int | None, str | None]:
    return (
        select(ManagerRecord, TeamRecord.key, PersonRecord.telegram_id, PersonRecord.language)
        .outerjoin(TeamRecord, TeamRecord.id == ManagerRecord.team_id)
        .outerjoin(PersonRecord, PersonRecord.id == ManagerRecord.person_id)
        .execution_options(populate_existing=True)
    )


def _to_member(row: Row[ManagerRecord, str | None, int | None, str | None]) -> Member:
    manager, team, telegram_id, language = row
    return Member(
        id=manager.id,
        connection=manager.connection,
        crm_user=manager.crm_user,
        name=manager.name,
        active=manager.active,
        team=team,
        person_id=manager.person_id,
        telegram_id=telegram_id,
        language=language,
    )


async def _member(session: AsyncSession, manager_id: int) -> Member:
    return _to_member((await session.execute(_members().where(ManagerRecord.id == manager_id))).one())


async def member(session: AsyncSession, connection: str, crm_user: str) -> Member:
    """Find a manager. Raises NotFound."""
    return await _member(session, (await manager_of(session, connection, crm_user)).id)


async def left_at(session: AsyncSession, manager_id: int) -> datetime | None:
    """Return the instant at which a manager left the CRM; None for who is there."""
    found: datetime | None = await session.scalar(select(ManagerRecord.left_at).where(ManagerRecord.id == manager_id))
    return found


async def members(session: AsyncSession, team: str) -> list[Member]:
    """List the managers of a team, by name."""
    rows = await session.execute(_members().where(TeamRecord.key == team))
    return sorted((_to_member(row) for row in rows), key=lambda item: (alphabetical(item.name), item.crm_user))


async def active_users(session: AsyncSession, connection: str) -> dict[str, str]:
    """Load id and name of the users that the last accepted list of a connection named as active."""
    rows = await session.execute(
        select(ManagerRecord.crm_user, ManagerRecord.name).where(
            ManagerRecord.connection == connection, ManagerRecord.active
        )
    )
    return dict(rows.all())


async def crm_users(session: AsyncSession, team: str) -> list[str]:
    """List the ids of all users ever named by the CRM of a team; empty for an unknown team."""
    connection = select(TeamRecord.connection).where(TeamRecord.key == team).scalar_subquery()
    return list(await session.scalars(select(ManagerRecord.crm_user).where(ManagerRecord.connection == connection)))


async def all_members(session: AsyncSession, *, connection: str | None = None) -> list[Member]:
    """List all managers ever stored (of one connection), by name."""
    query = _members() if connection is None else _members().where(ManagerRecord.connection == connection)
    rows = await session.execute(query)
    return sorted((_to_member(row) for row in rows), key=lambda item: (alphabetical(item.name), item.id))


async def unconnected(session: AsyncSession, team: str) -> list[Member]:
    """List the managers of a team without a connected chat."""
    return [item for item in await members(session, team) if not item.connected]


async def join(
    session: AsyncSession, first: tuple[str, str], second: tuple[str, str], *, author: str, at: datetime
) -> None:
    """Join two accounts (connection, CRM user) of one human: the second account goes to the person of the first.

    Raises Refused if both accounts have a chat.
    """
    one, other = await manager_of(session, *first), await manager_of(session, *second)
    kept = await _person_of(session, one, at)
    left = None if other.person_id is None else await session.get_one(PersonRecord, other.person_id)
    if left is not None and left.id != kept.id:
        if left.telegram_id is not None and kept.telegram_id is not None:
            raise Refused("both accounts have a chat of their own: unlink one of them first")
        await _merge_people(session, kept, left, at)
    other.person_id = kept.id
    audit_log.write(
        session, at=at, author=author, action="people.join", subject=":".join(first), other=":".join(second)
    )
    await session.flush()


async def _merge_people(session: AsyncSession, kept: PersonRecord, left: PersonRecord, at: datetime) -> None:
    chat, connected_at = left.telegram_id, left.connected_at
    if chat is not None:
        left.telegram_id, left.disconnected_at = None, at
        await session.flush()
        kept.telegram_id, kept.connected_at, kept.disconnected_at = chat, connected_at, None
    kept.language = kept.language or left.language
    kept.roles = [*kept.roles, *(grant for grant in left.roles if grant not in kept.roles)]
    left.roles = []
    for manager in await session.scalars(select(ManagerRecord).where(ManagerRecord.person_id == left.id)):
        manager.person_id = kept.id


async def _person_of(session: AsyncSession, manager: ManagerRecord, at: datetime) -> PersonRecord:
    if manager.person_id is not None:
        return await session.get_one(PersonRecord, manager.person_id)
    person = new_person(session, manager.name, at)
    await session.flush()
    manager.person_id = person.id
    return person


async def person_for(
    session: AsyncSession, manager: ManagerRecord, chat_owner: PersonRecord | None, at: datetime
) -> PersonRecord:
    """Find or make the person of a manager who accepts an invite, merged with the owner of the chat if any."""
    if chat_owner is None:
        return await _person_of(session, manager, at)
    if manager.person_id is not None and manager.person_id != chat_owner.id:
        await _merge_people(session, chat_owner, await session.get_one(PersonRecord, manager.person_id), at)
    manager.person_id = chat_owner.id
    return chat_owner


def new_person(session: AsyncSession, name: str, at: datetime) -> PersonRecord:
    """Add a person without a chat."""
    person = PersonRecord(
        name=name, telegram_id=None, language=None, roles=[], created_at=at, connected_at=None, disconnected_at=None
    )
    session.add(person)
    return person


# People


async def by_telegram(session: AsyncSession, telegram_id: int) -> Person | None:
    """Find the person of a chat; None for an unknown chat."""
    row = await session.scalar(select(PersonRecord).where(PersonRecord.telegram_id == telegram_id))
    return None if row is None else await _to_person(session, row)


async def by_id(session: AsyncSession, person_id: int) -> Person:
    """Find a person by id. Raises NotFound."""
    return await _to_person(session, await _row(session, person_id))


async def address(
    session: AsyncSession, *, person_id: int | None = None, telegram_id: int | None = None
) -> tuple[int | None, str | None]:
    """Find chat and chosen language in a small query, asked for every message; an unknown chat has no language."""
    query = select(PersonRecord.telegram_id, PersonRecord.language)
    where = PersonRecord.telegram_id == telegram_id if person_id is None else PersonRecord.id == person_id
    row = (await session.execute(query.where(where))).one_or_none()
    return (telegram_id, None) if row is None else (row.telegram_id, row.language)


async def people(session: AsyncSession) -> list[Person]:
    """List all people with accounts and roles, by name."""
    rows = (await session.scalars(select(PersonRecord))).all()
    managers: dict[int | None, list[Member]] = {}
    for item in await session.execute(_members().order_by(ManagerRecord.id)):
        managers.setdefault(item[0].person_id, []).append(_to_member(item))
    teams = await _team_keys(session, {team for row in rows for _role, team in row.roles if team is not None})
    found = [_as_person(row, managers.get(row.id, ()), teams) for row in rows]
    return sorted(found, key=lambda person: (alphabetical(person.name), person.id))


async def _row(session: AsyncSession, person_id: int) -> PersonRecord:
    row = await session.get(PersonRecord, person_id)
    if row is None:
        raise NotFound(f"there is no person {person_id}")
    return row


async def _to_person(session: AsyncSession, row: PersonRecord) -> Person:
    managers = await session.execute(_members().where(ManagerRecord.person_id == row.id).order_by(ManagerRecord.id))
    teams = await _team_keys(session, [team for _role, team in row.roles if team is not None])
    return _as_person(row, [_to_member(item) for item in managers], teams)


def _as_person(row: PersonRecord, managers: Iterable[Member], teams: Mapping[int | None, str]) -> Person:
    grants = [RoleGrant(Role(role), teams.get(team)) for role, team in row.roles if team is None or team in teams]
    return Person(
        id=row.id,
        name=row.name,
        telegram_id=row.telegram_id,
        language=row.language,
        roles=frozenset(grants),
        managers=tuple(managers),
    )


async def _team_keys(session: AsyncSession, ids: Collection[int]) -> dict[int | None, str]:
    if not ids:
        return {}
    rows = await session.execute(select(TeamRecord.id, TeamRecord.key).where(TeamRecord.id.in_(ids)))
    return dict(rows.all())


async def find_or_add(session: AsyncSession, telegram_id: int, name: str, *, at: datetime) -> Person:
    """Find or add the person of a chat named by the settings (head, hr, admin)."""
    new = {"name": name, "telegram_id": telegram_id, "roles": [], "created_at": at, "connected_at": at}
    await session.execute(
        upsert(session, PersonRecord).values(**new).on_conflict_do_nothing(index_elements=["telegram_id"])
    )
    row = (await session.scalars(select(PersonRecord).where(PersonRecord.telegram_id == telegram_id))).one()
    changed_rows.note(session, PersonRecord, [row.id])
    return await _to_person(session, row)


async def connect(session: AsyncSession, person: PersonRecord, telegram_id: int, *, at: datetime) -> None:
    """Connect a person with a chat; callers refuse a second chat."""
    person.telegram_id, person.connected_at, person.disconnected_at = telegram_id, at, None
    await session.flush()


async def unlink(session: AsyncSession, person_id: int, *, author: str, at: datetime) -> None:
    """Disconnect a person from the chat; a new invite may connect another. Raises NotFound."""
    person = await _row(session, person_id)
    person.telegram_id, person.disconnected_at = None, at
    audit_log.write(session, at=at, author=author, action="person.unlink", subject=str(person_id))
    await session.flush()


async def set_language(session: AsyncSession, person_id: int, language: str) -> None:
    """Store the language chosen by a person, which overrides the language of the client. Raises NotFound."""
    (await _row(session, person_id)).language = language
    await session.flush()


async def grant(session: AsyncSession, person_id: int, role: RoleGrant, *, author: str, at: datetime) -> None:
    """Grant a role; roles of the settings hold besides. Raises NotFound."""
    person = await _locked(session, person_id)
    pair = await _pair(session, role)
    if pair not in person.roles:
        person.roles = [*person.roles, pair]
        audit_log.write(
            session, at=at, author=author, action="role.grant", subject=str(person_id), role=role.role, team=role.team
        )
    await session.flush()


async def revoke(session: AsyncSession, person_id: int, role: RoleGrant, *, author: str, at: datetime) -> None:
    """Revoke a granted role; roles of the settings stay. Raises NotFound."""
    person = await _locked(session, person_id)
    pair = await _pair(session, role)
    if pair in person.roles:
        person.roles = [item for item in person.roles if item != pair]
        audit_log.write(
            session, at=at, author=author, action="role.revoke", subject=str(person_id), role=role.role, team=role.team
        )
    await session.flush()


async def _locked(session: AsyncSession, person_id: int) -> PersonRecord:
    query = select(PersonRecord).where(PersonRecord.id == person_id).with_for_update()
    row = await session.scalar(query.execution_options(populate_existing=True))
    if row is None:
        raise NotFound(f"there is no person {person_id}")
    return row


async def _pair(session: AsyncSession, role: RoleGrant) -> list[object]:
    """Convert a role to the stored pair of role and team id."""
    return [role.role.value, None if role.team is None else (await team_named(session, role.team)).id]


async def chats_with(session: AsyncSession, *roles: Collection[RoleGrant]) -> tuple[frozenset[int], ...]:
    """List for each set of granted roles the chats of the people with one of them.

    A run asks, so nobody without roles is read.
    """
    row = PersonRecord
    query = select(row.telegram_id, row.roles).where(row.telegram_id.is_not(None), row.roles != [])
    found = [(chat, given) for chat, given in await session.execute(query)]
    keys = await _team_keys(session, {team for _, given in found for _role, team in given if team is not None})
    held = [
        (chat, {(role, keys.get(team)) for role, team in given if team is None or team in keys})
        for chat, given in found
    ]
    wanted = [{(grant.role.value, grant.team) for grant in each} for each in roles]
    return tuple(frozenset(chat for chat, of_chat in held if of_chat & each) for each in wanted)
