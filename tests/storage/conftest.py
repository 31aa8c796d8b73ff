"""Databases with a past: each worker lives through a past once on each kind of database, and each test gets a copy."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.engine import make_url

from storage.db.database import Database
from tests.conftest import fresh_postgresql
from tests.storage.verify.history import live_through

_fresh = contextmanager(fresh_postgresql)

Past = Callable[[Database], Awaitable[None]]
"""Fills an empty migrated database."""


Made = Callable[[Past], str]
"""Gives the address of a database that lived through a past."""


@pytest.fixture(scope="session")
def sqlite_pasts(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make a file for a past; nobody but `copy_of` may open that file."""

    @cache
    def made(past: Past) -> str:
        return _lived(f"sqlite:///{shutil.copy(sqlite_template, tmp_path_factory.mktemp('past'))}", past)

    return made


@pytest.fixture(scope="session")
def postgresql_pasts(postgresql_server: str, postgresql_template: str) -> Iterator[Made]:
    """Make a database on the server for a past; nobody but `copy_of` may open that database."""
    with ExitStack() as until_the_end:

        @cache
        def made(past: Past) -> str:
            return _lived(until_the_end.enter_context(_fresh(postgresql_server, postgresql_template)), past)

        yield made


def _lived(url: str, past: Past) -> str:
    async def live() -> None:
        async with await Database.open(url) as db:
            await past(db)

    with ThreadPoolExecutor(1) as outside_the_loop_of_the_test:
        outside_the_loop_of_the_test.submit(asyncio.run, live()).result()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def copy_of(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Made]:
    """Copy the database that lived through a past, once of each kind."""
    made: Made = request.getfixturevalue(f"{request.param}_pasts")
    with ExitStack() as until_the_end:

        def copied(past: Past) -> str:
            url = make_url(made(past))
            if request.param == "sqlite":
                return f"sqlite:///{shutil.copy(str(url.database), tmp_path / 'past.db')}"
            server = request.getfixturevalue("postgresql_server")
            return until_the_end.enter_context(_fresh(server, str(url.database)))

        yield copied


@pytest.fixture
def past_url(copy_of: Made) -> str:
    """A database that lived through the made-up past, once of each kind."""
    return copy_of(live_through)


@pytest_asyncio.fixture
async def past(past_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    async with await Database.open(past_url) as db:
        yield db


@pytest.fixture
def past_file(sqlite_pasts: Made, tmp_path: Path) -> str:
    """A SQLite file that lived through the made-up past."""
    return shutil.copy(str(make_url(sqlite_pasts(live_through)).database), str(tmp_path / "past.db"))
