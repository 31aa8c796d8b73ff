"""Show how the demo's month ended: the last day's messages, the week, a picture and a workbook."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from datetime import date
from html import unescape
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from bot.context import AppContext
from bot.delivery import render
from bot.screens.leaderboard import load_board
from bot.screens.periods import Shown, load_period, period_view
from bot.screens.pictures import board_picture
from bot.screens.view import View
from bot.texts import Texts
from reglament.bot_context import app_context
from reglament.commands.demo.company import TEAM
from reglament.commands.demo.plot import Plot
from reglament.commands.export import PeriodExporter
from reglament.day.live import LiveReadings
from reglament.process import Process
from scoring.entries import Month
from storage.messages import deliveries
from storage.messages.notices import BoardNotice, DigestNotice, EveningNotice, Notice
from storage.values import Delivery
from storage.verify import verification as verify
from storage.whole_files import write_whole

PERSONAL_MESSAGES = 2
"""Number of evening messages that are printed in full."""


async def show(console: Console, process: Process, t: Texts, plot: Plot, who: str, directory: Path, days: int) -> None:
    """Print the events of the month, the last day's messages, the week, the proof of the ledger and the files written.

    `who` is the name of the manager on the trip.
    """
    context = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
    ending = _Ending(console, process, context, t, plot.days[-1])
    async with process.db.reading() as session:
        found = await verify.verification(session, TEAM)
    text = t("demo-intro", days=t("days", n=days), scored=found.days, entries=t.number(found.entries))
    console.print(text, highlight=False)
    happened = {name: t.day(getattr(plot, name)) for name in ("down", "late", "absent", "change")}
    console.print(t("demo-events", who=who, **happened), highlight=False)
    await ending.print_messages()
    await ending.print_week()
    picture, workbook = await ending.write_files(directory)
    console.print()
    if found.problems:
        console.print(t("demo-problem", n=len(found.problems)))
    console.print(t("demo-verified", days=t("days", n=found.days)), highlight=False)
    console.print(t("demo-files", picture=str(picture)), highlight=False)
    console.print(t("demo-workbook", workbook=str(workbook)), highlight=False)


@dataclass(frozen=True, slots=True)
class _Ending:
    """Print the messages, week and files of the last day."""

    console: Console
    process: Process
    context: AppContext
    t: Texts
    day: date

    async def print_messages(self) -> None:
        """Print the last day's messages as Telegram would show messages, and mark each as sent."""
        waiting = await deliveries.due(self.process.db, at=self.process.now(), limit=1000)
        personal = [item for item in waiting if isinstance(item.notice, EveningNotice)]
        self._print_title(self.t("demo-personal", day=self.t.day(self.day)))
        for delivery in personal[:PERSONAL_MESSAGES]:
            await self._print_delivery(delivery)
        if len(personal) > PERSONAL_MESSAGES:
            self.console.print(self.t("demo-more", n=len(personal) - PERSONAL_MESSAGES), highlight=False)
        group: tuple[tuple[str, type[Notice]], ...] = (("demo-board", BoardNotice), ("demo-digest", DigestNotice))
        for title, kind in group:
            self._print_title(self.t(title))
            for delivery in waiting:
                if isinstance(delivery.notice, kind):
                    await self._print_delivery(delivery)

    async def _print_delivery(self, delivery: Delivery) -> None:
        process = self.process
        async with process.db.reading() as session:
            view = await render.render(session, self.context, self.t, delivery, now=process.now())
        if view is not None:
            self._print_view(view)
        await mark_sent(process, delivery)

    async def print_week(self) -> None:
        """Print `/week` as of the last day."""
        self._print_title(self.t("demo-week"))
        async with self.process.db.reading() as session:
            week = await load_period(session, self.context, TEAM, self.day, monthly=False)
        self._print_view(period_view(self.t, self.context.teams[TEAM], week, Shown(until=self.day)))

    async def write_files(self, directory: Path) -> tuple[Path, Path]:
        """Write the leaderboard as a picture and the month as a workbook; return both paths."""
        async with self.process.db.reading() as session:
            board = await load_board(session, self.context, TEAM, self.day)
        month = Month.of(self.day)
        picture, workbook = directory / "leaderboard.png", directory / f"reglament-{month}.xlsx"
        drawing = board_picture(self.t, self.context.teams[TEAM], board)
        await asyncio.to_thread(write_whole, picture, await asyncio.to_thread(drawing))
        _, content = await self.context.exporter.export(TEAM, month, by="reglament demo", fmt="xlsx")
        await asyncio.to_thread(write_whole, workbook, content)
        return picture, workbook

    def _print_title(self, title: str) -> None:
        self.console.print()
        self.console.rule(f"[bold]{escape(title)}", align="left")

    def _print_view(self, view: View) -> None:
        """Print Telegram's HTML for a terminal: bold kept, link targets after the words, buttons in brackets."""
        text = escape(re.sub(r'<a href="([^"]*)">([^<]*)</a>', r"\2 (\1)", view.text))
        text = re.sub(r"<b>(.*?)</b>", r"[bold]\1[/bold]", text, flags=re.DOTALL)
        self.console.print(unescape(re.sub(r"</?\w+[^>]*>", "", text)), highlight=False)
        for row in view.rows:
            self.console.print(" ".join(f"[dim]\\[{escape(button.text)}][/dim]" for button in row), highlight=False)
        self.console.print()


async def mark_sent(process: Process, delivery: Delivery) -> None:
    """Mark a delivery as sent, because the terminal takes every message at once."""
    started = await deliveries.start(process.db, delivery.id, process.owner, at=process.now())
    if started is not None:
        await deliveries.mark_sent(process.db, started, [delivery.id], at=process.now())
