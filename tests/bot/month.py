"""A department that lived through November, for messages that are read whole: with an outage and an absence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.context import AppContext
from reglament.bot_context import app_context
from reglament.commands.demo.set_clock import SetClock
from reglament.commands.export import PeriodExporter
from reglament.config.settings import build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.process import Process, open_process, store_teams
from storage.messages import deliveries
from storage.people import absences, invites, people
from storage.values import AbsenceKind

MOSCOW = ZoneInfo("Europe/Moscow")
FIRST, LAST, OUTAGE, ABSENCE = (date(2026, 11, day) for day in (2, 19, 12, 19))
HEAD, GROUP = 222, -1001


@dataclass
class Month:
    """What the messages are made from."""

    process: Process
    ctx: AppContext
    clock: SetClock


@asynccontextmanager
async def november(url: str, *, language: str = "ru", managers: int = 7) -> AsyncIterator[Month]:
    """The evening of the last day, its messages not sent yet."""
    settings = build(_tables(url, language, managers))
    clock = SetClock(datetime.combine(FIRST, time(9), tzinfo=MOSCOW).astimezone(UTC))
    async with open_process(settings, clock=clock, options={"demo": {"now": clock}}) as process:
        await store_teams(process)
        await learn_members(process, "sales")
        await _join(process)
        calendar = settings.teams["sales"].calendar()
        for day in calendar.workdays(FIRST, LAST):
            clock.at = calendar.cutoff_of(day)
            await _live(process, clock, day, sent=day != LAST)
        live = await LiveReadings.load(process)
        yield Month(process, app_context(process, live, PeriodExporter(process)), clock)


def _tables(url: str, language: str, managers: int) -> dict[str, object]:
    return {
        "language": language,
        "company": "Пример и партнёры",
        "database": {"url": url},
        "telegram": {"admins": [999]},
        "crm": {"main": {"kind": "demo", "managers": managers, "fail_on": {OUTAGE.isoformat(): "21:30"}}},
        "teams": {
            "sales": {
                "title": "Продажи <Юг> & Ко",
                "crm": "main",
                "members": {"everyone": True},
                "heads": [HEAD],
                "chat_id": GROUP,
                "money": {"per_point": 100, "per_penalty_point": 50, "cap": 10000},
                "rules": [
                    {"kpi": "companies_added", "at_least": 1},
                    {"kpi": "meetings_held", "at_least": 1},
                    {"kpi": "calls_held", "at_least": 10},
                    {"kpi": "won_amount", "at_least": 500000, "observe": True},
                    {"kpi": "overdue_tasks", "at_most": 0},
                    {"kpi": "deals_without_task", "at_most": 1, "per_deals": 50},
                ],
            }
        },
    }


async def _join(process: Process) -> None:
    """All but one accept their invites; another goes on a trip on the last day."""
    async with process.db.transaction() as session:
        waiting = await people.unconnected(session, "sales")
        for number, member in enumerate(waiting[1:]):
            token = await invites.invite_manager(session, "main", member.crm_user, author="test", at=process.now())
            await invites.accept(session, token, 5000 + number, at=process.now())
        await absences.record(
            session, "main", waiting[-1].crm_user, first=ABSENCE, last=ABSENCE, kind=AbsenceKind.TRIP, author="test",
            at=process.now(),
        )  # fmt: skip


async def _live(process: Process, clock: SetClock, day: date, *, sent: bool) -> None:
    due = DueCutoff("main", day, clock.at, ("sales",))
    [result] = await run_cutoff(process, due)
    while result.run is None and result.retry_at is not None:
        clock.at = result.retry_at
        [result] = await run_cutoff(process, due)
    for delivery in await deliveries.due(process.db, at=clock(), limit=10_000) if sent else ():
        started = await deliveries.start(process.db, delivery.id, process.owner, at=clock())
        if started is not None:
            await deliveries.mark_sent(process.db, started, [delivery.id], at=clock())


TOMORROW = timedelta(days=1) - timedelta(minutes=30)
"""From the last cutoff to half an hour before the next."""
