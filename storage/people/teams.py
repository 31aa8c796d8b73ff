"""Keep the teams of the settings: loaded, archived, renamed, bound to a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db import changed_rows
from storage.db.models import (
    LedgerRecord,
    ManagerRecord,
    MoneyVersionRecord,
    PeriodRecord,
    RulebookRecord,
    RunRecord,
    TeamRecord,
)
from storage.db.sql import lock_team, team_named, upsert
from storage.errors import NotFound, Refused
from storage.messages import deliveries
from storage.people import audit_log, invites
from storage.people.people import move_members
from storage.values import Team


@dataclass(frozen=True, slots=True)
class ConfiguredTeam:
    """Hold the settings of a team that storage keeps."""

    key: str
    title: str
    connection: str
    today: date
    """The team's calendar day now: `scored_from` of a new team."""


@dataclass(frozen=True, slots=True)
class TeamChanges:
    """List the teams changed by loading the settings, for a line at the start."""

    added: tuple[str, ...] = ()
    archived: tuple[str, ...] = ()
    returned: tuple[str, ...] = ()


async def sync(session: AsyncSession, settings: Sequence[ConfiguredTeam], *, at: datetime) -> TeamChanges:
    """Store the teams of the settings; a team missing from the settings is archived, never removed. Raises Refused."""
    added = [wanted.key for wanted in settings if await _is_new(session, wanted)]
    rows = {row.key: row for row in await session.scalars(select(TeamRecord).order_by(TeamRecord.id).with_for_update())}
    returned = []
    for wanted in settings:
        row = rows.pop(wanted.key)
        if row.connection != wanted.connection:
            await _move_connection(session, row, wanted.connection)
        if row.archived_at is not None:
            returned.append(row.key)
        row.title, row.archived_at = wanted.title, None
    archived = [row for row in rows.values() if row.archived_at is None]
    for row in archived:
        row.archived_at = at
        await _release_members(session, row)
    await session.flush()
    return TeamChanges(tuple(added), tuple(row.key for row in archived), tuple(returned))


async def _is_new(session: AsyncSession, wanted: ConfiguredTeam) -> bool:
    """Add a team unless stored; waits for a replica that starts at the same time."""
    statement = upsert(session, TeamRecord).values(
        key=wanted.key, title=wanted.title, connection=wanted.connection, scored_from=wanted.today
    )
    added = statement.on_conflict_do_nothing(index_elements=["key"]).returning(TeamRecord.id)
    team_id = await session.scalar(added)
    if team_id is None:
        return False
    changed_rows.note(session, TeamRecord, [team_id])
    return True


async def _move_connection(session: AsyncSession, row: TeamRecord, connection: str) -> None:
    """Move a team without history to another connection. Raises Refused for a team with history.

    Two CRMs may use one user id for two people, and a ledger must mean one person by one id.
    """
    if await _has_history(session, row):
        raise Refused(
            f"team {row.key!r} was scored from connection {row.connection!r}: keep that,"
            f" or give the team of {connection!r} a new key"
        )
    row.connection = connection
    await _release_members(session, row)


async def _release_members(session: AsyncSession, row: TeamRecord) -> None:
    await move_members(session, None, ManagerRecord.team_id == row.id)


async def _has_history(session: AsyncSession, row: TeamRecord) -> bool:
    run = await session.scalar(select(RunRecord.id).where(RunRecord.team_id == row.id).limit(1))
    entry = await session.scalar(select(LedgerRecord.id).where(LedgerRecord.team_id == row.id).limit(1))
    return run is not None or entry is not None


async def rename(session: AsyncSession, old: str, new: str, *, author: str, at: datetime) -> None:
    """Rename the key of a team with all history; an empty team with the new key is absorbed.

    Raises Refused, NotFound.
    """
    row = await lock_team(session, old)
    taken = await session.scalar(select(TeamRecord).where(TeamRecord.key == new))
    if taken is not None:
        if await _has_history(session, taken):
            raise Refused(f"team {new!r} has a history of its own: two histories cannot become one")
        row.title, row.archived_at = taken.title, taken.archived_at
        if row.connection != taken.connection:
            raise Refused(f"team {old!r} was scored from connection {row.connection!r}, not {taken.connection!r}")
        await _absorb(session, taken, row)
    row.key = new
    await deliveries.rename_team(session, old, new)
    audit_log.write(session, at=at, author=author, action="team.rename", subject=old, new=new)
    await session.flush()


async def _absorb(session: AsyncSession, empty: TeamRecord, row: TeamRecord) -> None:
    """Take over members and invites of a team without history, and remove that team."""
    await move_members(session, None, ManagerRecord.team_id == row.id)
    await move_members(session, row.id, ManagerRecord.team_id == empty.id)
    await invites.move(session, empty.id, row.id)
    for table in (RulebookRecord, MoneyVersionRecord, PeriodRecord):
        await session.execute(delete(table).where(table.team_id == empty.id))
    await session.delete(empty)
    await session.flush()


async def bind_chat(
    session: AsyncSession, team: str, chat_id: int | None, thread_id: int | None, *, author: str, at: datetime
) -> None:
    """Bind a team to the group (or topic) of the leaderboard; None unbinds. A chat of the settings wins."""
    row = await team_named(session, team)
    row.chat_id, row.thread_id = chat_id, thread_id
    audit_log.write(session, at=at, author=author, action="team.bind", subject=team, chat=chat_id, thread=thread_id)
    await session.flush()


async def find(session: AsyncSession, key: str) -> Team:
    """Find a team by key, archived teams included. Raises NotFound."""
    return _team(await team_named(session, key))


async def length(session: AsyncSession, key: str) -> int:
    """Count the entries of a team's ledger, once per session. Raises NotFound."""
    known = session.info.setdefault("ledger_lengths", {})
    if key not in known:
        known[key] = await session.scalar(select(TeamRecord.ledger_seq).where(TeamRecord.key == key))
    if known[key] is None:
        raise NotFound(f"there is no team {key!r}")
    return int(known[key])


async def by_id(session: AsyncSession, team_id: int) -> Team:
    """Find a team by id, which survives a rename. Raises NotFound."""
    row = await session.get(TeamRecord, team_id)
    if row is None:
        raise NotFound(f"there is no team with id {team_id}")
    return _team(row)


async def all_keys(session: AsyncSession) -> list[str]:
    """List the keys of all teams ever stored, also where another column of a team cannot be read."""
    return list(await session.scalars(select(TeamRecord.key).order_by(TeamRecord.key)))


async def all_teams(session: AsyncSession, *, archived: bool = False) -> list[Team]:
    """List the teams in use (`archived`: also archived teams), by key."""
    query = select(TeamRecord).order_by(TeamRecord.key)
    if not archived:
        query = query.where(TeamRecord.archived_at.is_(None))
    return [_team(row) for row in await session.scalars(query)]


def _team(row: TeamRecord) -> Team:
    return Team(
        id=row.id,
        key=row.key,
        title=row.title,
        connection=row.connection,
        scored_from=row.scored_from,
        archived_at=row.archived_at,
        chat_id=row.chat_id,
        thread_id=row.thread_id,
        entries=row.ledger_seq,
    )
