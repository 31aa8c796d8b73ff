"""What CRM clients remember: encrypted, shared, locked across processes."""

from __future__ import annotations

import asyncio
import stat
import subprocess
import sys

import pytest
from sqlalchemy import select

from storage.client_memory import StoredMemory, secret_key_in
from storage.db.database import Database
from storage.db.locks import SingleRun, shared_lock
from storage.db.models import ConnectionStateRecord
from storage.errors import AlreadyRunning, StorageError

HOLDER = """
import asyncio, sys
from storage.db.database import Database
from storage.db.locks import SingleRun, shared_lock
async def main(url, what):
    async with await Database.open(url) as db:
        if what == "run":
            with SingleRun(url):
                print("held", flush=True); await asyncio.sleep(600)
        async with shared_lock(db, "main/token"):
            print("held", flush=True); await asyncio.sleep(600)
asyncio.run(main(*sys.argv[1:]))
"""


def _holder(url: str, what: str) -> subprocess.Popen[str]:
    """Another process that holds a lock until it is killed."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, url, what], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def _kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


async def test_what_was_put_comes_back_to_whoever_has_the_key(database):
    memory = StoredMemory(database, "main", "a key")
    assert await memory.get("token") is None
    await memory.put("token", "first")
    await memory.put("token", "secret-token-Ж")
    await memory.put("cache", "other")
    assert await memory.get("token") == "secret-token-Ж"
    assert await StoredMemory(database, "main", "a key").get("token") == "secret-token-Ж"
    assert await StoredMemory(database, "second", "a key").get("token") is None


async def test_nothing_readable_is_stored(database):
    await StoredMemory(database, "main", "a key").put("token", "secret-token")
    async with database.reading() as session:
        (stored,) = await session.scalars(select(ConnectionStateRecord.value))
    assert "secret-token" not in stored


async def test_another_key_says_what_to_do_and_shows_nothing(database):
    memory = StoredMemory(database, "main", "a key")
    await memory.put("token", "secret-token")
    assert "a key" not in repr(memory)
    with pytest.raises(StorageError, match="another secret key") as error:
        await StoredMemory(database, "main", "another").get("token")
    assert "secret-token" not in str(error.value)


async def test_one_at_a_time_holds_a_lock(database):
    memory = StoredMemory(database, "main", "a key")
    inside: list[int] = []

    async def work(number: int) -> None:
        async with memory.lock("token"):
            inside.append(number)
            seen = len(inside)
            await asyncio.sleep(0)
            assert len(inside) == seen
            inside.append(-number)

    await asyncio.gather(*(work(number) for number in range(1, 6)))
    assert [abs(number) for number in inside[::2]] == [abs(number) for number in inside[1::2]]
    async with memory.lock("token"), memory.lock("other"):
        pass


async def test_a_lock_is_freed_by_an_error_inside(database):
    memory = StoredMemory(database, "main", "a key")

    async def fail() -> None:
        async with memory.lock("token"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    async with asyncio.timeout(60), memory.lock("token"):
        pass


async def test_a_lock_of_another_process_ends_with_it(database_url):
    process = await asyncio.to_thread(_holder, database_url, "lock")
    async with await Database.open(database_url) as db:
        waiting = asyncio.create_task(_take(db))
        done, _ = await asyncio.wait([waiting], timeout=0.3)
        assert not done
        await asyncio.to_thread(_kill, process)
        await asyncio.wait_for(waiting, 60)


async def _take(db: Database) -> None:
    async with shared_lock(db, "main/token"):
        pass


def test_one_run_at_a_time_works_on_a_file(sqlite_url):
    second = SingleRun(sqlite_url)
    with SingleRun(sqlite_url), pytest.raises(AlreadyRunning, match="another `reglament run`"):
        second.__enter__()
    with second:
        pass


def test_a_killed_run_leaves_no_lock(sqlite_url):
    process = _holder(sqlite_url, "run")
    with pytest.raises(AlreadyRunning), SingleRun(sqlite_url):
        pass
    _kill(process)
    with SingleRun(sqlite_url):
        pass


def test_any_number_may_run_on_postgresql():
    url = "postgresql://somebody@localhost/some"
    with SingleRun(url), SingleRun(url):
        pass


def test_the_key_file_is_made_once_and_for_its_owner_only(tmp_path):
    file = tmp_path / "secret.key"
    key = secret_key_in(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert secret_key_in(file) == key
    assert len(key) >= 32


def test_a_key_file_that_cannot_be_used_says_so(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(StorageError, match="is empty"):
        secret_key_in(tmp_path / "empty")
    with pytest.raises(StorageError, match="cannot be made"):
        secret_key_in(tmp_path / "none" / "key")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="cannot be read"):
        secret_key_in(tmp_path / "folder")
