"""Read from the database that a restore replaces what the backup cannot know: days told since, tokens renewed since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.pool import NullPool

from storage.db import address
from storage.db.driver_errors import in_our_words
from storage.db.models import ConnectionStateRecord
from storage.db.sql import upsert
from storage.errors import StorageError


@dataclass(frozen=True, slots=True)
class ClientState:
    """Hold an encrypted value that a CRM client remembers."""

    connection: str
    key: str
    value: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReplacedDatabase:
    """Hold what was read; empty for a database that is missing, damaged or without tables."""

    last_days: dict[int, date]
    """Last finished day by team id."""
    client_state: tuple[ClientState, ...]


def read_replaced(url: str) -> ReplacedDatabase:
    """Read the database at an address, of any version of the program (blocking)."""
    where = address.parse(url)
    if address.is_sqlite(where) and not address.file_of(where).exists():
        return ReplacedDatabase({}, ())
    engine = create_engine(address.for_migrations(where), poolclass=NullPool, hide_parameters=True)
    try:
        with in_our_words(), engine.connect() as connection:
            return ReplacedDatabase(_last_days(connection), _client_state(connection))
    except StorageError:
        return ReplacedDatabase({}, ())
    finally:
        engine.dispose()


def _last_days(connection: Connection) -> dict[int, date]:
    rows = connection.execute(
        text("SELECT team_id, CAST(max(day) AS VARCHAR(10)) FROM runs WHERE state = 'finished' GROUP BY team_id")
    )
    return {team: date.fromisoformat(day) for team, day in rows}


def _client_state(connection: Connection) -> tuple[ClientState, ...]:
    row = ConnectionStateRecord
    return tuple(
        ClientState(*found) for found in connection.execute(select(row.connection, row.key, row.value, row.updated_at))
    )


async def keep_newer_state(session: AsyncSession, found: Sequence[ClientState]) -> int:
    """Take over the values that are newer than those of the backup; return their number.

    A pair of OAuth tokens is renewed with every use, and the CRM refuses the pair of last week.
    """
    row, taken = ConnectionStateRecord, 0
    for state in found:
        content = {"value": state.value, "updated_at": state.updated_at}
        insert = upsert(session, row).values(connection=state.connection, key=state.key, **content)
        newer = insert.on_conflict_do_update(
            index_elements=["connection", "key"], set_=content, where=row.updated_at < state.updated_at
        )
        taken += await session.scalar(newer.returning(row.key)) is not None
    return taken
