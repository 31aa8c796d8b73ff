"""Live through the month of `reglament demo`: invites, an absence, a cutoff every working day, a changed rule."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import track

from bot.texts import language_of, texts
from reglament.commands.demo.company import CRM, TEAM, company_settings, empty_directory, write_config
from reglament.commands.demo.plot import Plot
from reglament.commands.demo.set_clock import SetClock
from reglament.commands.demo.show import mark_sent, show
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import learn_members
from reglament.process import Process, open_process, store_teams
from storage.ledger.chain import repeatable_secrets
from storage.messages import deliveries
from storage.people import absences, invites, people
from storage.values import AbsenceKind

UNTIL = date(2026, 11, 19)
ZONE = ZoneInfo("Europe/Moscow")
FIRST_CHAT = 900_001
"""Chat id of the first manager; the others follow."""


async def demo(console: Console, *, days: int, until: date | None, directory: Path, language: str) -> None:
    """Live through `days` calendar days; print the last day's messages, the board, the week and the files written."""
    t = texts(language_of(language, "ru"))
    last = until or UNTIL
    await asyncio.to_thread(empty_directory, directory)
    calendar = company_settings(directory, t).teams[TEAM].calendar()
    plot = Plot.of(calendar, last - timedelta(days=days - 1), last)
    settings = company_settings(directory, t, plot)
    clock = SetClock(datetime.combine(plot.days[0], time(9), tzinfo=ZONE).astimezone(UTC))
    made_up_crm = {"demo": {"now": clock}}
    with repeatable_secrets(len(plot.days)):
        async with open_process(settings, clock=clock, options=made_up_crm) as first_process:
            process = first_process
            await _join(process)
            who = await _record_trip(process, plot.absent)
            living = track(plot.days, t("demo-living", days=days), console=console, disable=not console.is_terminal)
            for day in living:
                if day == plot.change:
                    process = replace(process, settings=company_settings(directory, t, plot, calls=12))
                    await store_teams(process)
                await _live(process, clock, day)
                if day != plot.days[-1]:
                    await _send_all(process)
            await show(console, process, t, plot, who, directory, days)
    path = write_config(directory, settings, t)
    console.print(f"\n{t('demo-next', config=str(path))}", highlight=False)
    console.print(f"  reglament run --config {path}", highlight=False)


async def _join(process: Process) -> None:
    """Accept the invites of all managers on the first morning."""
    await store_teams(process)
    await learn_members(process, TEAM)
    async with process.db.transaction() as session:
        for number, member in enumerate(await people.unconnected(session, TEAM)):
            token = await invites.invite_manager(session, CRM, member.crm_user, author="demo", at=process.now())
            await invites.accept(session, token, FIRST_CHAT + number, at=process.now())


async def _record_trip(process: Process, day: date) -> str:
    """Record a manager's trip on `day`; return the manager's name."""
    async with process.db.transaction() as session:
        member = (await people.members(session, TEAM))[-1]
        await absences.record(
            session,
            CRM,
            member.crm_user,
            first=day,
            last=day,
            kind=AbsenceKind.TRIP,
            author="demo",
            at=process.now(),
        )
    return member.name


async def _live(process: Process, clock: SetClock, day: date) -> None:
    """Run the cutoff of a working day, with all retries."""
    cutoff = process.settings.teams[TEAM].calendar().cutoff_of(day)
    clock.at = cutoff
    due = DueCutoff(CRM, day, cutoff, (TEAM,))
    [result] = await run_cutoff(process, due)
    while result.run is None and result.retry_at is not None:
        clock.at = result.retry_at
        [result] = await run_cutoff(process, due)


async def _send_all(process: Process) -> None:
    for delivery in await deliveries.due(process.db, at=process.now(), limit=1000):
        await mark_sent(process, delivery)
