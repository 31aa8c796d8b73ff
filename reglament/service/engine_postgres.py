"""Spread due work over all replicas on PostgreSQL by Procrastinate (docs/architecture.md).

Jobs carry only names and ids; the tables decide at execution, so a job may come twice or late. The jobs of a killed
worker are rescued by other workers, and a sweep queues again all work that the tables still show as due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import structlog
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.types import JSONValue

from reglament.day.due import DueCutoff, DueReminder
from reglament.service.engine import SENDERS, SWEEP_SECONDS, Work
from storage.db.database import Session
from storage.db.sql import driver_connection
from storage.errors import StorageError

log = structlog.get_logger()

STALLED_SECONDS = 30.0
"""Age of a worker's heartbeat from which the worker counts as dead."""
RESCUE_SECONDS = 10.0
"""Pause between two rescues of a dead worker's jobs."""
RUNS, DELIVERIES = "runs", "deliveries"
_LIVE = ("todo", "doing")


@dataclass
class PostgresEngine:
    """Execute work together with every other replica."""

    work: Work
    conninfo: str
    runs_at_once: int
    """Cutoffs and reminders that this process works on at once: enough for all connections and teams, because a run
    mostly waits for the CRM, and CRMs that hang must leave room for all others."""
    scheduler: bool = True
    worker: bool = True
    sweep_seconds: float = SWEEP_SECONDS
    stalled_seconds: float = STALLED_SECONDS
    rescue_seconds: float = RESCUE_SECONDS

    def __post_init__(self) -> None:
        self._nudge = asyncio.Event()
        self._app = App(connector=PsycopgConnector(conninfo=self.conninfo))
        self._cutoff = self._app.task(name="cutoff", queue=RUNS)(self._run_cutoff)
        self._remind = self._app.task(name="reminder", queue=RUNS)(self._run_reminder)
        self._deliver = self._app.task(name="deliver", queue=DELIVERIES)(self._run_delivery)

    async def enqueue(self, session: Session, ids: Sequence[int]) -> None:
        """Queue jobs for new deliveries, in the transaction that wrote the deliveries."""
        raw = await driver_connection(session)
        deferrer = self._deliver.configure(connection=raw)
        jobs: list[dict[str, JSONValue]] = [{"delivery_id": delivery_id} for delivery_id in ids]
        await deferrer.batch_defer_async(*jobs)

    def wake(self) -> None:
        """Look for due work at once."""
        self._nudge.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Look, rescue and work until `stop`."""
        async with self._app.open_async():
            tasks: list[asyncio.Task[None]] = []
            async with asyncio.TaskGroup() as group:
                if self.scheduler:
                    tasks.append(group.create_task(self._rounds("scheduler", self.sweep_seconds, self._look)))
                if self.worker:
                    tasks.append(group.create_task(self._rounds("worker", self.rescue_seconds, self._rescue)))
                    tasks.append(group.create_task(self._worker(RUNS, concurrency=self.runs_at_once)))
                    tasks.append(group.create_task(self._worker(DELIVERIES, concurrency=SENDERS)))
                await stop.wait()
                for task in tasks:
                    task.cancel()

    async def _worker(self, queue: str, *, concurrency: int) -> None:
        await self._app.run_worker_async(
            queues=[queue],
            concurrency=concurrency,
            install_signal_handlers=False,
            shutdown_graceful_timeout=30,
            delete_jobs="successful",
            stalled_worker_timeout=self.stalled_seconds,
        )

    async def _rounds(self, name: str, seconds: float, look: Any) -> None:
        while True:
            self._nudge.clear()
            try:
                await look()
                await self.work.beat(name)
            except (StorageError, ProcrastinateException) as error:
                log.error("database_trouble", loop=name, problem=type(error).__name__)
            except Exception:  # without a beat `health` tells of the loop, and the next look may succeed
                log.exception("look_failed", loop=name)
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._nudge.wait()

    # What is due becomes jobs

    async def _look(self) -> None:
        cutoffs, reminders = await self.work.due()
        for due in cutoffs:
            await self._defer_once(
                f"cutoff:{due.connection}",
                self._cutoff,
                connection_key=due.connection,
                day=due.day.isoformat(),
                cutoff=due.cutoff.isoformat(),
                teams=list(due.teams),
            )
        for reminder in reminders:
            await self._defer_once(
                f"reminder:{reminder.team}:{reminder.day}",
                self._remind,
                team=reminder.team,
                day=reminder.day.isoformat(),
                cutoff=reminder.cutoff.isoformat(),
            )
        waiting = await self.work.unsent(limit=500)
        queued = await self._queued(DELIVERIES)
        for delivery_id in waiting:
            if delivery_id not in queued:
                await self._deliver.defer_async(delivery_id=delivery_id)

    async def _defer_once(self, lock: str, task: Any, **arguments: Any) -> None:
        """Queue a job unless a job with this lock is waiting or running.

        The job has a lock and no queueing lock: with both, Procrastinate cannot rescue a stalled job.
        """
        for status in _LIVE:
            if list(await self._app.job_manager.list_jobs_async(lock=lock, status=status)):
                return
        await task.configure(lock=lock).defer_async(**arguments)

    async def _queued(self, queue: str) -> set[int]:
        jobs = [
            job for status in _LIVE for job in await self._app.job_manager.list_jobs_async(queue=queue, status=status)
        ]
        return {int(str(job.task_kwargs["delivery_id"])) for job in jobs}

    async def _rescue(self) -> None:
        """Queue the jobs of dead workers again; a job that cannot be rescued must not stop the rescue of others."""
        for job in await self._app.job_manager.get_stalled_jobs(seconds_since_heartbeat=self.stalled_seconds):
            try:
                await self._app.job_manager.retry_job(job)
                log.warning("job_rescued", task=job.task_name, job=job.id)
            except ProcrastinateException as error:
                log.error("job_not_rescued", job=job.id, problem=type(error).__name__)

    # Jobs become work

    async def _run_cutoff(self, connection_key: str, day: str, cutoff: str, teams: list[str]) -> None:
        due = DueCutoff(connection_key, date.fromisoformat(day), datetime.fromisoformat(cutoff), tuple(teams))
        if await self.work.cutoff(due):
            self.wake()

    async def _run_reminder(self, team: str, day: str, cutoff: str) -> None:
        await self.work.reminder(DueReminder(team, date.fromisoformat(day), datetime.fromisoformat(cutoff)))

    async def _run_delivery(self, delivery_id: int) -> None:
        await self.work.deliver(delivery_id)
