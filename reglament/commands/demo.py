"""`reglament demo`: a made-up company lives through a month of real cutoff runs, with the clock set."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from bot.context import AppContext
from bot.delivery import render
from bot.screens import answers
from bot.screens.periods import Shown
from bot.screens.pictures import board_of
from bot.screens.view import View
from bot.texts import Texts, language_of, texts
from reglament import telegram
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings, build
from reglament.day.cutoff import Process, run_cutoff
from reglament.day.due import DueCutoff
from reglament.process import clock_now, load_teams, opened
from scoring.entries import Month
from scoring.workdays import WorkCalendar
from storage.ledger import verify
from storage.messages import deliveries
from storage.messages.notices import BoardNotice, DigestNotice, EveningNotice, Notice
from storage.people import absences, invites, people
from storage.values import AbsenceKind, Delivery

UNTIL = date(2026, 11, 19)
TEAM, CRM, HEAD, GROUP, FIRST_CHAT = "sales", "main", 900_000, -1_000_000, 900_001
ZONE = ZoneInfo("Europe/Moscow")
SHOWN = 2
"""Personal messages that are printed whole."""
OWN_FILES = ("reglament.db", "reglament.db-wal", "reglament.db-shm", "reglament.db.key", "reglament.db.run")


class SetClock:
    """Now, as the demo sets it."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    @property
    def shift(self) -> timedelta:
        """How far it is from the clock."""
        return self.at - clock_now()

    def __call__(self) -> datetime:
        """The instant that was set."""
        return self.at


@dataclass(frozen=True, slots=True)
class Plot:
    """What happens in the month besides the daily life."""

    days: tuple[date, ...]
    """Working days lived through."""
    down: date
    """The CRM does not answer until the retry time is over."""
    late: date
    """It answers at the second attempt."""
    absent: date
    change: date
    """The bound for calls is raised."""

    @classmethod
    def of(cls, calendar: WorkCalendar, first: date, last: date) -> Plot:
        """Spread over the working days of the span."""
        days = tuple(calendar.workdays(first, last))
        at = [days[len(days) * part // 8] for part in (2, 3, 5, 4)]
        return cls(days, *at)


async def demo(console: Console, *, days: int, until: date | None, directory: Path, language: str) -> None:
    """Live, then print the last day's messages, the board, the week, and where picture and workbook are."""
    t = texts(language_of(language, "ru"))
    last = until or UNTIL
    await asyncio.to_thread(_afresh, directory)
    first = last - timedelta(days=days - 1)
    plot = Plot.of(build(_tables(directory, t)).teams[TEAM].calendar(), first, last)
    settings = build(_tables(directory, t, plot))
    clock = SetClock(datetime.combine(plot.days[0], time(9), tzinfo=ZONE).astimezone(UTC))
    async with opened(settings, clock=clock, options={"demo": {"now": clock}}) as morning:  # type: ignore[arg-type]
        process = morning
        await _join(process)
        who = await _plan_absence(process, plot)
        living = track(plot.days, t("demo-living", days=days), console=console, disable=not console.is_terminal)
        for day in living:
            if day == plot.change:
                process = replace(process, settings=build(_tables(directory, t, plot, calls=12)))
                await load_teams(process)
            await _live(process, clock, day, show=day == plot.days[-1])
        await _tell(console, process, t, plot, who, directory, days)
    _write_config(directory, settings, t)
    console.print(f"\n{t('demo-next', config=str(directory / 'config.toml'))}", highlight=False)
    console.print(f"  reglament run --config {directory / 'config.toml'}", highlight=False)


def _afresh(directory: Path) -> None:
    """An empty stage; nothing but the demo's own files is removed."""
    directory.mkdir(parents=True, exist_ok=True)
    for name in OWN_FILES:
        (directory / name).unlink(missing_ok=True)


def _tables(directory: Path, t: Texts, plot: Plot | None = None, *, calls: int = 10) -> dict[str, Any]:
    fails = {plot.down.isoformat(): "21:30", plot.late.isoformat(): "18:03"} if plot else {}
    return {
        "language": t.language,
        "company": t("demo-company"),
        "database": {"url": f"sqlite:///{directory / 'reglament.db'}"},
        "crm": {CRM: {"kind": "demo", "fail_on": fails}},
        "teams": {
            TEAM: {
                "title": t("demo-team"),
                "crm": CRM,
                "members": {"everyone": True},
                "heads": [HEAD],
                "chat_id": GROUP,
                "rules": [
                    {"kpi": "companies_added", "at_least": 1},
                    {"kpi": "meetings_held", "at_least": 1},
                    {"kpi": "calls_held", "at_least": calls},
                    {"kpi": "overdue_tasks", "at_most": 0},
                    {"kpi": "deals_without_task", "at_most": 0},
                ],
                "money": {"per_point": 100, "per_penalty_point": 100, "cap": 10000},
            }
        },
    }


async def _join(process: Process) -> None:
    """Everybody accepts his invite on the first morning."""
    await load_teams(process)
    await telegram.learn_members(process, TEAM)
    async with process.db.transaction() as session:
        for number, member in enumerate(await people.unconnected(session, TEAM)):
            token = await invites.invite_manager(session, CRM, member.crm_user, author="demo", at=process.now())
            await invites.accept(session, token, FIRST_CHAT + number, at=process.now())


async def _plan_absence(process: Process, plot: Plot) -> str:
    """Somebody is on a trip one day; his name."""
    async with process.db.transaction() as session:
        member = (await people.members(session, TEAM))[-1]
        await absences.record(
            session,
            CRM,
            member.crm_user,
            first=plot.absent,
            last=plot.absent,
            kind=AbsenceKind.TRIP,
            author="demo",
            at=process.now(),
        )
    return member.name


async def _live(process: Process, clock: SetClock, day: date, *, show: bool) -> None:
    """One working day: its cutoff, as often as it is retried, and its messages."""
    cutoff = process.settings.teams[TEAM].calendar().cutoff_of(day)
    clock.at = cutoff
    due = DueCutoff(CRM, day, cutoff, (TEAM,))
    [result] = await run_cutoff(process, due)
    while result.run is None and result.retry_at is not None:
        clock.at = result.retry_at
        [result] = await run_cutoff(process, due)
    if not show:
        for delivery in await deliveries.due(process.db, at=clock(), limit=1000):
            await _deliver(process, delivery, clock)


async def _deliver(process: Process, delivery: Delivery, clock: SetClock) -> None:
    """The terminal takes everything at once."""
    started = await deliveries.start(process.db, delivery.id, process.owner, at=clock())
    if started is not None:
        await deliveries.mark_sent(process.db, started, [delivery.id], at=clock())


# What is shown


async def _tell(console: Console, process: Process, t: Texts, plot: Plot, who: str, directory: Path, days: int) -> None:
    live = await telegram.live_readings(process)
    context = app_context(process, live, PeriodExporter(process))
    async with process.db.reading() as session:
        found = await verify.verification(session, TEAM)
    text = t("demo-intro", days=t("days", n=days), scored=found.days, entries=t.number(found.entries))
    console.print(text, highlight=False)
    happened = {name: t.day(getattr(plot, name)) for name in ("down", "late", "absent", "change")}
    console.print(t("demo-events", who=who, **happened), highlight=False)
    await _messages(console, process, context, t, plot.days[-1])
    await _week(console, process, context, t, plot.days[-1])
    picture, workbook = await _files(process, context, t, plot.days[-1], directory)
    console.print()
    if found.problems:
        console.print(t("demo-problem", n=len(found.problems)))
    console.print(t("demo-verified", days=t("days", n=found.days)), highlight=False)
    console.print(t("demo-files", picture=str(picture)), highlight=False)
    console.print(t("demo-workbook", workbook=str(workbook)), highlight=False)


async def _messages(console: Console, process: Process, context: AppContext, t: Texts, day: date) -> None:
    """The last day's messages as they would arrive."""
    waiting = await deliveries.due(process.db, at=process.now(), limit=1000)
    personal = [item for item in waiting if isinstance(item.notice, EveningNotice)]
    _head(console, t("demo-personal", day=t.day(day)))
    for delivery in personal[:SHOWN]:
        await _print_delivery(console, process, context, t, delivery)
    if len(personal) > SHOWN:
        console.print(t("demo-more", n=len(personal) - SHOWN), highlight=False)
    group: tuple[tuple[str, type[Notice]], ...] = (("demo-board", BoardNotice), ("demo-digest", DigestNotice))
    for title, kind in group:
        _head(console, t(title))
        for delivery in waiting:
            if isinstance(delivery.notice, kind):
                await _print_delivery(console, process, context, t, delivery)


async def _print_delivery(
    console: Console, process: Process, context: AppContext, t: Texts, delivery: Delivery
) -> None:
    async with process.db.reading() as session:
        view = await render.render(session, context, t, delivery, now=process.now())
    if view is not None:
        _print(console, view)
    started = await deliveries.start(process.db, delivery.id, process.owner, at=process.now())
    if started is not None:
        await deliveries.mark_sent(process.db, started, [delivery.id], at=process.now())


async def _week(console: Console, process: Process, context: AppContext, t: Texts, day: date) -> None:
    _head(console, t("demo-week"))
    async with process.db.reading() as session:
        _print(console, await answers.summary(session, context, t, TEAM, day, Shown(until=day), monthly=False))


async def _files(process: Process, context: AppContext, t: Texts, day: date, directory: Path) -> tuple[Path, Path]:
    """The leaderboard as a picture, the month as a workbook."""
    async with process.db.reading() as session:
        standings = await answers.standings(session, context, TEAM, day)
    picture, workbook = directory / "leaderboard.png", directory / f"reglament-{Month.of(day)}.xlsx"
    team = replace(context.teams[TEAM], board="full")
    picture.write_bytes(await asyncio.to_thread(board_of(t, team, standings, day)))
    _, content = await PeriodExporter(process).export(TEAM, Month.of(day), by="reglament demo", fmt="xlsx")
    workbook.write_bytes(content)
    return picture, workbook


def _head(console: Console, title: str) -> None:
    console.print()
    console.rule(f"[bold]{escape(title)}", align="left")


def _print(console: Console, view: View) -> None:
    """Telegram's HTML as the terminal shows it: bold kept, a link's target behind its words, buttons in brackets."""
    text = escape(re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2 (\1)", view.text))
    text = re.sub(r"<b>(.*?)</b>", r"[bold]\1[/bold]", text, flags=re.DOTALL)
    console.print(unescape(re.sub(r"</?\w+>", "", text)), highlight=False)
    for row in view.rows:
        console.print(" ".join(f"[dim]\\[{escape(button.text)}][/dim]" for button in row), highlight=False)
    console.print()


CONFIG = """# The made-up company of `reglament demo`, for a bot of your own.
language = "{language}"
company = "{company}"

[database]
url = "{url}"

[telegram]
token = ""        # from @BotFather
admins = []       # your Telegram user id: you then see everything

[crm.main]
kind = "demo"

[teams.sales]
title = "{title}"
crm = "main"
members = {{ everyone = true }}

[teams.sales.money]
cap = 10000
"""


def _write_config(directory: Path, settings: Settings, t: Texts) -> None:
    content = CONFIG.format(
        language=t.language,
        company=settings.company,
        url=f"sqlite:///{(directory / 'reglament.db').resolve()}",
        title=t("demo-team"),
    )
    (directory / "config.toml").write_text(content, encoding="utf-8")
