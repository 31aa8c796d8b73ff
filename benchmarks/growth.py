"""Measure what a month and a huge day keep, and the evening of a huge day: `python -m benchmarks.growth`.

    python -m benchmarks.growth demo                  bytes a person-day of the demo's month
    python -m benchmarks.growth day                   300 people with 5,000 items each, two days, on SQLite
    python -m benchmarks.growth day --people 30       a smaller team

A day is read from a made-up CRM, counted, stored, scored and written into the ledger, and the first evening message is
composed; each day in a process of its own. The second day finds the same items. Also runs on earlier versions.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from bot.screens.evening import evening_view, load_evening
from bot.texts import texts
from crm_clients.base import CrmUser, ReadRequest
from crm_clients.demo import client as demo_client
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import LiveReadings
from reglament.day.members import learn_members
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import ProcessClock, open_process, store_teams
from scoring.records import Completed, Deal, DealState, Fact, Money, Task

DAYS = (date(2026, 11, 18), date(2026, 11, 19))
BORN = datetime(2026, 9, 1, 9, tzinfo=UTC)
TEAM = "sales"


class HugeClient(demo_client.DemoClient):
    """State the facts of a team with very many overdue tasks and deals without a task, the same every day."""

    people, items = 300, 5000

    async def users(self) -> list[CrmUser]:
        """List the managers."""
        return [CrmUser(str(user), f"Manager {user}") for user in range(1, self.people + 1)]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records, person after person."""
        for user in range(1, self.people + 1):
            for record in self._records(str(user)):
                yield record
        for kind in request.kinds:
            yield Completed(kind, request.window.cutoff)

    def _records(self, user: str) -> Iterator[Fact]:
        for number in range(self.items // 2):
            key, at = str(int(user) * 100_000 + number), BORN + timedelta(minutes=7 * number)
            yield Task(f"7{key}", f"Позвонить заказчику {key}", user, deadline=at, created_at=BORN)
            yield Deal(
                f"9{key}", f"Поставка насосов, {key}", user, DealState.OPEN, at, stage_since=at,
                amount=Money(Decimal(number * 1000), "RUB"), has_task=False,
            )  # fmt: skip


def _settings(file: Path) -> Any:
    rules = [{"kpi": kpi, "at_most": 0} for kpi in ("overdue_tasks", "deals_without_task")]
    team = {"crm": "main", "members": {"everyone": True}, "rules": rules}
    crm = {"main": {"kind": "demo", "read_timeout_seconds": 3600}}
    return build({"database": {"url": f"sqlite:///{file}"}, "crm": crm, "teams": {TEAM: team}})


async def live_a_day(file: Path, day: date) -> dict[str, float]:
    """Run the cutoff of a day, and compose the first evening message."""
    settings = _settings(file)
    cutoff = settings.teams[TEAM].calendar().cutoff_of(day)
    async with open_process(settings, clock=ProcessClock(cutoff + timedelta(seconds=30))) as process:
        await store_teams(process)
        await learn_members(process, TEAM)
        ctx = app_context(process, await LiveReadings.load(process), PeriodExporter(process))
        keep_what_is_loaded()
        begun = time.perf_counter()
        [result] = await run_cutoff(process, DueCutoff("main", day, cutoff, (TEAM,)))
        if result.run is None or result.problem:
            raise SystemExit(f"the day failed: {result.problem}")
        written = time.perf_counter()
        at_ledger = peak_mb()
        async with process.db.reading() as session:
            evening = await load_evening(session, ctx, TEAM, day, "1")
        if evening is None or "Позвонить заказчику" not in evening_view(texts("ru"), ctx.teams[TEAM], evening).text:
            raise SystemExit("the evening message does not list the overdue tasks")
        told = time.perf_counter()
    return {"day": written - begun, "message": told - written, "ledger_mb": at_ledger, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Return the most memory that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def size_of(file: Path) -> int:
    """Count the bytes of a database after the write-ahead log was emptied."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file.stat().st_size


def measure_days(people: int, items: int) -> None:
    """Print a row for each day of the huge team."""
    print("| day | database grows by | bytes an item | seconds to the ledger | to the first message | peak memory |")
    print("|" + " --- |" * 6, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file, before = Path(folder) / "growth.db", 0
        for number, day in enumerate(DAYS, 1):
            command = [sys.executable, "-m", "benchmarks.growth", "one", "--file", str(file), "--day", day.isoformat()]
            size = ["--people", str(people), "--items", str(items)]
            told = json.loads(subprocess.check_output([*command, *size], text=True).splitlines()[-1])
            grown = size_of(file) - before
            before += grown
            print(
                f"| {number} | {grown / 1e6:.1f} MB | {grown / people / items:.1f} | {told['day']:.1f} s "
                f"| {told['message']:.2f} s | {told['peak_mb']:.0f} MB |",
                flush=True,
            )


def measure_demo() -> None:
    """Print what a person-day of the demo's month takes."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "reglament", "demo", "--dir", f"{folder}/demo", "--until", "2026-11-19"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        file = Path(folder) / "demo" / "reglament.db"
        size, empty = size_of(file), _empty_size(Path(folder) / "empty.db")
        with closing(sqlite3.connect(file)) as connection:
            days = connection.execute("SELECT count(*) FROM snapshots").fetchone()[0]
    print(f"{days} person-days, {size / 1e6:.2f} MB, {size / days:.0f} bytes a person-day")
    print(f"of it the empty database {empty / 1e6:.2f} MB; without it {(size - empty) / days:.0f} bytes a person-day")


def _empty_size(file: Path) -> int:
    from storage.db import schema  # for the demo only

    schema.upgrade(f"sqlite:///{file}")
    return size_of(file)


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["demo", "day", "one"])
    parser.add_argument("--people", type=int, default=HugeClient.people)
    parser.add_argument("--items", type=int, default=HugeClient.items)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--day", type=date.fromisoformat, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    HugeClient.people, HugeClient.items = asked.people, asked.items
    if asked.what == "demo":
        measure_demo()
    elif asked.what == "day":
        measure_days(asked.people, asked.items)
    else:
        demo_client.DemoClient = HugeClient  # type: ignore[misc]  # in the place of the demo's company
        print(json.dumps(asyncio.run(live_a_day(asked.file, asked.day))))


if __name__ == "__main__":
    main()
