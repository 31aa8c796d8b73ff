"""Let a company live three calm days and ask everything, to collect the statements of the day, the bot and reports."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from unittest import mock

from sqlalchemy import event
from sqlalchemy.engine import Engine

from reglament.commands.health import health
from reglament.commands.period_report import load_period_report
from reglament.process import open_process
from reglament.service.metrics import Metrics
from scoring.entries import Month
from storage.days import runs
from storage.journal.digests import find_days
from tests.simulation.invariants import Invariants
from tests.simulation.staff import COMMANDS, OF_MANAGERS
from tests.simulation.world import TEAM, World

_QUERIES = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
Statements = dict[str, Any]
"""Values of the last run by the text of a statement."""


class CalmWorld(World):
    """Live without troubles: on the second day everybody asks everything, from then on statements are collected."""

    def __post_init__(self) -> None:
        """Keep three days and no trouble of the story."""
        super().__post_init__()
        self.days = self.story.workdays()[:3]
        self.statements: Statements = {}
        self.story.troubles.end_all()

    async def live(self) -> None:
        """Live the days; the whole first day begins the journal and is not collected."""
        with mock.patch.object(self.story, "workdays", return_value=self.days), _no_invariants():
            await super().live()

    async def _day(self, day: date) -> None:
        if day == self.days[0]:
            await super()._day(day)
            return
        with collected(self.statements):
            for chat in self.staff.managers.values():
                for text in OF_MANAGERS:
                    self.staff.writes(chat, text)
            for chat, texts in COMMANDS.items():
                for text in texts:
                    self.staff.writes(chat, text)
            await super()._day(day)

    def _arm(self) -> None:
        """Let every process live."""

    async def _end(self) -> None:
        for process in self.processes:
            await process.stop()


@contextmanager
def _no_invariants() -> Iterator[None]:
    """Skip the proofs after each day, which read all rows by design."""
    nothing = mock.AsyncMock(return_value=None)
    with mock.patch.object(Invariants, "check", nothing), mock.patch.object(Invariants, "check_answers", nothing):
        yield


async def ask_reports(world: CalmWorld) -> None:
    """Ask for export, metrics, health and a digest on the database of a company that has lived."""
    with collected(world.statements):
        async with open_process(world.settings) as process:
            await load_period_report(process, TEAM, Month.of(world.days[0]), by="test")
            await Metrics().refresh(process.db, (TEAM,))
            async with process.db.reading() as session:
                last = await runs.last_finished(session, TEAM)
                assert last is not None
                assert await find_days(session, last.digest)
        await health(world.settings)


@contextmanager
def collected(found: Statements) -> Iterator[None]:
    """Collect every distinct statement that is run inside the block, with the values of its last run."""

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        if statement.lstrip().startswith(_QUERIES):
            found[statement] = values[0] if many and isinstance(values, list) else values

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(Engine, "before_cursor_execute", note)
