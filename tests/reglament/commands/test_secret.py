"""The key of the stored tokens: long enough from the first day, and renewed without losing a token."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from reglament import cli
from reglament.commands.secret import read_old_key, rotate_key
from reglament.config.settings import Settings, build
from reglament.errors import SettingsError, WorkFailed
from reglament.process import clock_now, open_process
from storage.client_memory import StoredMemory
from storage.days import heartbeats
from storage.db.database import Database
from storage.db.locks import SingleRun
from storage.errors import AlreadyRunning, StorageError

OLD, NEW = "short", "n" * 40


def settings(url: str, key: str, **more: Any) -> Settings:
    return build({"secret_key": key, "database": {"url": url}, "crm": {"main": {"kind": "demo"}}} | more)


async def remember(url: str, key: str) -> None:
    async with await Database.open(url) as db:
        for connection in ("main", "second"):
            await StoredMemory(db, connection, key).put("token", f"token of {connection}")


async def remembered(url: str, key: str) -> list[str | None]:
    async with await Database.open(url) as db:
        return [await StoredMemory(db, connection, key).get("token") for connection in ("main", "second")]


async def test_a_new_installation_is_told_a_key_that_is_long_enough(database_url: str):
    with pytest.raises(SettingsError, match="secret_key must be at least 32") as refused:
        async with open_process(settings(database_url, OLD)):
            raise AssertionError("a short key is no key")
    proposed = str(refused.value).rpartition(" ")[2]
    async with open_process(settings(database_url, proposed)) as process:
        assert process.db


async def test_tokens_under_a_short_key_stay_readable_and_are_put_under_a_long_one(database_url: str):
    await remember(database_url, OLD)
    async with open_process(settings(database_url, OLD)):
        pass
    assert await rotate_key(settings(database_url, NEW), OLD) == 2
    assert await remembered(database_url, NEW) == ["token of main", "token of second"]
    with pytest.raises(StorageError, match="another secret key"):
        await remembered(database_url, OLD)
    assert await rotate_key(settings(database_url, NEW), OLD) == 2  # a second time changes nothing
    assert await remembered(database_url, NEW) == ["token of main", "token of second"]


async def test_all_tokens_are_put_under_the_new_key_or_none(database_url: str):
    await remember(database_url, OLD)
    async with await Database.open(database_url) as db:
        await StoredMemory(db, "third", "a key of long ago").put("token", "lost")
    with pytest.raises(StorageError, match="'third' remembers opens with neither key: nothing was changed"):
        await rotate_key(settings(database_url, NEW), OLD)
    assert await remembered(database_url, OLD) == ["token of main", "token of second"]


async def test_a_weak_or_unchanged_key_is_refused(database_url: str):
    await remember(database_url, OLD)
    with pytest.raises(SettingsError, match="at least 32"):
        await rotate_key(settings(database_url, "also-short"), OLD)
    with pytest.raises(SettingsError, match="still hold the old key"):
        await rotate_key(settings(database_url, NEW), NEW)


async def test_no_key_is_changed_under_a_running_service(sqlite_url: str, postgresql_url: str):
    with SingleRun(sqlite_url), pytest.raises(AlreadyRunning, match="stop it first"):
        await rotate_key(settings(sqlite_url, NEW), OLD)
    async with await Database.open(postgresql_url) as db, db.transaction() as session:
        await heartbeats.beat(session, "service", at=clock_now() - timedelta(seconds=20))
    with pytest.raises(WorkFailed, match="stop every `reglament run`"):
        await rotate_key(settings(postgresql_url, NEW), OLD)


def test_the_old_key_comes_from_one_place(tmp_path: Path):
    file = tmp_path / "old"
    file.write_text(f"{OLD}\n")
    assert read_old_key(None, file) == read_old_key(OLD, None) == OLD
    for given, path in ((None, None), (OLD, file), (" ", None), (None, tmp_path / "none")):
        with pytest.raises(SettingsError) as refused:
            read_old_key(given, path)
        assert OLD not in str(refused.value)


def test_the_command_never_prints_a_key(tmp_path: Path, sqlite_url: str, monkeypatch):
    file = tmp_path / "config.toml"
    file.write_text(f'secret_key = "{NEW}"\n[database]\nurl = "{sqlite_url}"\n', encoding="utf-8")
    monkeypatch.setenv("REGLAMENT_OLD_SECRET_KEY", OLD)
    result = CliRunner().invoke(cli.app, ["secret", "rotate", "--config", str(file)])
    assert result.exit_code == 0
    assert "0 stored values are under the new key" in result.output
    assert OLD not in result.output
    assert NEW not in result.output
