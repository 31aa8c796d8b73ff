"""Execute due work in this process, beside a SQLite file (docs/architecture.md).

The tables hold the truth: finished days and unsent messages. An engine only decides which process does the work and
when. On SQLite this process does all of the work; on PostgreSQL Procrastinate spreads the work over all replicas
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
"""Messages that a process prepares side by side; the courier keeps only a few messages between request and answer."""
AT_ONCE = 500
"""Messages that are looked up together."""
SWEEP_SECONDS = 5.0
"""Pause between two looks at the tables."""


class Work(Protocol):
    """List and execute due work, alike for every engine."""

    async def due(self) -> tuple[list[DueCutoff], list[DueReminder]]:
        """List the cutoffs and reminders that are due by the stored runs."""

    async def cutoff(self, due: DueCutoff) -> bool:
        """Run a connection's cutoff; return whether any team's day was finished."""

    async def reminder(self, due: DueReminder) -> None:
        """Write the reminders of a team."""

    async def unsent(self, limit: int) -> list[int]:
        """List the ids of deliveries that may be sent now."""

    async def deliver(self, delivery_id: int) -> None:
        """Send a delivery."""

    async def beat(self, name: str) -> None:
        """Store the heartbeat of loop `name` for `health`."""


class Engine(Protocol):
    """Execute work until stopped."""

    async def enqueue(self, session: Session, ids: Sequence[int]) -> None:
        """Take note of deliveries written in this transaction."""

    def wake(self) -> None:
        """Look for due work at once."""

    async def run(self, stop: asyncio.Event) -> None:
        """Execute due work until `stop`, then finish the work in hand."""


@dataclass(slots=True)
class LocalEngine:
    """Execute all work in this process."""

    work: Work
    scheduler: bool = True
    worker: bool = True
    sweep_seconds: float = SWEEP_SECONDS
    _runs: asyncio.Event = field(default_factory=asyncio.Event)
    _messages: asyncio.Event = field(default_factory=asyncio.Event)
    _busy: set[str] = field(default_factory=set)
    """Connections in work; a slow connection keeps no other connection waiting."""
    _group: asyncio.TaskGroup | None = None

    async def enqueue(self, _session: Session, _ids: Sequence[int]) -> None:
        """Nudge the sending loop; the messages become visible when the transaction commits."""
        self._messages.set()

    def wake(self) -> None:
        """Look for due work at once."""
        self._runs.set()
        self._messages.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look for due days and unsent messages until `stop`."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            if self.worker:
                group.create_task(self._round("runs", self._runs, stop, self._start_due_work))
                group.create_task(self._round("deliveries", self._messages, stop, self._send_all))
            await stop.wait()
            self.wake()

    async def _round(
        self, name: str, nudge: asyncio.Event, stop: asyncio.Event, look: Callable[[], Awaitable[None]]
    ) -> None:
        """Look, then wait for a nudge or the next sweep; trouble with the database is waited out."""
        while not stop.is_set():
            nudge.clear()
            try:
                await look()
                await self.work.beat(name)
            except StorageError as error:
                log.error("database_trouble", loop=name, problem=str(error))
            except Exception:  # without a beat `health` tells of the loop, and the next look may succeed
                log.exception("look_failed", loop=name)
            try:
                async with asyncio.timeout(self.sweep_seconds):
                    await nudge.wait()
            except TimeoutError:
                continue

    async def _start_due_work(self) -> None:
        """Start the due cutoffs: one after another within a connection, connections side by side."""
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
        """Send all deliveries that may be sent now, `SENDERS` at a time."""
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
    """Await a piece of work and log a failure, which must not stop other work; the tables bring the work again."""
    try:
        return bool(await work)
    except StorageError as error:
        log.error("database_trouble", what=what, problem=str(error))
    except Exception:
        log.exception("work_failed", what=what)
    return False
