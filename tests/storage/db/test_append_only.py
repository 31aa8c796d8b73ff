"""Each way around the ledger's guards, tried."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from storage.days import queries
from storage.db.database import Database
from storage.db.models import LedgerRecord
from storage.errors import SchemaMismatch
from storage.ledger import writer
from storage.verify.verification import verify
from tests.storage.company import MONDAY, START, TEAM, found, scored

COLUMNS = ", ".join(column.name for column in LedgerRecord.__table__.columns)


def _copy(**changed: str) -> str:
    """A SELECT of the first row with some columns changed."""
    names = [column.name for column in LedgerRecord.__table__.columns]
    return f"SELECT {', '.join(changed.get(name, name) for name in names)} FROM ledger_entries WHERE seq = 1"


ANOTHER = "'another'"

EVERYWHERE = {
    "update": "UPDATE ledger_entries SET points = 2 WHERE seq = 1",
    "update to the same": "UPDATE ledger_entries SET points = points",
    "delete": "DELETE FROM ledger_entries WHERE seq = 1",
    "on conflict of the id": f"INSERT INTO ledger_entries ({COLUMNS}) {_copy(points='-1')}"
    " ON CONFLICT (id) DO UPDATE SET points = -1",
    "on conflict of the place": f"INSERT INTO ledger_entries ({COLUMNS}) {_copy(id='1000', rule=ANOTHER)}"
    " ON CONFLICT (team_id, seq) DO UPDATE SET points = -1",
    "on conflict of the rule": f"INSERT INTO ledger_entries ({COLUMNS}) {_copy(id='1000', seq='1000')}"
    " ON CONFLICT (run_id, manager_id, rule) DO UPDATE SET points = -1",
    "insert the same again": f"INSERT INTO ledger_entries ({COLUMNS}) {_copy()}",
    "insert the same place again": f"INSERT INTO ledger_entries ({COLUMNS}) {_copy(id='1000')}",
}
SQLITE = {
    "replace by id": f"REPLACE INTO ledger_entries ({COLUMNS}) {_copy(points='-1')}",
    "insert or replace by place": f"INSERT OR REPLACE INTO ledger_entries ({COLUMNS}) {_copy(id='1000')}",
    "insert or replace by rule": f"INSERT OR REPLACE INTO ledger_entries ({COLUMNS}) {_copy(id='1000', seq='1000')}",
    "insert or ignore": f"INSERT OR IGNORE INTO ledger_entries ({COLUMNS}) {_copy(points='-1')}",
    "update or replace": "UPDATE OR REPLACE ledger_entries SET seq = 2 WHERE seq = 1",
    "update or ignore": "UPDATE OR IGNORE ledger_entries SET points = 0",
    "update from": "UPDATE ledger_entries SET points = o.points FROM ledger_entries AS o WHERE o.seq = 3",
}
POSTGRESQL = {
    "truncate": "TRUNCATE ledger_entries, appeals",
    "truncate through a parent": "TRUNCATE teams CASCADE",
    "writable CTE that deletes": "WITH gone AS (DELETE FROM ledger_entries RETURNING *) SELECT count(*) FROM gone",
    "writable CTE that updates": "WITH new AS (UPDATE ledger_entries SET points = 0 RETURNING 1) SELECT * FROM new",
    "merge": "MERGE INTO ledger_entries l USING (SELECT 1 AS seq) s ON l.seq = s.seq WHEN MATCHED THEN DELETE",
    "as a replica": "SET LOCAL session_replication_role = replica; DELETE FROM ledger_entries",
}


async def _content(db):
    async with db.reading() as session:
        return (await session.execute(text(f"SELECT {COLUMNS} FROM ledger_entries ORDER BY seq"))).all()


async def _attempt(db, statement: str) -> None:
    async with db.transaction() as session:
        for part in statement.split("; "):
            await session.execute(text(part))


@pytest.mark.parametrize("way", [*EVERYWHERE, *SQLITE, *POSTGRESQL])
async def test_no_statement_changes_or_removes_a_row(request, way):
    kinds = ["sqlite"] * (way not in POSTGRESQL) + ["postgresql"] * (way not in SQLITE)
    for kind in kinds:
        async with await Database.open(request.getfixturevalue(f"{kind}_url")) as db:
            await found(db)
            await scored(db)
            before = await _content(db)
            with pytest.raises(DBAPIError, match=r"append-only|unique|UNIQUE|duplicate"):
                await _attempt(db, {**EVERYWHERE, **SQLITE, **POSTGRESQL}[way])
            assert await _content(db) == before


@pytest.mark.parametrize("way", SQLITE)
async def test_switching_recursive_triggers_off_does_not_help(sqlite_database, way):
    db = sqlite_database
    await found(db)
    await scored(db)
    before = await _content(db)
    async with db.own_connection() as connection:
        await connection.execute(text("PRAGMA query_only = OFF"))
        await connection.execute(text("PRAGMA recursive_triggers = OFF"))
        with pytest.raises(IntegrityError, match="append-only"):
            await connection.execute(text(SQLITE[way]))
        await connection.rollback()
        await connection.execute(text("PRAGMA recursive_triggers = ON"))
    assert await _content(db) == before


async def test_parents_of_the_ledger_cannot_be_removed(database):
    await found(database)
    await scored(database)
    for table in ("runs", "teams", "managers", "rulebooks"):
        with pytest.raises(IntegrityError):
            await _attempt(database, f"DELETE FROM {table}")


GUARD_BREAKERS = {
    "sqlite": [
        "DROP TRIGGER ledger_entries_no_delete",
        "DROP TRIGGER ledger_entries_no_update; CREATE TRIGGER ledger_entries_no_update BEFORE UPDATE ON ledger_entries"
        " WHEN NEW.seq > 1000 BEGIN SELECT RAISE(ABORT, 'the ledger is append-only:"
        " write an opposite row instead')\\; END",
        "ALTER TABLE ledger_entries RENAME TO old; CREATE TABLE ledger_entries AS SELECT * FROM old",
    ],
    "postgresql": [
        "DROP TRIGGER ledger_entries_no_delete ON ledger_entries",
        "ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_no_update",
        "ALTER TABLE ledger_entries ENABLE TRIGGER ledger_entries_no_truncate",
        "CREATE OR REPLACE FUNCTION ledger_entries_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN RETURN NEW\\; END'",
        "DROP TRIGGER ledger_entries_no_delete ON ledger_entries; CREATE TRIGGER ledger_entries_no_delete"
        " BEFORE DELETE ON ledger_entries FOR EACH ROW WHEN (OLD.seq > 1000) EXECUTE FUNCTION ledger_entries_refuse()"
        "; ALTER TABLE ledger_entries ENABLE ALWAYS TRIGGER ledger_entries_no_delete",
    ],
}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, i) for kind, ways in GUARD_BREAKERS.items() for i in range(len(ways))]
)
async def test_the_start_and_verify_notice_a_guard_that_was_removed_or_changed(request, kind, number):
    async with await Database.open(request.getfixturevalue(f"{kind}_url")) as db:
        await found(db)
        await scored(db)
        await db.check_schema()
        async with db.transaction() as session:
            connection = await session.connection()
            for part in GUARD_BREAKERS[kind][number].replace("\\;", "\0").split("; "):
                await connection.exec_driver_sql(part.replace("\0", ";"))
        with pytest.raises(SchemaMismatch, match="guard"):
            await db.check_schema()
        async with db.reading() as session:
            assert any("guard" in problem.text for problem in await verify(session, TEAM))


WRONG_ROWS = {
    "kept with a minus": {"outcome": "'kept'", "points": "-1", "side": "'minus'"},
    "broken with a plus": {"outcome": "'broken'", "points": "1", "side": "'plus'"},
    "no data with points": {"outcome": "'no_data'", "points": "-2", "side": "'minus'"},
    "excused with points": {"outcome": "'excused'", "points": "1", "side": "'plus'"},
    "an unknown outcome": {"outcome": "'forgiven'", "points": "0", "side": "'plus'"},
    "no outcome": {"outcome": "NULL"},
    "an unknown kind": {"kind": "'gift'"},
    "the wrong side": {"side": "'plus'"},
    "an adjustment of a run": {"kind": "'adjustment'", "outcome": "NULL"},
    "a score of no run": {"run_id": "NULL"},
    "a reversal of nothing": {"kind": "'reversal'", "outcome": "NULL", "run_id": "NULL"},
    "an unknown team": {"team_id": "99"},
    "place 0": {"seq": "0"},
}


@pytest.mark.parametrize("wrong", WRONG_ROWS)
async def test_a_row_that_contradicts_itself_is_refused(database, wrong):
    await found(database)
    await scored(database)
    changed = {"id": "1000", "seq": "1000", "rule": ANOTHER} | WRONG_ROWS[wrong]
    with pytest.raises(IntegrityError):
        await _attempt(database, f"INSERT INTO ledger_entries ({COLUMNS}) {_copy(**changed)}")


async def test_a_reading_session_cannot_write(database):
    from storage.errors import DatabaseReadOnly

    await found(database)

    async def write() -> None:
        async with database.reading() as session:
            await writer.adjust(session, TEAM, "7", 1, author="x", reason="r", day=MONDAY, at=START)

    with pytest.raises(DatabaseReadOnly):
        await write()
    async with database.reading() as session:
        assert await queries.entries(session, TEAM, MONDAY, MONDAY) == []
