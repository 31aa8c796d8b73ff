"""Digests kept outside the database: written after each day, compared at the start (docs/product.md §6)."""

from __future__ import annotations

import asyncio
import json
import shutil
import stat
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from crm_clients.base import Severity
from reglament.commands.demo.set_clock import SetClock
from reglament.config.settings import build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.troubles import TroubleKind, find_troubles
from reglament.errors import SettingsError, WorkFailed
from reglament.process import open_process, store_teams
from reglament.witnesses.anchoring import Anchoring
from reglament.witnesses.anchors import append_anchors, read_anchors
from reglament.witnesses.differences import find_gaps
from reglament.witnesses.start import check_anchors, compare_with_anchors
from storage.days import heartbeats
from storage.db.models import AuditRecord
from storage.journal.digests import journal_days
from tests.reglament.scripted import MOSCOW_6PM, ScriptedCrm, TestClock, process
from tests.storage.company import TUESDAY, found, scored

URL = "https://anchor.example/5ecret"


class Keeper:
    """An address that keeps what is posted; answers as told."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.posts: list[dict[str, object]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers.pop(0) if self.answers else 200
        if answer == 0:
            raise httpx.ConnectError("down")
        assert request.headers["content-type"] == "application/json"
        self.posts.append(json.loads(request.content))
        return httpx.Response(answer)


def anchoring(database, file: Path | None = None, url: str = "", keeper: Keeper | None = None) -> Anchoring:
    clock = TestClock(MOSCOW_6PM)
    ready = process(database, ScriptedCrm(clock), clock)
    ready.settings.anchor.file = str(file or "")
    ready.settings.anchor.url = SecretStr(url)
    return Anchoring(ready, httpx.MockTransport(keeper) if keeper else None)


async def days_of(database):
    async with database.reading() as session:
        return await journal_days(session)


async def test_each_day_goes_to_the_file_once_for_this_user_alone(database, tmp_path):
    file = tmp_path / "anchors.jsonl"
    await found(database)
    await scored(database)
    anchors = anchoring(database, file)
    [told] = await check_anchors(anchors.process)
    assert "no anchors yet" in told.text
    await anchors.anchor()
    [told] = await check_anchors(anchors.process)
    assert (told.severity, told.text) == (Severity.OK, "anchors of 1 days and 1 events, all in the journal")
    await scored(database, TUESDAY)
    await anchors.anchor()
    await anchoring(database, file).anchor()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    days = [line for line in lines if "kind" not in line]
    assert [(line["team"], line["day"]) for line in days] == [("sales", "2026-11-16"), ("sales", "2026-11-17")]
    assert set(lines[0]) == {"team", "team_id", "day", "digest", "seq", "at"}
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(read_anchors(file).days) == await days_of(database)
    assert find_gaps(read_anchors(file).days, await days_of(database)) == []


async def test_a_torn_line_is_ended_named_and_its_day_written_again(database, tmp_path):
    file = tmp_path / "anchors.jsonl"
    await found(database)
    await scored(database)
    await anchoring(database, file).anchor()
    file.write_bytes(file.read_bytes().splitlines()[0][:-30])
    await anchoring(database, file).anchor()
    read = read_anchors(file)
    assert read.damaged == (1,)
    assert list(read.days) == await days_of(database)


async def test_the_address_gets_each_day_and_a_failure_is_tried_again(database):
    keeper = Keeper(0, 503)
    await found(database)
    await scored(database)
    anchors = anchoring(database, url=URL, keeper=keeper)
    for problem in ("ConnectError", "HTTP 503"):
        with pytest.raises(WorkFailed, match=problem) as failed:
            await anchors.anchor()
        assert "5ecret" not in str(failed.value)
    await anchors.anchor()
    await anchors.anchor()
    [day] = await days_of(database)
    assert [post["digest"] for post in keeper.posts if "day" in post] == [day.digest, day.digest]
    assert [(post["team"], post["kind"]) for post in keeper.posts if "kind" in post] == [("company", "head")]


async def test_a_file_that_cannot_be_written_keeps_no_digest_from_the_address(database, tmp_path):
    keeper = Keeper()
    await found(database)
    await scored(database)
    with pytest.raises(WorkFailed, match="cannot be written"):
        await anchoring(database, tmp_path / "no-such-folder" / "anchors", URL, keeper).anchor()
    assert [post.get("day") for post in keeper.posts] == ["2026-11-16", None]


async def test_a_file_that_is_gone_is_not_begun_anew_by_itself(database, tmp_path):
    file = tmp_path / "anchors.jsonl"
    await found(database)
    await scored(database)
    anchors = anchoring(database, file)
    await anchors.anchor()
    file.unlink()
    await compare_with_anchors(anchors.process)
    [told] = await check_anchors(anchors.process)
    assert (told.severity, told.text) == (Severity.ERROR, "the file of anchors is missing: bring the disk back")
    for each in (anchors, anchoring(database, file)):
        with pytest.raises(WorkFailed, match="is missing: bring the disk back"):
            await each.anchor()
    await compare_with_anchors(anchors.process, accept=True)
    await anchoring(database, file).anchor()
    assert len(read_anchors(file).days) == 1


async def test_failing_anchors_are_a_trouble_and_health_names_it(database, tmp_path):
    anchors = anchoring(database, tmp_path / "no-such-folder" / "anchors")
    await found(database)
    await scored(database)
    stop, beats = asyncio.Event(), []

    async def beat(name: str) -> None:
        beats.append(name)

    working = asyncio.ensure_future(anchors.run(stop, beat))
    await asyncio.sleep(0.2)
    stop.set()
    await working
    assert beats == [heartbeats.ANCHORS]
    now = MOSCOW_6PM
    async with database.reading() as session:
        late = {heartbeats.ANCHORS: now - timedelta(minutes=11)}
        [trouble] = [
            each
            for each in await find_troubles(session, anchors.process.settings, late, now)
            if each.kind is TroubleKind.NOT_ANCHORED
        ]
        assert "could not be taken to the anchors" in trouble.line
        fresh = {heartbeats.ANCHORS: now - timedelta(minutes=6)}
        found_now = await find_troubles(session, anchors.process.settings, fresh, now)
    assert TroubleKind.NOT_ANCHORED not in {each.kind for each in found_now}


@asynccontextmanager
async def opened(file: Path, anchors: Path):
    settings = build(
        {
            "database": {"url": f"sqlite:///{file}"},
            "anchor": {"file": str(anchors)},
            "crm": {"main": {"kind": "demo"}},
            "teams": {"sales": {"crm": "main", "members": {"everyone": True}}},
        }
    )
    clock = SetClock(MOSCOW_6PM)
    async with open_process(settings, clock=clock, options={"demo": {"now": clock}}) as ready:
        yield ready, clock


async def live(ready, clock, days: int) -> None:
    """A day of the made-up company, anchored."""
    clock.at = at = MOSCOW_6PM + timedelta(days=days)
    await store_teams(ready)
    await run_cutoff(ready, DueCutoff("main", at.date(), at, ("sales",)))
    await Anchoring(ready).anchor()


async def test_an_older_database_does_not_go_on_quietly(sqlite_template, tmp_path):
    file, backup, anchors = (tmp_path / name for name in ("reglament.db", "backup.db", "anchors.jsonl"))
    shutil.copy(sqlite_template, file)
    async with opened(file, anchors) as (ready, clock):
        await live(ready, clock, 0)
        await compare_with_anchors(ready)
    shutil.copy(file, backup)
    async with opened(file, anchors) as (ready, clock):
        await live(ready, clock, 1)
        await compare_with_anchors(ready)
        newest = (await days_of(ready.db))[-1]
    async with opened(backup, anchors) as (ready, clock):
        with pytest.raises(WorkFailed, match="older than the anchors") as refused:
            await compare_with_anchors(ready)
        assert f"sales 2026-11-20: anchored with digest {newest.digest}" in str(refused.value)
        assert "no such day" in str(refused.value)
        assert "--accept-anchors" in str(refused.value)
        [told] = await check_anchors(ready)
        assert (told.severity, told.text) == (Severity.ERROR, str(refused.value))
        clock.at = MOSCOW_6PM + timedelta(days=1, hours=1)
        await compare_with_anchors(ready, accept=True)
        await compare_with_anchors(ready)
        await live(ready, clock, 1)
        async with ready.db.reading() as session:
            [row] = await session.scalars(select(AuditRecord).where(AuditRecord.action == "anchors.accepted"))
        assert row.details == {"digests": [newest.digest], "lost": False}
    read = read_anchors(anchors)
    assert [day.day.day for day in read.days] == [19, 20, 20]


async def test_a_day_scored_anew_has_another_digest_than_its_anchor(database, tmp_path):
    await found(database)
    await scored(database)
    [day] = await days_of(database)
    file = tmp_path / "anchors.jsonl"
    forged = type(day)(day.team, day.day, "a" * 32, day.seq, day.at)
    append_anchors(file, [forged])
    anchors = anchoring(database, file)
    with pytest.raises(WorkFailed, match=f"the journal has digest {day.digest}"):
        await compare_with_anchors(anchors.process)


def test_an_address_that_others_can_read_is_refused():
    with pytest.raises(SettingsError, match=r"anchor\.url"):
        build({"anchor": {"url": "http://anchor.example/x"}})
    assert build({"anchor": {"url": "http://127.0.0.1:8090/x"}}).anchor.url.get_secret_value()
