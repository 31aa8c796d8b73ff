"""How long the evening of many teams takes, from the cutoff to the last ledger: `python -m benchmarks.fleet`.

    python -m benchmarks.fleet                                       200 teams of 10, SQLite with one worker
    python -m benchmarks.fleet --teams 1000 --database postgresql    1,000 teams of 10, with 1, 2 and 4 workers

Teams are spread over eight connections, whose cutoffs the workers share; the CRM answers at once. The first day, which
begins the journals, is not measured. Beside each evening stands a bare evening in the same run: per team one
transaction that inserts as many rows of entries, snapshots and messages, without reading or scoring.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from benchmarks.made_up import counted, databases, made_up_crowd, settings_of, watched_loop
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.gc_tuning import keep_what_is_loaded
from reglament.process import Process, ProcessClock, open_process, store_teams
from storage.db.schema import upgrade

CONNECTIONS = 8
FIRST = datetime(2026, 11, 16, 15, tzinfo=UTC)
"""Cutoff of a Monday."""


async def work(asked: argparse.Namespace) -> dict[str, float]:
    """Run the cutoffs of this worker's connections, one after the other."""
    settings = settings_of(asked.url, asked.teams, CONNECTIONS)
    cutoff = FIRST + timedelta(days=asked.day)
    async with open_process(settings, clock=ProcessClock(cutoff + timedelta(seconds=1))) as process:
        if asked.day == 0:
            await store_teams(process)
        keep_what_is_loaded()
        begun, processor = time.perf_counter(), time.process_time()
        with counted() as statements:
            async with watched_loop() as longest:
                for number in range(asked.worker, CONNECTIONS, asked.workers):
                    await _evening(process, f"crm{number}", cutoff)
        return {
            "seconds": time.perf_counter() - begun,
            "processor": time.process_time() - processor,
            "statements": statements.count,
            "block": longest.seconds,
        }


async def _evening(process: Process, connection: str, cutoff: datetime) -> None:
    teams = tuple(key for key, team in process.settings.teams.items() if team.crm == connection)
    results = await run_cutoff(process, DueCutoff(connection, cutoff.date(), cutoff, teams))
    lacking = [result for result in results if result.run is None or result.problem]
    if lacking:
        raise SystemExit(f"{len(lacking)} days failed: {lacking[0].problem}")


def evening(url: str, teams: int, size: int, day: int, workers: int) -> dict[str, float]:
    """Run an evening with several workers, each a process; sums of their work, and the slowest worker's seconds."""
    own = ["--url", url, "--teams", str(teams), "--size", str(size), "--day", str(day), "--workers", str(workers)]
    command = [sys.executable, "-m", "benchmarks.fleet", "--as-worker"]
    started = [
        subprocess.Popen([*command, *own, "--worker", str(number)], stdout=subprocess.PIPE, text=True)
        for number in range(workers)
    ]
    told = [json.loads(each.communicate()[0].splitlines()[-1]) for each in started]
    largest = {key: max(each[key] for each in told) for key in ("seconds", "block")}
    return largest | {key: sum(each[key] for each in told) for key in ("processor", "statements")}


def bare(url: str, teams: int, size: int) -> float:
    """Return the seconds of a bare evening: rows of the same number and about the same size."""
    driver = "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"
    engine = create_engine(make_url(url).set(drivername=driver))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE bare (kind TEXT, content TEXT)"))
    begun = time.perf_counter()
    for _ in range(teams):
        with engine.begin() as connection:
            for kind, rows in (("entry", 5 * size), ("snapshot", size), ("message", 1)):
                content = [{"kind": kind, "content": "x" * 200}] * rows
                connection.execute(text("INSERT INTO bare (kind, content) VALUES (:kind, :content)"), content)
    seconds = time.perf_counter() - begun
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE bare"))
    engine.dispose()
    return seconds


def measure(name: str, url: str, asked: argparse.Namespace) -> None:
    """Print a line for each number of workers."""
    upgrade(url)
    evening(url, asked.teams, asked.size, 0, 1)
    for day, workers in enumerate(asked.workers_in_turn if name == "postgresql" else [1], 1):
        plain = bare(url, asked.teams, asked.size)
        found = evening(url, asked.teams, asked.size, day, workers)
        print(
            f"| {name} | {asked.teams} × {asked.size} | {workers} | {found['seconds']:.1f} s "
            f"| {found['processor'] / asked.teams * 1000:.0f} ms | {found['statements'] / asked.teams:.1f} "
            f"| {plain:.1f} s | {found['seconds'] / plain:.1f}× | {found['block'] * 1000:.0f} ms |",
            flush=True,
        )


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--teams", type=int, default=200)
    parser.add_argument("--size", type=int, default=10)
    parser.add_argument("--database", nargs="+", default=["sqlite"], choices=["sqlite", "postgresql"])
    parser.add_argument("--workers-in-turn", type=int, nargs="+", default=[1, 2, 4])
    for name, kind in (("--as-worker", None), ("--url", str), ("--day", int), ("--workers", int), ("--worker", int)):
        how: dict[str, Any] = {"action": "store_true"} if kind is None else {"type": kind}
        parser.add_argument(name, help=argparse.SUPPRESS, **how)
    asked = parser.parse_args()
    if asked.as_worker:
        made_up_crowd(asked.teams * asked.size, asked.size)
        print(json.dumps(asyncio.run(work(asked))))
        return
    print(
        "| database | teams | workers | seconds | processor a team | statements a team | bare evening | ratio | block |"
    )
    print("|" + " --- |" * 9, flush=True)
    with databases(asked.database) as urls:
        for name, url in urls.items():
            measure(name, url, asked)


if __name__ == "__main__":
    main()
