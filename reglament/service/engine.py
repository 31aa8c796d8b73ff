"""Who executes due work (docs/architecture.md).

The tables hold the truth: which days are finished, which messages are unsent. An engine only decides who does what and
when. On SQLite this process does everything itself; on PostgreSQL Procrastinate spreads it over all replicas
(`engine_postgres.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import structlog

from reglament.day.due import DueCutoff, DueReminder
from storage.db.database import Session
from storage.errors import StorageError

log = structlog.get_logger()

SENDERS = 8
"""Messages one process prepares side by side; the courier lets only few be between request and answer at once."""
AT_ONCE = 500
"""Messages that are looked up together."""
SWEEP_SECONDS = 5.0


class Work(Protocol):
    """What there is to do, and how it is done; the same for every engine."""

    async def due(self) -> tuple[list[DueCutoff], list[DueReminder]]:
        """What falls due now, by the stored runs."""

    async def cutoff(self, due: DueCutoff) -> bool:
        """Run one connection's cutoff; whether any team's day was finished by it."""

    async def reminder(self, due: DueReminder) -> None:
        """Order the reminders of a team."""

    async def unsent(self, limit: int) -> list[int]:
        """Deliveries that may be sent now."""

    async def deliver(self, delivery_id: int) -> None:
        """Send one."""

    async def beat(self, name: str) -> None:
        """Tell `health` that a loop went round."""


class Engine(Protocol):
    """Executes work until it is stopped."""

    async def enqueue(self, session: Session, ids: Sequence[int]) -> None:
        """Deliveries were written in this transaction."""

    def wake(self) -> None:
        """Something may be due."""

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop`, then finish what is in hand."""


@dataclass(slots=True)
class LocalEngine:
    """Everything in this process, beside a SQLite file."""

    work: Work
    scheduler: bool = True
    worker: bool = True
    sweep_seconds: float = SWEEP_SECONDS
    _runs: asyncio.Event = field(default_factory=asyncio.Event)
    _messages: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: set[str] = field(default_factory=set)
    """Connections that are being read: a slow one keeps no other waiting."""
    _group: asyncio.TaskGroup | None = None

    async def enqueue(self, _session: Session, _ids: Sequence[int]) -> None:
        """The messages become visible when the transaction commits; the sweep or this nudge finds them."""
        self._messages.set()

    def wake(self) -> None:
        """Look at once."""
        self._runs.set()
        self._messages.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look for due days and unsent messages until `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            if self.worker:
                group.create_task(self._round("runs", self._runs, stop, self._due_work))
                group.create_task(self._round("deliveries", self._messages, stop, self._send_all))
            await stop.wait()
            self.wake()

    async def _round(
        self, name: str, nudge: asyncio.Event, stop: asyncio.Event, look: Callable[[], Awaitable[None]]
    ) -> None:
        """Look, then wait for a nudge or the next sweep; a database in trouble is waited out, not fatal."""
        while not stop.is_set():
            nudge.clear()
            try:
                await look()
                await self.work.beat(name)
            except StorageError as error:
                log.error("database_trouble", loop=name, problem=str(error))
            try:
                async with asyncio.timeout(self.sweep_seconds):
                    await nudge.wait()
            except TimeoutError:
                continue

    async def _due_work(self) -> None:
        """One after another within a connection, connections side by side."""
        assert self._group is not None  # noqa: S101  # set by `run`
        cutoffs, reminders = await self.work.due()
        by_connection: dict[str, list[DueCutoff]] = {}
        for due in cutoffs:
            by_connection.setdefault(due.connection, []).append(due)
        for connection, dues in by_connection.items():
            if connection not in self._busy:
                self._busy.add(connection)
                self._group.create_task(self._in_turn(connection, dues))
        for reminder in reminders:
            self._group.create_task(_guarded("reminder", self.work.reminder(reminder)))

    async def _in_turn(self, connection: str, dues: Sequence[DueCutoff]) -> None:
        try:
            for due in dues:
                if await _guarded("cutoff", self.work.cutoff(due)):
                    self.wake()  # its messages, and the next day that is missed
        finally:
            self._busy.discard(connection)

    async def _send_all(self) -> None:
        """Send until nothing is left that may go out now, `SENDERS` at a time."""
        tried: set[int] = set()
        while fresh := [key for key in await self.work.unsent(limit=AT_ONCE) if key not in tried]:
            tried.update(fresh)
            await self._send_these(fresh)

    async def _send_these(self, ids: Sequence[int]) -> None:
        waiting: asyncio.Queue[int] = asyncio.Queue()
        for delivery_id in ids:
            waiting.put_nowait(delivery_id)

        async def sender() -> None:
            while not waiting.empty():
                await _guarded("delivery", self.work.deliver(waiting.get_nowait()))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(SENDERS, waiting.qsize())):
                group.create_task(sender())


async def _guarded(what: str, work: Awaitable[bool | None]) -> bool:
    """One piece of work that fails must not stop the others; it stays in the tables and comes again."""
    try:
        return bool(await work)
    except StorageError as error:
        log.error("database_trouble", what=what, problem=str(error))
    except Exception:
        log.exception("work_failed", what=what)
    return False
