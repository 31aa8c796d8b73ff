"""How fast, how frugal and how small the CRM clients read, beside public libraries on the same fake server in one run.

Server and readers are processes of their own on this machine. The server keeps the CRM's true limit and answers 80 ms
late (BENCH_LATENCY, in seconds); nobody who reads is told of it. Everything is read but `deals_without_comment`.

    python -m benchmarks.read bitrix24                      the two smaller worlds
    python -m benchmarks.read amocrm --world 1000/200000    managers/deals
    python -m benchmarks.read bitrix24 --comments           deals_without_comment, first day and with the memory

The libraries are no dependencies of the project. To have their rows, install them into a folder and put it into
PYTHONPATH: `pip install --target DIR fast-bitrix24 b24pysdk amocrm-api`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, Self
from zoneinfo import ZoneInfo

import httpx

from crm_clients.base import CrmClient, DictMemory
from reglament.day.missing import missing
from reglament.day.read import read_connection
from reglament.gc_tuning import keep_what_is_loaded
from scoring.kpis import CATALOGUE, KpiSettings
from scoring.snapshot import Manager, Value
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window

WORLDS = ("20/2000", "200/20000", "1000/200000")
LATENCY = float(os.environ.get("BENCH_LATENCY", "0.08"))
"""Seconds of every answer of the server."""
COMMENTS = "deals_without_comment"
KPIS = tuple(key for key in CATALOGUE if key != COMMENTS)
DAY = timedelta(days=1)
ZONE = ZoneInfo("Europe/Moscow")
OURS = "reglament"


@dataclass(slots=True)
class Served:
    """A filled fake server."""

    handle: Callable[[httpx.Request], Any]
    fewest: int
    """Calls, if every list came in full pages and batches."""
    expected: Mapping[str, Mapping[str, int]]
    """By user, what must be counted; only what the contest checks."""
    count: Callable[[], Awaitable[tuple[int, int]]]
    """Calls and refusals since it was asked last."""


class Contest(Protocol):
    """What `benchmarks.read_<crm>` has."""

    LIBRARIES: Mapping[str, Callable[[str, datetime], int]]
    """Readers beside ours, by name, telling how many open deals they got; ImportError if one is not installed."""

    def fill(self, managers: int, deals: int, cutoff: datetime) -> Served:
        """The server."""

    def client(self, url: str, memory: DictMemory) -> CrmClient:
        """Our client."""

    def users(self, managers: int) -> list[str]:
        """The managers' ids."""

    def allowed(self, calls: int) -> float:
        """Seconds that calls take at the limit's pace."""


def contest(name: str) -> Contest:
    """The module of a CRM."""
    return import_module(f"benchmarks.read_{name}")  # type: ignore[return-value]


async def be_server(crm: str, managers: int, deals: int) -> None:
    """Serve until standard input closes; every line asks for the counters."""
    from tests.crm_clients.serving import serve

    cutoff = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=5)
    served = contest(crm).fill(managers, deals, cutoff)
    keep_what_is_loaded()  # a collection of all of it would hold requests back, and let them arrive together
    async with serve(served.handle) as url:
        told = {"url": url, "cutoff": cutoff.isoformat(), "fewest": served.fewest, "expected": served.expected}
        print(json.dumps(told), flush=True)
        loop = asyncio.get_running_loop()
        while (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            print(json.dumps(await served.count()), flush=True)


BEAT = 0.005
"""Seconds."""


class Heartbeat:
    """Notes for how long the event loop was busy with one thing, at most: the beat in which it began is counted too."""

    longest = 0.0

    async def __aenter__(self) -> Self:
        """Begin to beat."""
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop."""
        self._task.cancel()

    async def _beat(self) -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(BEAT)
            now = time.perf_counter()
            self.longest = max(self.longest, now - before)
            before = now


async def read_ours(crm: str, url: str, cutoff: datetime, managers: int, kpis: tuple[str, ...]) -> dict[str, Any]:
    """The client and the tally of one team, as the product runs them; comments once more with the memory."""
    field = contest(crm)
    users = field.users(managers)
    memory = DictMemory()
    results = []
    keep_what_is_loaded()
    for again in range(2 if COMMENTS in kpis else 1):
        await asyncio.sleep(30 * again)  # until the limit has rested
        client = field.client(url, memory)
        window = Window(cutoff - DAY, cutoff, cutoff - 2 * DAY)
        sheet = TallySheet({u: Manager(u, u) for u in users}, window, ZONE, kpis, KpiSettings())
        before, begun = rss_mb(), time.perf_counter()
        async with Heartbeat() as heart:
            known = {user.id for user in await client.users()}
            if not known.issuperset(users):
                raise SystemExit("the list of users is incomplete")
            reading = await read_connection(client, {"team": sheet}, timeout_seconds=7200)
        seconds, peak = time.perf_counter() - begun, peak_mb()
        requests = client.stats.requests
        await client.aclose()
        counted = {
            snapshot.manager.crm_user: {
                key: _size(reading.number) for key, reading in snapshot.readings.items() if isinstance(reading, Value)
            }
            for snapshot in reading.snapshots["team"]
        }
        results.append(
            {"seconds": seconds, "peak": peak, "above": peak - before, "block": heart.longest * 1000,
             "counted": counted, "failed": sorted(missing(reading.snapshots["team"]).values()), "requests": requests}
        )  # fmt: skip
    return {"reads": results}


def _size(number: Any) -> int:
    return number if isinstance(number, int) else int(sum(number.values()))


def read_library(crm: str, reader: str, url: str, cutoff: datetime) -> dict[str, Any]:
    """A library's way to the same rows."""
    before, begun = rss_mb(), time.perf_counter()
    deals = contest(crm).LIBRARIES[reader](url, cutoff)
    seconds, peak = time.perf_counter() - begun, peak_mb()
    return {"reads": [{"seconds": seconds, "peak": peak, "above": peak - before, "deals": deals}]}


def rss_mb() -> float:
    """What this process holds now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def peak_mb() -> float:
    """The most that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def measure(crm: str, world: str, readers: list[str], kpis: tuple[str, ...]) -> list[str]:
    """Lines of the table for one world."""
    server = _start("--serve", crm, "--world", world, stdin=subprocess.PIPE)
    told = json.loads(server.stdout.readline())  # type: ignore[union-attr]
    lines = []

    def counters() -> tuple[int, int]:
        server.stdin.write("count\n")  # type: ignore[union-attr]
        server.stdin.flush()  # type: ignore[union-attr]
        calls, refused = json.loads(server.stdout.readline())  # type: ignore[union-attr]
        return calls, refused

    for reader in readers:
        counters()
        child = _start(
            "--read", reader, crm, "--url", told["url"], "--cutoff", told["cutoff"], "--world", world,
            *(["--comments"] if COMMENTS in kpis else []),
        )  # fmt: skip
        said = child.communicate()[0]
        if child.returncode:
            lines.append(f"| {world} | {reader} | not installed or failed |" + " – |" * 7)
            continue
        reads = json.loads(said.splitlines()[-1])["reads"]
        calls, refused = counters()
        for place, read in enumerate(reads):
            mine = read.get("requests", calls)
            block = f"{read['block']:.0f} ms" if "block" in read else "–"
            name = f"{reader}, again" if place else reader
            lines.append(
                f"| {world} | {name} | {mine} | {told['fewest']} | {_seconds(read['seconds'])} "
                f"| {_seconds(contest(crm).allowed(mine))} | {read['peak']:.0f} | {read['above']:.0f} | {block} "
                f"| {_verdict(read, told['expected'], kpis)}, {refused} refused |"
            )
        time.sleep(30 if reader != readers[-1] else 0)  # the next one begins with a rested limit
    server.stdin.close()  # type: ignore[union-attr]
    server.wait(60)
    return lines


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _verdict(read: Mapping[str, Any], expected: Mapping[str, Mapping[str, int]], kpis: tuple[str, ...]) -> str:
    if "counted" not in read:
        return f"{read['deals']} of {sum(told.get('deals_open', 0) for told in expected.values())} open deals, raw"
    checked = [(u, key) for u, told in expected.items() for key in told if key in kpis]
    right = sum(read["counted"].get(user, {}).get(key) == expected[user][key] for user, key in checked)
    return f"{right}/{len(checked)}" + (f" failed: {read['failed'][0]}" if read["failed"] else "")


def _start(*arguments: str, stdin: int | None = None) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.read", *arguments]
    return subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, text=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crm", choices=["bitrix24", "amocrm"])
    parser.add_argument("--world", action="append", help=f"managers/deals, such as {', '.join(WORLDS)}")
    parser.add_argument("--comments", action="store_true", help="deals_without_comment alone")
    parser.add_argument("--only", metavar="READER", help=f"{OURS}, or one of the libraries")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--read", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--cutoff", type=datetime.fromisoformat, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    kpis = (COMMENTS,) if asked.comments else KPIS
    if asked.serve:
        asyncio.run(be_server(asked.crm, *map(int, asked.world[0].split("/"))))
        return
    if asked.read:
        managers = int(asked.world[0].split("/")[0])
        if asked.read == OURS:
            print(json.dumps(asyncio.run(read_ours(asked.crm, asked.url, asked.cutoff, managers, kpis))))
        else:
            print(json.dumps(read_library(asked.crm, asked.read, asked.url, asked.cutoff)))
        return
    readers = [OURS] if asked.comments else [OURS, *contest(asked.crm).LIBRARIES]
    columns = "world|reader|calls|fewest|seconds|limit allows|peak MB|of it reading|longest block|KPIs right"
    print(f"| {' | '.join(columns.split('|'))} |")
    print("|" + " --- |" * 10, flush=True)
    for world in asked.world or WORLDS[:2]:
        for line in measure(asked.crm, world, [asked.only] if asked.only else readers, kpis):
            print(line, flush=True)


if __name__ == "__main__":
    main()
