"""The database itself: exact types, transactions, several processes, and clear words when something is wrong."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.db import pragmas, schema
from storage.db.database import Database
from storage.db.driver_errors import translated
from storage.db.models import HeartbeatRecord, RunRecord, TeamRecord
from storage.db.schema import upgrade
from storage.db.sql import lock_team
from storage.db.types import canonical_json, decimal_text
from storage.errors import (
    DatabaseLocked,
    DatabaseReadOnly,
    DatabaseUnreachable,
    DiskFull,
    SchemaMismatch,
    StorageError,
)
from storage.verify.verification import verification, verify
from tests.storage.company import TEAM, found, scored


async def test_instants_come_back_in_utc_to_the_microsecond(database):
    moscow = timezone(timedelta(hours=3))
    at = datetime(2026, 11, 16, 1, 2, 3, 456789, tzinfo=moscow)
    async with database.transaction() as session:
        session.add(HeartbeatRecord(name="x", at=at))
    async with database.reading() as session:
        stored = await session.scalar(select(HeartbeatRecord.at))
        earlier = select(HeartbeatRecord.name).where(HeartbeatRecord.at < at)
        assert await session.scalar(earlier) is None
    assert stored == at
    assert stored.tzinfo is UTC


async def test_a_naive_instant_is_refused(database):
    async def write() -> None:
        async with database.transaction() as session:
            session.add(HeartbeatRecord(name="x", at=datetime(2026, 1, 1)))  # noqa: DTZ001

    with pytest.raises(StatementError, match="time zone"):
        await write()


async def test_decimals_are_exact(database):
    await found(database)
    await scored(database)
    amount = Decimal("90071992547409.930")
    async with database.transaction() as session:
        (await session.scalars(select(RunRecord))).one().seconds = amount
    async with database.reading() as session:
        stored = await session.scalar(select(RunRecord.seconds))
    assert stored.as_tuple() == amount.as_tuple()


def test_plain_data_has_one_spelling():
    assert canonical_json({"b": 1, "a": ["Ж", None]}) == '{"a":["Ж",null],"b":1}'
    assert decimal_text(Decimal("1E+3")) == "1000"
    with pytest.raises(TypeError, match="float"):
        canonical_json({"a": [{"b": 0.1}]})
    with pytest.raises(ValueError, match="NaN"):
        decimal_text(Decimal("NaN"))


async def test_a_reading_sees_one_moment(database):
    await found(database)
    async with database.reading() as session:
        before = await session.scalar(select(TeamRecord.title))
        async with database.transaction() as other:
            await other.execute(text("UPDATE teams SET title = 'changed'"))
        again = await session.scalar(select(TeamRecord.title).execution_options(populate_existing=True))
    assert (before, again) == ("Sales", "Sales")
    async with database.reading() as session:
        assert await session.scalar(select(TeamRecord.title)) == "changed"


async def test_sqlite_is_set_up_to_lose_nothing(sqlite_database):
    async with sqlite_database.transaction() as session:
        values = {name: await session.scalar(text(f"PRAGMA {name}")) for name in PRAGMAS}
    assert values == PRAGMAS


PRAGMAS = {
    "journal_mode": "wal",
    "synchronous": 2,
    "foreign_keys": 1,
    "recursive_triggers": 1,
    "busy_timeout": 1000 * pragmas.BUSY_SECONDS,
    "query_only": 0,
}

WRITER = """
import asyncio, sys
from datetime import UTC, date, datetime
from storage.ledger import writer
from storage.db.database import Database
async def main(url):
    async with await Database.open(url) as db:
        for number in range(25):
            async with db.transaction() as session:
                day, at = date(2026, 11, 16), datetime.now(UTC)
                await writer.adjust(session, "sales", "7", number + 1, author="x", reason="r", day=day, at=at)
asyncio.run(main(sys.argv[1]))
"""


def _process(program: str, url: str) -> int:
    return subprocess.run([sys.executable, "-c", program, url], check=False, timeout=120).returncode


async def test_the_chain_holds_when_processes_write_at_once(database_url):
    async with await Database.open(database_url) as db:
        await found(db)
    codes = await asyncio.gather(*(asyncio.to_thread(_process, WRITER, database_url) for _ in range(3)))
    assert codes == [0, 0, 0]
    async with await Database.open(database_url) as db, db.reading() as session:
        checked = await verification(session, TEAM)
    assert (checked.entries, checked.problems) == (75, ())


async def test_a_database_locked_by_another_program_is_a_clear_line(sqlite_url, monkeypatch):
    monkeypatch.setitem(pragmas.CONNECT_ARGS, "timeout", 0.05)
    async with await Database.open(sqlite_url) as db:
        blocker = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
        blocker.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(DatabaseLocked, match="another process"):
                await _write(db)
        finally:
            blocker.close()
        await _write(db)


async def _write(db: Database) -> None:
    async with db.transaction() as session:
        await session.execute(text("INSERT INTO rate_slots (key, next_at) VALUES ('k', 0) ON CONFLICT DO NOTHING"))


async def test_a_row_held_too_long_by_another_process_is_a_clear_line(postgresql_url, monkeypatch):
    monkeypatch.setattr("storage.db.database._SERVER_SETTINGS", ("SET lock_timeout = '50ms'",))
    async with await Database.open(postgresql_url) as db:
        await found(db)

        async def wait() -> None:
            async with db.transaction() as session:
                await lock_team(session, TEAM)

        async with db.transaction() as session:
            await lock_team(session, TEAM)
            with pytest.raises(DatabaseLocked, match="another process"):
                await asyncio.create_task(wait())


async def test_every_connection_to_a_server_gives_up_in_time(postgresql_url):
    async with await Database.open(postgresql_url) as db, db.reading() as session:
        assert await session.scalar(text("SHOW lock_timeout")) == f"{int(pragmas.BUSY_SECONDS)}s"
        assert await session.scalar(text("SHOW idle_in_transaction_session_timeout")) == "5min"


async def test_postgresql_without_its_driver_says_what_to_install(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(StorageError, match=r"reglament\[postgres\]"):
        await Database.open("postgresql://user@host/db")


async def test_a_full_disk_is_a_clear_line_and_nothing_is_half_written(sqlite_database):
    db = sqlite_database
    await found(db)
    async with db.own_connection() as connection:
        pages = await connection.scalar(text("PRAGMA page_count"))

    async def fill() -> None:
        async with db.transaction() as session:
            await session.execute(text(f"PRAGMA max_page_count = {pages}"))
            await session.execute(text("UPDATE teams SET title = 'half'"))
            await session.execute(
                text("INSERT INTO connection_state VALUES ('a', 'b', :v, '2026-01-01')"), {"v": "x" * 100_000}
            )

    with pytest.raises(DiskFull, match="nothing was saved"):
        await fill()
    async with db.reading() as session:
        assert await session.scalar(select(TeamRecord.title)) == "Sales"


@pytest.mark.skipif(os.name != "posix", reason="file rights")
async def test_a_read_only_database_can_be_read_and_says_so_when_written(sqlite_url):
    async with await Database.open(sqlite_url) as db, db.own_connection() as connection:
        await connection.execute(text("PRAGMA query_only = ON"))
        with pytest.raises(OperationalError):
            await connection.execute(text("DELETE FROM rate_slots"))
    error = OperationalError("x", {}, sqlite3.OperationalError("attempt to write a readonly database"))
    assert isinstance(translated(error), DatabaseReadOnly)


async def test_a_read_only_server_is_a_clear_line(postgresql_url):
    async with await Database.open(postgresql_url) as db:

        async def write() -> None:
            async with db.transaction() as session:
                await session.execute(text("SET TRANSACTION READ ONLY"))
                await session.execute(text("DELETE FROM rate_slots"))

        with pytest.raises(DatabaseReadOnly, match="takes no writes"):
            await write()


async def test_a_file_that_is_no_database_is_a_clear_line(tmp_path):
    (tmp_path / "notes.db").write_text("this is not a database, but long enough to have a header of one\n" * 50)
    with pytest.raises(DatabaseUnreachable, match="not an SQLite database"):
        await Database.open(f"sqlite:///{tmp_path}/notes.db")
    with pytest.raises(DatabaseUnreachable, match="not an SQLite database"):
        upgrade(f"sqlite:///{tmp_path}/notes.db")


async def test_a_folder_in_place_of_the_file_is_a_clear_line(tmp_path):
    with pytest.raises(DatabaseUnreachable, match="cannot be opened"):
        await Database.open(f"sqlite:///{tmp_path}")


async def test_a_database_of_somebody_else_asks_for_migration(tmp_path):
    sqlite3.connect(tmp_path / "empty.db").close()
    async with await Database.open(f"sqlite:///{tmp_path}/empty.db") as db:
        with pytest.raises(SchemaMismatch, match="reglament migrate"):
            await db.check_schema()
        with pytest.raises(SchemaMismatch, match="reglament migrate"):
            await found(db)


async def test_a_server_that_is_down_is_a_clear_line_without_the_password():
    url = "postgresql://user:hunter2@127.0.0.1:1/none"
    with pytest.raises(DatabaseUnreachable, match="does not answer") as error:
        await Database.open(url)
    assert "hunter2" not in str(error.value)
    with pytest.raises(DatabaseUnreachable, match="does not answer") as error:
        await asyncio.to_thread(upgrade, url)
    assert "hunter2" not in str(error.value)


async def test_an_unknown_database_of_a_server_is_a_clear_line(postgresql_url):
    from sqlalchemy.engine import make_url

    url = make_url(postgresql_url).set(database="nobody_made_it").render_as_string(hide_password=False)
    with pytest.raises(DatabaseUnreachable, match="knows no such database"):
        await Database.open(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://user:hunter2@host/db", "sqlite:///file.db"),
        ("hunter2", "not an address"),
        ("", "not an address"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("postgresql://user:hunter2@host:port/db", "not an address"),
    ],
)
async def test_a_wrong_address_says_what_is_allowed(url, words):
    with pytest.raises(StorageError, match=words) as error:
        await Database.open(url)
    assert "hunter2" not in str(error.value)


def test_errors_of_the_program_are_not_hidden():
    assert translated(OperationalError("x", {}, sqlite3.OperationalError('near "SELEC": syntax error'))) is None
    assert isinstance(translated(PoolTimeout()), DatabaseLocked)


async def test_a_folder_that_is_missing_is_made_by_the_migration(tmp_path):
    url = f"sqlite:///{tmp_path}/new/folder/reglament.db"
    upgrade(url)
    async with await Database.open(url) as db:
        await db.check_schema()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be made"):
        upgrade(f"sqlite:///{tmp_path}/file/reglament.db")


def test_the_next_migration_is_written_from_the_models(monkeypatch, tmp_path):
    written: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        "storage.db.schema.command.revision",
        lambda _config, message, autogenerate: written.append((message, autogenerate)),
    )
    schema.new_revision("Add appeals")
    assert written == [("Add appeals", True)]


async def test_a_day_is_not_lost_when_its_process_is_killed_in_the_transaction(database_url):
    assert await asyncio.to_thread(_process, KILLED, database_url) == -9
    async with await Database.open(database_url) as db:
        async with db.reading() as session:
            assert await session.scalar(text("SELECT count(*) FROM ledger_entries")) == 0
        await scored(db, date(2026, 11, 17))
        async with db.reading() as session:
            assert await verify(session, TEAM) == []


KILLED = """
import asyncio, os, signal, sys
from storage.ledger import writer
from storage.db.database import Database
from tests.storage.company import ANNA, START, TEAM, cutoff, MONDAY, found
async def main(url):
    async with await Database.open(url) as db:
        await found(db)
        async with db.transaction() as session:
            await writer.adjust(session, TEAM, ANNA.crm_user, 1, author="x", reason="r", day=MONDAY, at=START)
            os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main(sys.argv[1]))
"""
