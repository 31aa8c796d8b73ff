"""A restore proves the backup, keeps what it replaces, and replaces nothing by halves."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import psycopg
import pytest

from reglament.commands.backup import backup
from reglament.commands.restore import restore
from reglament.errors import WorkFailed
from storage.backup import postgresql
from storage.db import address
from storage.db.database import Database
from storage.db.locks import SingleRun
from storage.db.schema import head_revision
from storage.errors import AlreadyRunning, Refused, StorageError
from tests.reglament.commands.backed_up import (
    FRIDAY,
    MONDAY,
    MONDAY_EVENING,
    OLD,
    mode_of,
    office,
    settings,
    thursdays_backup,
    unchanged,
)
from tests.reglament.day.thursday import THURSDAY

pytestmark = pytest.mark.usefixtures("programs_of_postgresql")


async def test_the_replaced_database_is_kept_whole(sqlite_url: str, tmp_path: Path):
    await thursdays_backup(sqlite_url, tmp_path / "backup")
    kept = (await restore(settings(sqlite_url), tmp_path / "backup", at=MONDAY_EVENING)).kept
    again = (await restore(settings(sqlite_url), tmp_path / "backup", at=MONDAY_EVENING)).kept
    assert kept != again
    assert Path(kept).name == "reglament.db.replaced-20261123-170000"
    assert mode_of(Path(kept)) == 0o600
    async with office(f"sqlite:///{kept}") as it:
        assert await it.finished() == {THURSDAY, FRIDAY, MONDAY}
    assert not {name for name, _ in unchanged(sqlite_url) if name.endswith(".tmp")}


async def test_the_replaced_database_of_a_server_is_kept_under_another_name(
    postgresql_url: str, postgresql_server: str, tmp_path: Path
):
    await thursdays_backup(postgresql_url, tmp_path / "backup")
    kept = (await restore(settings(postgresql_url), tmp_path / "backup", at=MONDAY_EVENING)).kept
    async with office(postgresql_url.replace(postgresql_url.rpartition("/")[2].partition("?")[0], kept)) as it:
        assert await it.finished() == {THURSDAY, FRIDAY, MONDAY}
    with psycopg.connect(postgresql_server, autocommit=True) as server:
        names = {name for (name,) in server.execute("SELECT datname FROM pg_database")}
        assert not {name for name in names if "restoring" in name}
        server.execute(f"DROP DATABASE {kept} WITH (FORCE)")


async def test_a_backup_of_an_older_version_is_migrated(sqlite_url: str, tmp_path: Path):
    file = tmp_path / "old.db"
    database = sqlite3.connect(file)
    database.executescript(OLD.read_text(encoding="utf-8"))
    database.close()
    await restore(settings(sqlite_url), file)
    with sqlite3.connect(tmp_path / "reglament.db") as restored:
        assert restored.execute("SELECT version_num FROM alembic_version").fetchone() == (head_revision(),)


async def test_a_restore_on_a_new_machine_makes_the_database(sqlite_url: str, tmp_path: Path):
    await thursdays_backup(sqlite_url, tmp_path / "backup")
    restored = await restore(settings(f"sqlite:///{tmp_path}/new/r.db"), tmp_path / "backup", at=MONDAY_EVENING)
    assert restored.kept == ""
    assert restored.prepared.told == {"sales": MONDAY}
    async with office(f"sqlite:///{tmp_path}/new/r.db") as it:
        assert await it.finished() == {THURSDAY}


async def test_nothing_is_restored_under_whatever_works_on_the_file(sqlite_url: str, tmp_path: Path):
    file = tmp_path / "backup"
    await backup(settings(sqlite_url), file)
    before = unchanged(sqlite_url)
    with SingleRun(sqlite_url), pytest.raises(AlreadyRunning, match="stop it first"):
        await restore(settings(sqlite_url), file)
    async with await Database.open(sqlite_url):
        with pytest.raises(Refused, match="another command works on"):
            await restore(settings(sqlite_url), file)
    assert unchanged(sqlite_url) == before


async def test_nothing_is_restored_under_whoever_is_connected_to_the_server(postgresql_url: str, tmp_path: Path):
    await backup(settings(postgresql_url), tmp_path / "backup")
    async with await Database.open(postgresql_url):
        with pytest.raises(Refused, match="other connections use the database: stop every `reglament run`"):
            await restore(settings(postgresql_url), tmp_path / "backup")


@pytest.mark.parametrize("name", ["reglament.db-wal", "backup-wal"])
async def test_nothing_is_restored_beside_a_stale_log(sqlite_url: str, tmp_path: Path, name: str):
    await backup(settings(sqlite_url), tmp_path / "backup")
    (tmp_path / name).write_bytes(b"a log of long ago")
    before = unchanged(sqlite_url)
    with pytest.raises(Refused, match=f"{name} lies beside"):
        await restore(settings(sqlite_url), tmp_path / "backup")
    assert unchanged(sqlite_url) == before


async def test_a_changed_ledger_is_not_restored(sqlite_url: str, tmp_path: Path):
    file = tmp_path / "backup"
    await thursdays_backup(sqlite_url, file)
    with sqlite3.connect(file) as changed:
        [(sql,)] = changed.execute("SELECT sql FROM sqlite_master WHERE name = 'ledger_entries_no_update'")
        changed.execute("DROP TRIGGER ledger_entries_no_update")
        changed.execute("UPDATE ledger_entries SET points = 50 WHERE points > 0")
        changed.execute(sql)
    changed.close()
    before = unchanged(sqlite_url)
    with pytest.raises(WorkFailed, match=r"is not as it was written: sales: .* nothing was replaced"):
        await restore(settings(sqlite_url), file, at=MONDAY_EVENING)
    assert unchanged(sqlite_url) == before


async def test_what_is_no_whole_backup_is_refused(sqlite_url: str, tmp_path: Path):
    await backup(settings(sqlite_url), tmp_path / "backup")
    whole = (tmp_path / "backup").read_bytes()
    (tmp_path / "half").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text").write_text("no backup")
    (tmp_path / "dump").write_bytes(b"PGDMP and more")
    sqlite3.connect(tmp_path / "foreign").executescript("CREATE TABLE t (id INTEGER)").connection.close()
    before = unchanged(sqlite_url)
    for name, words in {
        "none": "cannot be read",
        "text": "is no backup",
        "dump": "a backup of PostgreSQL, but database.url names the other kind",
        "half": "damaged|malformed",
        "foreign": "no tables of ours",
    }.items():
        with pytest.raises((Refused, WorkFailed, StorageError), match=words):
            await restore(settings(sqlite_url), tmp_path / name)
    assert unchanged(sqlite_url) == before


async def test_a_shortened_or_foreign_dump_is_refused(postgresql_url: str, empty_postgresql_url: str, tmp_path: Path):
    file = tmp_path / "backup"
    await thursdays_backup(postgresql_url, file)
    (tmp_path / "half").write_bytes(file.read_bytes()[:-2000])
    with pytest.raises(StorageError, match="pg_restore failed"):
        await restore(settings(postgresql_url), tmp_path / "half")
    postgresql.dump(address.parse(empty_postgresql_url), tmp_path / "foreign")
    with pytest.raises(StorageError, match="the dump has no ledger"):
        await restore(settings(postgresql_url), tmp_path / "foreign")
