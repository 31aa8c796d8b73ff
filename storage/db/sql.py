"""Small helpers for statements that both databases understand."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text, cast, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import Base, ManagerRecord, TeamRecord
from storage.errors import NotFound


def is_sqlite(session: AsyncSession) -> bool:
    """Which database the session talks to."""
    return session.get_bind().dialect.name == "sqlite"


def upsert(session: AsyncSession, table: type[Base]) -> Any:  # two classes with one interface
    """An INSERT that knows ON CONFLICT. Ask RETURNING what it did: psycopg gives no row count."""
    return dialect_insert(is_sqlite(session))(table)


def dialect_insert(on_sqlite: bool) -> Any:
    """The same, for statements that are made once and kept."""
    return sqlite.insert if on_sqlite else postgresql.insert


def json_at(session: AsyncSession, column: Any, *path: str) -> Any:
    """What stands at a path of a column with JSON text, as text; NULL where there is nothing."""
    if is_sqlite(session):
        return func.json_extract(column, "$" + "".join(f".{key}" for key in path))
    found: Any = cast(cast(column, Text), postgresql.JSON)
    for key in path[:-1]:
        found = found[key]
    return found[path[-1]].astext


async def team_named(session: AsyncSession, key: str) -> TeamRecord:
    """The team's row. Raises NotFound."""
    team = await session.scalar(select(TeamRecord).where(TeamRecord.key == key))
    if team is None:
        raise NotFound(f"there is no team {key!r}")
    return team


async def lock_team(session: AsyncSession, key: str) -> TeamRecord:
    """The team's row, held until the transaction ends: whoever writes points or closes a period comes one by one."""
    query = select(TeamRecord).where(TeamRecord.key == key).with_for_update()
    # Another transaction may have moved the chain's head since this session last looked.
    team = await session.scalar(query.execution_options(populate_existing=True))
    if team is None:
        raise NotFound(f"there is no team {key!r}")
    return team


async def manager_of(session: AsyncSession, connection: str, crm_user: str) -> ManagerRecord:
    """A manager's row. Raises NotFound."""
    manager = await session.scalar(
        select(ManagerRecord).where(ManagerRecord.connection == connection, ManagerRecord.crm_user == crm_user)
    )
    if manager is None:
        raise NotFound(f"there is no manager {crm_user!r} in {connection!r}")
    return manager


async def manager_ids(
    session: AsyncSession, connection: str, names: dict[str, str], *, active: bool = False
) -> dict[str, int]:
    """Row ids by CRM user; who is not known yet gets a row.

    Not an active one, unless the CRM just named him: whom only the settings list must not be told of as a departure.
    """
    known = await _known_ids(session, connection, list(names))
    new = [user for user in names if user not in known]
    if new:
        rows = [{"connection": connection, "crm_user": user, "name": names[user], "active": active} for user in new]
        await session.execute(upsert(session, ManagerRecord).values(rows).on_conflict_do_nothing())
        known = await _known_ids(session, connection, list(names))
    return known


async def _known_ids(session: AsyncSession, connection: str, users: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(users), 500):
        rows = await session.execute(
            select(ManagerRecord.crm_user, ManagerRecord.id).where(
                ManagerRecord.connection == connection, ManagerRecord.crm_user.in_(users[start : start + 500])
            )
        )
        found.update(rows.all())
    return found


async def driver_connection(session: AsyncSession) -> Any:
    """The driver's own connection under a session: what a job queue needs to write in the same transaction."""
    connection = await session.connection()
    return (await connection.get_raw_connection()).driver_connection
