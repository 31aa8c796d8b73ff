"""Check that the database itself is sound: an index that lacks rows, or a lost constraint, makes sums lie.

Rows are verified by the order of their chains, sums are read through other indexes. So the tables, constraints and
indexes must be those of this version, and on SQLite every index must hold every row of its table.
"""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import Base
from storage.values import Problem

DATABASE = "database"
"""Stands in findings in place of a team."""
_OF_OTHERS = frozenset({"remove_table", "remove_index"})
"""Additions of an administrator, such as an index for reports: no harm, if the index holds every row."""
_SHOWN = 20


async def verify_soundness(session: AsyncSession) -> list[Problem]:
    """List what is wrong with tables, constraints and indexes. Reads the whole database on SQLite."""
    connection = await session.connection()
    return [Problem(DATABASE, each) for each in await connection.run_sync(_findings)]


def _findings(connection: Connection) -> list[str]:
    found = _differences(connection)
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text(f"PRAGMA integrity_check({_SHOWN})"))
        found += [f"SQLite's own check: {row[0]}" for row in rows if row[0] != "ok"]
    return found


def _differences(connection: Connection) -> list[str]:
    """Say which tables, columns, constraints and indexes are not those of this version."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _is_ours})
    changes: list[Any] = []
    for change in compare_metadata(context, Base.metadata):
        changes += change if isinstance(change, list) else [change]
    return [_words(change) for change in changes if change[0] not in _OF_OTHERS]


def _is_ours(name: str | None, kind: str, _parents: Any) -> bool:
    """Leave out the tables of the job queue."""
    return not (kind == "table" and (name or "").startswith("procrastinate_"))


def _words(change: Any) -> str:
    """Write a difference: what would have to be done to come back to the tables of this version."""
    what, item = change[0], change[-1] if len(change) == 2 else change[2:4]
    name = getattr(item, "name", None) or " ".join(str(getattr(each, "name", each)) for each in item)
    table = getattr(getattr(item, "table", None), "name", "")
    place = f" of {table}" if table else ""
    return f"the tables are not those of this version: {what.replace('_', ' ')} {name}{place}"
