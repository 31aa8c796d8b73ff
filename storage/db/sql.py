"""Build statements that both databases understand, and find or lock rows by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db import changed_rows
from storage.db.models import Base, ManagerRecord, TeamRecord
from storage.errors import NotFound

PORTION = 500
"""Values of a condition `IN` in a statement."""
T = TypeVar("T")


def is_sqlite(session: AsyncSession) -> bool:
    """Tell whether the session's database is SQLite."""
    return session.get_bind().dialect.name == "sqlite"


def upsert(session: AsyncSession, table: type[Base]) -> Any:  # two classes with one interface
    """Build an INSERT with ON CONFLICT. Use RETURNING to learn the outcome: psycopg gives no row count."""
    return dialect_insert(is_sqlite(session))(table)


def dialect_insert(on_sqlite: bool) -> Any:
    """Return the INSERT constructor of a dialect, for statements that are built once."""
    return sqlite.insert if on_sqlite else postgresql.insert


def json_at(session: AsyncSession, column: Any, *path: str) -> Any:
    """Select the value at a path of a JSON text column, as text; NULL for a missing path."""
    if is_sqlite(session):
        return func.json_extract(column, "$" + "".join(f".{key}" for key in path))
    found: Any = cast(cast(column, Text), postgresql.JSON)
    for key in path[:-1]:
        found = found[key]
    return found[path[-1]].astext


def portions(values: Sequence[T], size: int = PORTION) -> Iterator[Sequence[T]]:
    """Cut values into portions for `IN`: a statement takes a limited number of parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))


async def team_named(session: AsyncSession, key: str) -> TeamRecord:
    """Find the row of a team by key, once in a transaction. Raises NotFound."""
    known = _teams(session, "teams_by_key")
    team = known.get(key)
    if team is None or team.key != key or team not in session:
        team = await session.scalar(select(TeamRecord).where(TeamRecord.key == key))
    if team is None:
        raise NotFound(f"there is no team {key!r}")
    known[key] = team
    return team


async def teams_named(session: AsyncSession, keys: Iterable[str]) -> dict[str, TeamRecord]:
    """Find the rows of several teams, by key. Raises NotFound."""
    known = _teams(session, "teams_by_key")
    wanted = list(keys)
    for portion in portions([key for key in wanted if key not in known]):
        rows = await session.scalars(select(TeamRecord).where(TeamRecord.key.in_(portion)))
        known.update((row.key, row) for row in rows)
    return {key: await team_named(session, key) for key in wanted}


def _teams(session: AsyncSession, name: str) -> dict[str, TeamRecord]:
    """Return the rows of teams that this transaction has found, or locked, by key."""
    found: dict[str, TeamRecord] = session.info.setdefault(name, {})
    return found


async def lock_team(session: AsyncSession, key: str) -> TeamRecord:
    """Lock the row of a team until the transaction ends; writers of points and periods take turns. Raises NotFound."""
    locked = _teams(session, "teams_locked")
    if key in locked and locked[key].key == key and locked[key] in session:
        return locked[key]
    query = select(TeamRecord).where(TeamRecord.key == key).with_for_update()
    # Another transaction may have moved the chain's head since this session last looked.
    team = await session.scalar(query.execution_options(populate_existing=True))
    if team is None:
        raise NotFound(f"there is no team {key!r}")
    locked[key] = _teams(session, "teams_by_key")[key] = team
    return team


async def manager_of(session: AsyncSession, connection: str, crm_user: str) -> ManagerRecord:
    """Find the row of a manager. Raises NotFound."""
    manager = await session.scalar(
        select(ManagerRecord).where(ManagerRecord.connection == connection, ManagerRecord.crm_user == crm_user)
    )
    if manager is None:
        raise NotFound(f"there is no manager {crm_user!r} in {connection!r}")
    return manager


async def manager_ids(
    session: AsyncSession, connection: str, names: dict[str, str], *, active: bool = False
) -> dict[str, int]:
    """Map CRM users to row ids; unknown CRM users get a row.

    `active` marks new rows as named by the CRM. A user known from the settings alone stays inactive: the absence of an
    inactive manager from the CRM is no departure.
    """
    known = await _known_ids(session, connection, list(names))
    new = [user for user in names if user not in known]
    if new:
        rows = [{"connection": connection, "crm_user": user, "name": names[user], "active": active} for user in new]
        await session.execute(upsert(session, ManagerRecord).values(rows).on_conflict_do_nothing())
        known = await _known_ids(session, connection, list(names))
        changed_rows.note(session, ManagerRecord, (known[user] for user in new))
    return known


async def _known_ids(session: AsyncSession, connection: str, users: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for portion in portions(users):
        rows = await session.execute(
            select(ManagerRecord.crm_user, ManagerRecord.id).where(
                ManagerRecord.connection == connection, ManagerRecord.crm_user.in_(portion)
            )
        )
        found.update(rows.all())
    return found


async def driver_connection(session: AsyncSession) -> Any:
    """Return the driver's connection of a session; a job queue writes there in the same transaction."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection
