"""Both engines do the same work: due days once, every message, none lost when a worker dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import psycopg
import pytest

from reglament.day.due import DueCutoff, DueReminder
from reglament.service.engine import Engine, LocalEngine
from reglament.service.engine_postgres import PostgresEngine
from storage.db.database import Database, Session

DUE = DueCutoff("main", date(2026, 11, 19), datetime(2026, 11, 19, 15, tzinfo=UTC), ("sales", "service"))
HANGING = 13
REMINDER = DueReminder("sales", date(2026, 11, 19), datetime(2026, 11, 19, 15, tzinfo=UTC))


@dataclass
class RecordedWork:
    """Due work that is gone once it is done."""

    cutoffs: list[DueCutoff] = field(default_factory=list)
    reminders: list[DueReminder] = field(default_factory=list)
    pending: set[int] = field(default_factory=set)
    done: list[object] = field(default_factory=list)
    beats: set[str] = field(default_factory=set)
    trouble: int = 0
    """So many cutoffs fail before one works."""
    hanging: set[str] = field(default_factory=set)
    """Connections whose CRM does not answer until `answers`."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def due(self) -> tuple[list[DueCutoff], list[DueReminder]]:
        reminders, self.reminders = self.reminders, []
        return list(self.cutoffs), reminders

    async def cutoff(self, due: DueCutoff) -> bool:
        if self.trouble:
            self.trouble -= 1
            raise RuntimeError("made up")
        if due.connection in self.hanging:
            self._note(due.connection)
            await self.answers.wait()
        self._note(due)
        if due in self.cutoffs:
            self.cutoffs.remove(due)
        return True

    async def reminder(self, due: DueReminder) -> None:
        self._note(due)

    async def unsent(self, limit: int) -> list[int]:
        return sorted(self.pending)[:limit]

    async def deliver(self, delivery_id: int) -> None:
        if delivery_id in self.pending:
            self.pending.discard(delivery_id)
            self._note(delivery_id)

    async def beat(self, name: str) -> None:
        self.beats.add(name)
        self.changed.set()

    def _note(self, what: object) -> None:
        self.done.append(what)
        self.changed.set()

    async def until(self, done: Sequence[object]) -> None:
        """Wait for events, not for time; the limit only ends a broken test."""
        async with asyncio.timeout(60):
            while not all(item in self.done for item in done):
                self.changed.clear()
                await self.changed.wait()


def make_engine(kind: str, work: RecordedWork, url: str) -> Engine:
    if kind == "local":
        return LocalEngine(work, sweep_seconds=0.05)
    return PostgresEngine(work, url, HANGING + 1, sweep_seconds=0.05, rescue_seconds=0.2, stalled_seconds=1)


@asynccontextmanager
async def running(engine: Engine) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.ensure_future(engine.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(60):
            await task


@pytest.fixture(params=["local", "postgres"])
def kind(request):
    return request.param


@pytest.fixture
def work():
    return RecordedWork()


async def test_due_days_reminders_and_messages_are_done(kind, work, postgresql_url):
    work.cutoffs, work.reminders, work.pending = [DUE], [REMINDER], {1, 2, 3}
    async with running(make_engine(kind, work, postgresql_url)):
        await work.until([DUE, REMINDER, 1, 2, 3])
    assert work.beats


async def test_work_that_fails_comes_again(kind, work, postgresql_url):
    work.cutoffs, work.trouble = [DUE], 2
    async with running(make_engine(kind, work, postgresql_url)):
        await work.until([DUE])


async def test_connections_that_hang_delay_no_other(kind, work, postgresql_url):
    work.hanging = {f"hangs{number}" for number in range(HANGING)}
    hanging = [replace(DUE, connection=name) for name in sorted(work.hanging)]
    work.cutoffs = list(hanging)
    async with running(make_engine(kind, work, postgresql_url)):
        await work.until(sorted(work.hanging))
        work.cutoffs.append(DUE)
        await work.until([DUE])
        assert not set(hanging) & set(work.done)
        work.answers.set()
        await work.until(hanging)


async def test_jobs_are_queued_in_the_transaction_that_wrote_the_messages(work, postgresql_url):
    engine = make_engine("postgres", work, postgresql_url)
    async with await Database.open(postgresql_url) as db:
        async with db.transaction() as session:
            await engine.enqueue(session, [7, 8])
        with pytest.raises(RuntimeError):
            await _enqueue_and_fail(db, engine)
    with psycopg.connect(postgresql_url) as connection:
        rows = connection.execute("SELECT args FROM procrastinate_jobs ORDER BY id").fetchall()
    assert [row[0]["delivery_id"] for row in rows] == [7, 8]
    work.pending = {7, 8}
    async with running(engine):
        await work.until([7, 8])


async def _enqueue_and_fail(db: Database, engine: Engine) -> None:
    async def write(session: Session) -> None:
        await engine.enqueue(session, [9])
        raise RuntimeError("made up")

    async with db.transaction() as session:
        await write(session)


async def test_a_dead_workers_job_is_rescued_by_another(work, postgresql_url):
    """A worker that was killed left a job `doing` under a heartbeat that has stopped."""
    engine = make_engine("postgres", work, postgresql_url)
    async with await Database.open(postgresql_url) as db, db.transaction() as session:
        await engine.enqueue(session, [5])
    with psycopg.connect(postgresql_url, autocommit=True) as connection:
        connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )
    work.pending = {5}
    engine.scheduler = False  # type: ignore[attr-defined]
    async with running(engine):
        await work.until([5])
