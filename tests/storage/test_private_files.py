"""What the program writes is for its user alone, however loose the umask is."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from storage.client_memory import secret_key_in
from storage.db.database import Database
from storage.db.locks import SingleRun, shared_lock
from storage.db.schema import upgrade
from storage.private_files import is_open_to_others, make_private
from storage.whole_files import write_whole


@pytest.fixture(autouse=True)
def _loose_umask():
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def loosen(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0o644)


async def test_database_log_locks_and_key_are_for_the_user_alone(tmp_path: Path):
    url = f"sqlite:///{tmp_path}/r.db"
    upgrade(url)
    secret_key_in(tmp_path / "r.db.key")
    with SingleRun(url):
        async with await Database.open(url) as database, shared_lock(database, "main/token"):
            async with database.transaction() as session:
                await (await session.connection()).exec_driver_sql("CREATE TABLE more (id INTEGER)")
            found = modes(tmp_path)
    assert {"r.db", "r.db-wal", "r.db-shm", "r.db.key", "r.db.lock"} < set(found)
    assert set(found.values()) == {0o600}


async def test_files_of_an_older_version_are_tightened_at_the_start(sqlite_url: str, tmp_path: Path):
    file, key = tmp_path / "reglament.db", tmp_path / "reglament.db.key"
    key.write_text("k" * 40)
    async with await Database.open(sqlite_url):
        loosen(tmp_path)
        async with await Database.open(sqlite_url):
            secret_key_in(key)
            assert set(modes(tmp_path).values()) == {0o600}
    assert not is_open_to_others(file)


def test_a_new_export_is_for_the_user_alone(tmp_path: Path):
    write_whole(tmp_path / "month.xlsx", b"content")
    assert modes(tmp_path) == {"month.xlsx": 0o600}


def test_what_is_missing_or_no_ordinary_file_is_left_alone(tmp_path: Path):
    tmp_path.chmod(0o755)
    make_private(tmp_path)
    make_private(tmp_path / "none")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert not is_open_to_others(tmp_path)
    assert not is_open_to_others(tmp_path / "none")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_left_alone(tmp_path: Path):
    file = tmp_path / "theirs.db"
    file.touch(0o644)
    os.chown(file, 10001, 10001)
    make_private(file)
    assert is_open_to_others(file)
