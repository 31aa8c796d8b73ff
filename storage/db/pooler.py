"""Find out whether a pooler stands before a PostgreSQL server and hands its connections on after each transaction."""

from __future__ import annotations

from sqlalchemy import text

from storage.db.database import Database

_TURNS = (0, 0, 1, 1, 0, 1, 0, 0, 1)
"""Which of the two connections asks: irregular, because a pooler may deal out its connections in turn."""
_WHO = text("SELECT pg_backend_pid()")


async def hands_connections_on(db: Database) -> bool:
    """Tell whether transactions of a connection may reach different connections of the server.

    Two idle connections ask in turn for the server's process. Without a pooler, or with a pooler by session, each has
    a process of its own that never changes. Raises StorageError.
    """
    if db.is_sqlite:
        return False
    async with db.own_connection() as first, db.own_connection() as second:
        seen: tuple[set[int], set[int]] = (set(), set())
        for turn in _TURNS:
            seen[turn].add((await (first, second)[turn].execute(_WHO)).scalar_one())
    return len(seen[0]) > 1 or len(seen[1]) > 1 or not seen[0].isdisjoint(seen[1])
