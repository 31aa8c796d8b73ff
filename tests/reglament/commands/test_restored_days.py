"""After a restore the days since the backup are caught up, and nobody is told twice."""

from __future__ import annotations

import asyncio
import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console

from reglament.commands.backup import backup
from reglament.commands.restore import print_restored, restore
from reglament.config.settings import AnchorSettings
from reglament.errors import WorkFailed
from reglament.witnesses.anchors import append_anchors, to_line
from storage.client_memory import StoredMemory
from storage.db.database import Database
from storage.db.schema import upgrade
from storage.journal.digests import journal_days
from storage.messages import deliveries
from storage.values import DeliveryState
from storage.verify.verification import verification
from tests.reglament.commands.backed_up import (
    FRIDAY,
    MONDAY,
    MONDAY_EVENING,
    TUESDAY,
    mode_of,
    office,
    settings,
    thursdays_backup,
)
from tests.reglament.day.thursday import THURSDAY

pytestmark = pytest.mark.usefixtures("programs_of_postgresql")


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
