"""Open the database once and run each piece of work in one transaction, committed at the edge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from typing import Any, Self

from sqlalchemy import event, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine

from storage.db import address, pragmas, schema
from storage.db.driver_errors import MIGRATE, in_our_words
from storage.errors import SchemaMismatch
from storage.journal.changes import JournaledSession, write_changes

Session = AsyncSession
"""Name the transaction that the edge hands to functions of storage; opaque outside storage."""


_SERVER_SETTINGS = (
    # As patient as SQLite's busy_timeout; the answer is DatabaseLocked.
    f"SET lock_timeout = '{int(pragmas.BUSY_SECONDS)}s'",
    # A machine that vanished must not hold a team's ledger for the hours that TCP takes to notice.
    "SET idle_in_transaction_session_timeout = '5min'",
)


def _set_up_server(connection: Any, _record: object) -> None:  # the driver's own, adapted
    cursor = connection.cursor()
    try:
        for setting in _SERVER_SETTINGS:
            cursor.execute(setting)
    finally:
        cursor.close()
    connection.commit()


def _server(where: URL, **more: Any) -> AsyncEngine:
    engine = create_async_engine(
        address.for_asyncio(where),
        connect_args=address.SERVER_ARGS,
        hide_parameters=True,
        pool_pre_ping=True,
        **more,
    )
    event.listen(engine.sync_engine, "connect", _set_up_server)
    return engine


class Database:
    """Hold the connections to the tables of an address; made by `open`, ended by `close` or as a context manager."""

    def __init__(self, url: URL, engine: AsyncEngine, reader: AsyncEngine, express: AsyncEngine) -> None:
        """Keep the engines, possibly the same: SQLite has a read-only `reader`, PostgreSQL an `express` of its own."""
        self._engines = dict.fromkeys((engine, reader, express))
        self._engine = engine
        self.url = url
        self.is_sqlite = address.is_sqlite(url)
        write: dict[str, Any] = {pragmas.IMMEDIATE: True} if self.is_sqlite else {}
        read: dict[str, Any] = {}
        if not self.is_sqlite:
            # One consistent view for the whole of a report, as SQLite gives it.
            read = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._writer = engine.execution_options(**write)
        self._reader = reader.execution_options(**read)
        self._express = express.execution_options(**write)
        # SQLite's own waiting polls and may starve somebody; inside a process writers queue in order.
        self._turn = asyncio.Lock() if self.is_sqlite else None
        self._writing: set[asyncio.Task[Any] | None] = set()

    @classmethod
    async def open(cls, url: str) -> Self:
        """Connect to an existing database; never create a file. Raises StorageError."""
        where = address.parse(url)
        if address.is_sqlite(where):
            file = address.file_of(where)
            if not file.exists():
                raise SchemaMismatch(f"there is no database at {file} yet: {MIGRATE}")
            with in_our_words():
                await asyncio.to_thread(pragmas.prepare, file)
            engine, reader = (
                create_async_engine(address.for_asyncio(where), connect_args=pragmas.CONNECT_ARGS, hide_parameters=True)
                for _ in range(2)
            )
            pragmas.install(engine.sync_engine)
            pragmas.install(reader.sync_engine, writes=False)
            express = engine
        else:
            reader = engine = _server(where)
            express = _server(where, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0)
        database = cls(where, engine, reader, express)
        try:
            async with database.reading() as session:
                await session.execute(text("SELECT 1"))
        except BaseException:
            await database.close()
            raise
        return database

    async def close(self) -> None:
        """Close all connections."""
        for engine in self._engines:
            await engine.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """Open a transaction that writes: committed when the block ends, rolled back when the block raises.

        What the block changed of rows that the journal covers becomes events in the same transaction.
        """
        with self._once_per_task(), in_our_words():
            async with (
                self._turn or nullcontext(),
                AsyncSession(self._writer, expire_on_commit=False, sync_session_class=JournaledSession) as session,
                session.begin(),
            ):
                yield session
                await write_changes(session)

    @contextmanager
    def _once_per_task(self) -> Iterator[None]:
        """Refuse a transaction inside a transaction of the same task, which would wait for the outer for ever."""
        task = asyncio.current_task()
        if task in self._writing:
            raise RuntimeError("a transaction is open already: hand its session on instead of opening another")
        self._writing.add(task)
        try:
            yield
        finally:
            self._writing.discard(task)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Open a read-only transaction that sees one moment of the database."""
        with in_our_words():
            async with AsyncSession(self._reader, expire_on_commit=False) as session, session.begin():
                yield session

    async def check_schema(self, *, guarded: bool = True) -> None:
        """Raise SchemaMismatch unless tables (and, if `guarded`, ledger triggers) are those of this version."""
        async with self.reading() as session:
            connection = await session.connection()
            problem = await connection.run_sync(schema.problem_with, guarded)
        if problem is not None:
            raise problem

    @asynccontextmanager
    async def own_connection(self) -> AsyncIterator[Any]:
        """Open a connection outside of transactions, for session-wide locks of PostgreSQL."""
        with in_our_words():
            async with self._engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    @asynccontextmanager
    async def express(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection for a statement that must not wait long.

        PostgreSQL keeps a separate connection for that; on SQLite the statement queues with the other writers.
        """
        with self._once_per_task(), in_our_words():
            async with self._turn or nullcontext(), self._express.begin() as connection:
                yield connection
