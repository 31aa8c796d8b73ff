"""The schema's history: up, down, up; the models are what the migrations make; the wheel carries them."""

from __future__ import annotations

import re
import runpy
import shutil
import sqlite3
import subprocess
import tomllib
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Table, create_engine, inspect

from storage.db import address, pragmas, schema
from storage.db.database import Database
from storage.db.models import Base
from storage.db.schema import current_revision, downgrade, head_revision, upgrade
from storage.db.types import CanonicalJson, Id
from storage.errors import SchemaMismatch

ROOT = Path(__file__).parents[3]


def _ours(name, kind, _parents):
    """The task queue brings its own tables on PostgreSQL."""
    return not (kind == "table" and name.startswith("procrastinate_"))


def _tables(url: str) -> set[str]:
    engine = create_engine(address.for_migrations(address.parse(url)))
    try:
        return set(inspect(engine).get_table_names())
    finally:
        engine.dispose()


def test_up_down_and_up_again(empty_database_url):
    assert current_revision(empty_database_url) is None
    upgrade(empty_database_url)
    assert current_revision(empty_database_url) == head_revision()
    assert set(Base.metadata.tables) <= _tables(empty_database_url)

    downgrade(empty_database_url, "base")
    assert _tables(empty_database_url) <= {"alembic_version"}
    assert current_revision(empty_database_url) is None

    upgrade(empty_database_url)
    upgrade(empty_database_url)
    assert current_revision(empty_database_url) == head_revision()


def test_the_models_are_what_the_migrations_make(database_url):
    engine = create_engine(address.for_migrations(address.parse(database_url)))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "include_name": _ours})
            assert compare_metadata(context, Base.metadata) == []
    finally:
        engine.dispose()


def test_checks_of_the_migrations_are_those_of_the_models(sqlite_url):
    """Alembic does not compare CHECK constraints, so the words are compared."""
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'"))
    connection.close()
    for table in Base.metadata.tables.values():
        for constraint in table.constraints:
            words = getattr(constraint, "sqltext", None)
            if words is not None:
                assert re.sub(r"\s+", " ", f"CONSTRAINT {constraint.name} CHECK ({words})") in made[table.name]


def test_a_migration_written_by_the_recipe_can_be_loaded(tmp_path, monkeypatch):
    made, newest = tmp_path / "migrations", head_revision()
    shutil.copytree(ROOT / "migrations", made)
    config = schema._config

    def copied(connection=None):
        found = config(connection)
        found.set_main_option("script_location", str(made))
        return found

    monkeypatch.setattr(schema, "_config", copied)
    toys = Table("toys", Base.metadata, Column("id", Id, primary_key=True), Column("words", CanonicalJson))
    try:
        schema.new_revision("Keep toys")
    finally:
        Base.metadata.remove(toys)
    [file] = (made / "versions").glob("*_keep_toys.py")
    assert runpy.run_path(str(file))["down_revision"] == newest
    assert "CanonicalJson()" in file.read_text(encoding="utf-8")


async def test_a_database_without_tables_says_what_to_do(empty_postgresql_url):
    async with await Database.open(empty_postgresql_url) as db:
        with pytest.raises(SchemaMismatch, match="reglament migrate"):
            await db.check_schema()


async def test_a_missing_file_says_what_to_do_and_is_not_made(tmp_path):
    with pytest.raises(SchemaMismatch, match="reglament migrate"):
        await Database.open(f"sqlite:///{tmp_path}/none.db")
    assert not (tmp_path / "none.db").exists()


async def test_a_database_of_a_newer_program_is_left_alone(database):
    url = database.url.render_as_string(hide_password=False)
    await _set_revision(database, "ffff")
    with pytest.raises(SchemaMismatch, match="newer"):
        await database.check_schema()
    with pytest.raises(SchemaMismatch, match="newer"):
        upgrade(url)


async def _set_revision(db: Database, revision: str) -> None:
    from sqlalchemy import text

    async with db.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :r"), {"r": revision})


def test_two_processes_may_migrate_at_once(empty_database_url):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: upgrade(empty_database_url), range(4)))
    assert current_revision(empty_database_url) == head_revision()


def test_turning_the_log_on_waits_for_whoever_holds_the_new_file(tmp_path, monkeypatch):
    """SQLite answers this switch "locked" at once and does not wait the timeout out."""
    file = tmp_path / "new.db"
    holder = sqlite3.connect(file, isolation_level=None)
    holder.execute("CREATE TABLE held (x)")
    holder.execute("BEGIN IMMEDIATE")
    waits = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            holder.execute("COMMIT")

    monkeypatch.setattr(pragmas.time, "sleep", wait)  # type: ignore[attr-defined]
    pragmas.prepare(file)
    assert len(waits) == 3
    holder.close()
    with closing(sqlite3.connect(file)) as later:
        assert later.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_migration_that_breaks_half_way_leaves_nothing(empty_database_url, monkeypatch):
    from storage.db import append_only

    monkeypatch.setattr(append_only, "_statements", lambda _dialect, _table: ["CREATE TRIGGER nonsense"])
    with pytest.raises(Exception, match=r"syntax error|nonsense|incomplete"):
        upgrade(empty_database_url)
    assert current_revision(empty_database_url) is None
    assert _tables(empty_database_url) == set()


def test_the_wheel_carries_the_migrations():
    """The packaging test builds it; here it is enough that the package is listed and nothing of it is ignored."""
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "migrations" in packages["packages"]
    files = [str(file) for file in (ROOT / "migrations").rglob("*") if file.suffix in (".py", ".mako")]
    assert len(files) >= 4
    ignored = subprocess.run(["git", "check-ignore", *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ignored.stdout == ""


def test_no_address_is_kept_in_a_file():
    for file in (ROOT / "migrations").rglob("*"):
        if file.suffix in (".py", ".mako", ".ini"):
            assert "://" not in file.read_text()


def test_psycopg_is_the_driver(postgresql_url):
    with psycopg.connect(postgresql_url) as connection:
        assert connection.execute("SELECT count(*) FROM teams").fetchone() == (0,)
