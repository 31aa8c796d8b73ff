"""A backup is whole, also amid a cutoff, and replaces no database."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reglament import cli
from reglament.commands.backup import backup
from reglament.commands.restore import restore
from reglament.errors import SettingsError, WorkFailed
from storage.days import runs
from storage.errors import StorageError
from storage.verify.verification import verification
from tests.reglament.commands.backed_up import (
    OLD,
    office,
    settings,
    unchanged,
)
from tests.reglament.day.thursday import THURSDAY
from tests.reglament.scripted import MOSCOW_6PM

pytestmark = pytest.mark.usefixtures("programs_of_postgresql")


async def test_a_backup_in_the_middle_of_a_cutoff_is_whole(database_url: str, tmp_path: Path, monkeypatch):
    file = tmp_path / "backup"
    async with office(database_url) as it:
        read = it.crm.read

        async def read_and_back_up(request):
            async for fact in read(request):
                yield fact
            await backup(settings(database_url), file)

        monkeypatch.setattr(it.crm, "read", read_and_back_up)
        await it.score(THURSDAY)
    restored = await restore(settings(database_url), file, at=MOSCOW_6PM)
    assert [found.entries for found in restored.prepared.verified] == [0]
    async with office(database_url, MOSCOW_6PM + timedelta(minutes=2)) as it:
        async with it.process.db.reading() as session:
            assert (await runs.find(session, "sales", THURSDAY)).finished_at is None
        await runs.end_leases(it.process.db, "a")
        await it.score(THURSDAY)
        async with it.process.db.reading() as session:
            assert (await verification(session, "sales")).entries == 4


async def test_a_database_of_an_older_version_is_backed_up_as_it_is(tmp_path: Path):
    database = sqlite3.connect(tmp_path / "old.db")
    database.executescript(OLD.read_text(encoding="utf-8"))
    before = database.execute("SELECT version_num FROM alembic_version").fetchone()
    database.close()
    await backup(settings(f"sqlite:///{tmp_path}/old.db"), tmp_path / "backup")
    with sqlite3.connect(tmp_path / "backup") as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchone() == before
    copy.close()
    with pytest.raises(WorkFailed, match="nothing to back up"):
        await backup(settings(f"sqlite:///{tmp_path}/none.db"), tmp_path / "backup")


async def test_without_the_programs_of_postgresql_the_error_says_what_to_do(
    postgresql_url: str, tmp_path: Path, monkeypatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StorageError, match="pg_dump is not on PATH: install the PostgreSQL client"):
        await backup(settings(postgresql_url), tmp_path / "backup")
    assert unchanged(f"{tmp_path}/any") == set()


async def test_a_backup_replaces_an_older_one_whole_and_never_the_database(sqlite_url: str, tmp_path: Path):
    file = tmp_path / "backup"
    file.write_bytes(b"an older one")
    await backup(settings(sqlite_url), file)
    assert file.read_bytes().startswith(b"SQLite format 3")
    for name in ("reglament.db", "reglament.db-wal", "reglament.db.key", "."):
        with pytest.raises(SettingsError):
            await backup(settings(sqlite_url), tmp_path / name)
    with pytest.raises(WorkFailed, match="cannot be written"):
        await backup(settings(sqlite_url), tmp_path / "none" / "backup")


def test_the_commands_say_what_they_did(sqlite_url: str, tmp_path: Path):
    config, file = tmp_path / "config.toml", tmp_path / "backup.db"
    config.write_text(f'[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    done = CliRunner().invoke(cli.app, ["backup", str(file), "--config", str(config)], catch_exceptions=False)
    assert (done.exit_code, done.stdout) == (0, f"{file}\n")
    done = CliRunner().invoke(cli.app, ["restore", str(file), "--config", str(config)], catch_exceptions=False)
    assert done.exit_code == 0
    assert "the replaced database is kept: " in done.stdout
    assert shutil.which("pg_dump")
