"""APScheduler as the clock's hand: it wakes the engine on the second and remembers nothing (docs/architecture.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from reglament.day.due import TeamClock, next_wake

RECHECK = timedelta(minutes=1)
"""The next instant is computed anew at least so often: the machine may have slept, its clock may have been set."""
_NEXT = "next"


class Scheduler:
    """Calls `wake` at every cutoff and reminder, and now and then in between."""

    def __init__(self, teams: Iterable[TeamClock], wake: Callable[[], None], now: Callable[[], datetime]) -> None:
        self._teams = tuple(teams)
        self._wake = wake
        self._now = now
        # The default grace of one second drops a job on a busy loop; ours may always run late, and once.
        self._scheduler = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )

    def daily(self, work: Callable[[], Awaitable[None]]) -> None:
        """Also do `work` at the start and then once a day."""
        self._scheduler.add_job(work, IntervalTrigger(days=1), next_run_time=datetime.now(UTC))

    def start(self) -> None:
        """Begin; must be called inside the event loop."""
        self._scheduler.add_job(self._tick, IntervalTrigger(seconds=int(RECHECK.total_seconds())))
        self._scheduler.start()
        self._tick()

    def stop(self) -> None:
        """End at once; what runs elsewhere goes on."""
        self._scheduler.shutdown(wait=False)

    def _tick(self) -> None:
        """Wake the engine, and come back on the second of the next cutoff or reminder."""
        self._wake()
        now = self._now()
        at = next_wake(self._teams, now)
        if at is not None:
            real = datetime.now(UTC) + (at - now)
            self._scheduler.add_job(self._tick, DateTrigger(real), id=_NEXT, replace_existing=True)
