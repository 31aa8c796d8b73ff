"""The scripted company with a backup of Thursday, for the tests of backup and restore."""

from __future__ import annotations

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from reglament.commands.backup import backup
from reglament.config.settings import Settings, build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import synchronise_members
from reglament.process import Process
from storage.days import runs
from storage.db.database import Database
from storage.db.models import DeliveryRecord
from storage.messages import deliveries
from storage.messages.notices import EveningNotice
from storage.people import invites
from storage.values import DeliveryState
from tests.reglament.day.thursday import COMPANY, OVERDUE, THURSDAY, ready_process
from tests.reglament.scripted import ANNA, MOSCOW_6PM, ScriptedCrm, TestClock, facts, tables

FRIDAY, MONDAY, TUESDAY = date(2026, 11, 20), date(2026, 11, 23), date(2026, 11, 24)
MONDAY_EVENING = MOSCOW_6PM + timedelta(days=4, hours=2)
OLD = Path(__file__).parents[2] / "storage" / "data" / "0.1.0" / "database.sql"


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


def unchanged(url: str) -> set[tuple[str, int]]:
    folder = Path(url.removeprefix("sqlite:///")).parent
    return {(path.name, path.stat().st_ino) for path in folder.iterdir() if not path.name.endswith(".lock")}
