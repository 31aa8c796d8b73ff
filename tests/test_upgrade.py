"""A database and settings of version 0.1.0 work on: migrated, proved, read, rendered, the running day judged alike."""

from __future__ import annotations

import sqlite3
import tomllib
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import select

from bot.context import AppContext
from bot.delivery import render
from bot.texts import texts
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config import settings
from reglament.day.live import LiveReadings
from reglament.process import Process, open_process, store_teams
from scoring.entries import EntryKind
from storage.days import queries, rulebooks
from storage.days.windows import load_window
from storage.db import schema
from storage.db.database import Session
from storage.db.models import DeliveryRecord, RulebookRecord
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind
from storage.values import Delivery
from storage.verify import verification as verify

DATA = Path(__file__).parent / "storage" / "data" / "0.1.0"
LAST = datetime(2026, 11, 19, 14, 45, tzinfo=UTC)
"""A quarter of an hour before the last cutoff of the stored company."""


@dataclass(frozen=True)
class Upgraded:
    process: Process
    ctx: AppContext


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch):
    monkeypatch.delenv("REGLAMENT_CONFIG", raising=False)


@pytest_asyncio.fixture
async def upgraded(tmp_path: Path) -> AsyncIterator[Upgraded]:
    """The company of 0.1.0, opened by this version after `reglament migrate`."""
    file = tmp_path / "reglament.db"
    database = sqlite3.connect(file)
    database.executescript((DATA / "database.sql").read_text(encoding="utf-8"))
    database.close()
    tables = tomllib.loads((DATA / "config.toml").read_text(encoding="utf-8"))
    tables["database"] = {"url": f"sqlite:///{file}"}
    schema.upgrade(tables["database"]["url"])
    async with open_process(settings.build(tables)) as process:
        live = await LiveReadings.load(process)
        yield Upgraded(process, app_context(process, live, PeriodExporter(process)))


async def _stored(session: Session) -> list[Delivery]:
    numbers = await session.scalars(select(DeliveryRecord.id).order_by(DeliveryRecord.id))
    found = [await deliveries.get(session, number) for number in numbers.all()]
    return [delivery for delivery in found if delivery is not None]


async def test_the_ledger_of_0_1_0_is_proved(upgraded):
    async with upgraded.process.db.reading() as session:
        found = await verify.verification(session, "sales")
        assert (found.problems, found.entries, found.days) == ((), 81, 5)
        entries = await queries.entries(session, "sales", LAST.date().replace(day=1), LAST.date())
    assert {entry.kind for entry in entries} == set(EntryKind)


async def test_an_upgrade_alone_changes_nothing_for_the_running_day(upgraded):
    """What later versions judge otherwise (grace, working hours) is one new rulebook, from the next window."""
    process = replace(upgraded.process, now=lambda: LAST)
    await store_teams(process)
    await store_teams(process)
    async with process.db.reading() as session:
        versions = (await session.scalars(select(RulebookRecord.version).order_by(RulebookRecord.id))).all()
        assert (versions[:2], len(versions)) == (["c06db378f2ce", "3f07b4148a2d"], 3)
        window = await load_window(session, "sales", process.settings.teams["sales"].calendar(), LAST.date())
        running = await rulebooks.rulebook_at(session, "sales", window.start)
        assert (running.version, running.kpis.grace_minutes) == ("3f07b4148a2d", 0)
        following = await rulebooks.rulebook_at(session, "sales", window.cutoff)
        assert following.is_same_as(process.settings.rulebook("sales"))
        assert (await verify.verification(session, "sales")).problems == ()


async def test_every_setting_of_0_1_0_still_loads():
    loaded = settings.load(DATA / "config.example.toml")
    assert loaded.teams["sales"].heads == [222222222]


KINDS_OF_0_1_0 = {
    DeliveryKind.PERSONAL, DeliveryKind.BOARD, DeliveryKind.DIGEST, DeliveryKind.REMINDER, DeliveryKind.CORRECTION,
    DeliveryKind.DELAYED, DeliveryKind.NO_DATA, DeliveryKind.ALARM, DeliveryKind.DEPARTED, DeliveryKind.CHANNEL_OFF,
}  # fmt: skip
"""Kinds of delivery that version 0.1.0 could store; later kinds are not in its data."""


@pytest.mark.parametrize("language", ["ru", "en"])
async def test_every_delivery_of_0_1_0_is_rendered_unless_retention_blanked_it(upgraded, language):
    rendered = set()
    async with upgraded.process.db.reading() as session:
        for delivery in await _stored(session):
            view = await render.render(session, upgraded.ctx, texts(language), delivery, now=LAST)
            assert (view is None) == (delivery.notice is None), delivery
            if view is not None:
                assert view.text
                rendered.add(delivery.kind)
    assert rendered == KINDS_OF_0_1_0
