"""Measure `reglament verify` beside the bare chain of the ledger in one run: `python -m benchmarks.verify`.

    python -m benchmarks.verify --people 20 --days 60 --teams 2

Days are really read, counted, scored and written (SQLite), with six deals and three tasks of each person. The bare
chain reads every entry, writes the payload and hashes it; `verify` also proves the journal and counts every day again.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import resource
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from crm_clients.base import CrmUser, ReadRequest
from crm_clients.demo import client as demo_client
from reglament.config import logs
from reglament.config.settings import Settings, build
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.members import learn_members
from reglament.process import ProcessClock, open_process, store_teams
from scoring.records import Completed, Deal, DealState, Fact, Money, Task
from storage.db.database import Database
from storage.db.models import NO_HASH
from storage.verify import side_by_side
from storage.verify.verification import verify_company

LAST = date(2026, 11, 19)
BORN = datetime(2024, 9, 1, 9, tzinfo=UTC)
ENTRIES = """
SELECT team_id, seq, kind, run_id, manager_id, crm_user, day, booked_in, rule, kpi, outcome, points, side, value, bound,
       evidence, rulebook_id, created_at, hash FROM ledger_entries ORDER BY team_id, seq
"""
NAMES = ("team", "seq", "kind", "run", "manager", "crm_user", "day", "booked_in", "rule", "kpi", "outcome", "points",
         "side", "value", "bound")  # fmt: skip


class BusyClient(demo_client.DemoClient):
    """State a few deals and tasks of each person, other ones each day."""

    people = 40

    async def users(self) -> list[CrmUser]:
        """List the managers."""
        return [CrmUser(str(user), f"Manager {user}") for user in range(1, self.people + 1)]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records, person after person."""
        cutoff = request.window.cutoff
        chance = random.Random(cutoff.isoformat())
        for user in range(1, self.people + 1):
            for number in range(6):
                at, key = BORN + timedelta(days=chance.randrange(50)), user * 1000 + chance.randrange(40)
                amount = Money(Decimal(number * 1000), "RUB")
                yield Deal(
                    f"9{key}", f"Поставка фильтров, {key}", str(user), DealState.OPEN, at, stage_since=at,
                    amount=amount, has_task=number % 2 == 0,
                )  # fmt: skip
            for _ in range(3):
                key, deadline = user * 1000 + chance.randrange(40), cutoff - timedelta(days=chance.randrange(1, 9))
                yield Task(f"7{key}", f"Позвонить {key}", str(user), deadline=deadline, created_at=BORN)
        for kind in request.kinds:
            yield Completed(kind, cutoff)


def _settings(url: str, people: int, teams: int) -> Settings:
    rules: list[dict[str, Any]] = [{"kpi": kpi, "at_most": 0} for kpi in ("overdue_tasks", "deals_without_task")]
    rules += [{"kpi": kpi, "at_least": 1} for kpi in ("calls_held", "companies_added", "meetings_held")]
    members = [[str(team * people + user) for user in range(1, people + 1)] for team in range(teams)]
    tables = {f"t{team}": {"crm": "main", "members": {"users": members[team]}, "rules": rules} for team in range(teams)}
    return build({"database": {"url": url}, "crm": {"main": {"kind": "demo"}}, "teams": tables})


async def _live(settings: Settings, days: int) -> None:
    """Score the last working days."""
    calendar, day = settings.teams["t0"].calendar(), LAST
    cutoffs = []
    while len(cutoffs) < days:
        cutoffs.append((day, calendar.cutoff_of(day)))
        day = calendar.previous_workday(day)
    for day, cutoff in reversed(cutoffs):
        async with open_process(settings, clock=ProcessClock(cutoff + timedelta(seconds=30))) as process:
            if day == cutoffs[-1][0]:
                await store_teams(process)
                for team in settings.teams:
                    await learn_members(process, team)
            for result in await run_cutoff(process, DueCutoff("main", day, cutoff, tuple(settings.teams))):
                if result.run is None or result.problem:
                    raise SystemExit(f"the day failed: {result}")


def bare_chain(file: Path) -> tuple[float, int]:
    """Follow the chains with Python's own SQLite, JSON and SHA-256 alone; seconds of the processor, and entries."""
    begun, entries, last = time.process_time(), 0, dict[int, str]()
    with closing(sqlite3.connect(file)) as connection:
        versions = dict(connection.execute("SELECT id, version FROM rulebooks"))
        for *columns, evidence, rulebook, at, stored in connection.execute(ENTRIES):
            content = dict(zip(NAMES, columns, strict=True)) | {
                "evidence": json.loads(evidence), "rulebook": versions.get(rulebook, ""), "reverses": None,
                "reason": None, "at": at.replace(" ", "T") + "+00:00",
            }  # fmt: skip
            payload = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            before = last.get(content["team"], NO_HASH)
            if hashlib.sha256(f"{before}{payload}".encode()).hexdigest() != stored:
                raise SystemExit(f"the chain breaks at entry {content['seq']}")
            last[content["team"]] = stored
            entries += 1
    return time.process_time() - begun, entries


async def _verify(url: str, keys: list[str], worth: int) -> tuple[float, float]:
    """Verify the company and all teams; seconds of this process's processor, and seconds."""
    side_by_side.WORTH_PROCESSES = worth
    begun, busy = time.perf_counter(), time.process_time()
    async with await Database.open(url) as database:
        async with database.reading() as session:
            company = await verify_company(session)
        async for key, found in side_by_side.verify_teams(database, url, keys, company, datetime.now(UTC)):
            if isinstance(found, str) or found.problems:
                raise SystemExit(f"{key}: {found}")
    return time.process_time() - busy, time.perf_counter() - begun


def main() -> None:
    """Print how long an entry takes each way."""
    parser = argparse.ArgumentParser()
    for name, default in (("people", 20), ("days", 60), ("teams", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    logs.configure(level="ERROR")
    BusyClient.people = given.people * given.teams
    demo_client.DemoClient = BusyClient  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "verify.db"
        settings = _settings(f"sqlite:///{file}", given.people, given.teams)
        asyncio.run(_live(settings, given.days))
        keys, url = list(settings.teams), settings.database.url
        bare, entries = min(bare_chain(file) for _ in range(3))
        busy, alone = asyncio.run(_verify(url, keys, 10**9))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        _, beside = asyncio.run(_verify(url, keys, 0))
    print(f"{given.teams} teams of {given.people}, {given.days} days, {entries} entries; peak {peak:.0f} MB")
    print("| | seconds of the processor | µs an entry | × bare chain |\n| --- | --- | --- | --- |")
    for name, seconds in (("bare chain", bare), ("verify, one process", busy)):
        print(f"| {name} | {seconds:.2f} | {seconds / entries * 1e6:.0f} | {seconds / bare:.1f} |")
    print(f"side by side takes {beside / alone:.2f} of the time of one process, start of the processes included")


if __name__ == "__main__":
    main()
