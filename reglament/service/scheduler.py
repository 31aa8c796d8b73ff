"""Wake the engine on the second of each cutoff and reminder by APScheduler (docs/architecture.md).

The scheduler stores no jobs: the next instant is computed from settings and clock.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reglament.day.due import TeamClock, next_wake

RECHECK = timedelta(minutes=1)
"""Longest time until the next instant is computed anew: the machine may have slept, or the clock may have been set."""
_NEXT = "next"


class Scheduler:
    """Call `wake` at every cutoff and reminder, and once a minute in between."""

    def __init__(self, teams: Iterable[TeamClock], wake: Callable[[], None], now: Callable[[], datetime]) -> None:
        self._teams = tuple(teams)
        self._wake = wake
        self._now = now
        # The default grace of one second drops a job on a busy loop; ours may always run late, and once.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def daily(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` at the start and then once a day."""
        self._scheduler.add_job(work, IntervalTrigger(days=1), next_run_time=datetime.now(UTC))

    def hourly(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` at the start and then once an hour."""
        self._scheduler.add_job(work, IntervalTrigger(hours=1), next_run_time=datetime.now(UTC))

    def often(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run `work` every two minutes, first in two minutes."""
        self._scheduler.add_job(work, IntervalTrigger(minutes=2))

    def start(self) -> None:
        """Start waking; must be called inside the event loop."""
        self._scheduler.add_job(self._tick, IntervalTrigger(seconds=int(RECHECK.total_seconds())))
        self._scheduler.start()
        self._tick()

    def stop(self) -> None:
        """Stop waking at once; running work goes on."""
        self._scheduler.shutdown(wait=False)

    def _tick(self) -> None:
        """Wake the engine and schedule the next tick on the second of the next cutoff or reminder."""
        self._wake()
        now = self._now()
        at = next_wake(self._teams, now)
        if at is not None:
            real = datetime.now(UTC) + (at - now)
            self._scheduler.add_job(self._tick, DateTrigger(real), id=_NEXT, replace_existing=True)
