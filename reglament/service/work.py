"""Do the work that an engine hands out: cutoffs, reminders, deliveries."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from bot.context import Live, LiveUnavailable
from reglament.day import due as due_times
from reglament.day import notifications
from reglament.day.audience import load_audience
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff, DueReminder, TeamClock
from reglament.day.foreign_clocks import ask_clocks
from reglament.day.troubles import Trouble, TroubleKind
from reglament.process import Process
from reglament.service.metrics import Metrics
from reglament.service.watch import Watch
from storage.days import heartbeats, instants, runs
from storage.days.terms_of_day import with_terms
from storage.messages import deliveries, rate_slots
from storage.values import JudgedDay, StoredSnapshot

log = structlog.get_logger()


@dataclass(slots=True)
class ServiceWork:
    """Execute the work of a process, by tables and settings."""

    process: Process
    teams: Mapping[str, TeamClock]
    live: Live
    send: Callable[[int], Awaitable[None]]
    metrics: Metrics = field(default_factory=Metrics)
    watch: Watch = field(default_factory=Watch)
    day_finished: Callable[[], None] = lambda: None
    """Told of every finished day, after its commit."""
    beats: dict[str, datetime] = field(default_factory=dict)
    """Last beats that this process wrote."""
    monotonic: Callable[[], float] = time.monotonic
    clock_trouble: Trouble | None = None
    """Why nothing is scored now."""
    _foreign: str = ""
    """The clocks that say that this machine's clock is wrong."""
    _compared_at: tuple[datetime, float] | None = None
    """This machine's clock, and monotonic seconds, when the clocks were last compared."""
    _quiet_until: dict[str, datetime] = field(default_factory=dict)
    """Next cutoffs of teams that have missed nothing."""
    _reminded: set[DueReminder] = field(default_factory=set)
    """Reminders handed out already; a second reading a minute later would not help."""

    async def look_at_clocks(self) -> None:
        """Compare this machine's clock with the clocks of others; a wrong clock ends the scoring until it is right."""
        now, db = self.process.now(), self.process.db
        if self._was_clock_set(now):
            self._quiet_until.clear()
            # A clock set back by hours would keep chats, messages and runs waiting for hours.
            if db.is_sqlite:
                await rate_slots.forget(db)
            await deliveries.retry_now(db, at=now)
            await runs.retry_now(db, at=now)
        self._compared_at = self.process.now(), self.monotonic()
        clocks = await ask_clocks(self.process)
        self._foreign = clocks.text if clocks.is_ours_wrong else ""
        if clocks.off:
            log.warning("clocks_differ", problem=clocks.text, ours_is_wrong=clocks.is_ours_wrong)

    def _was_clock_set(self, now: datetime) -> bool:
        """Tell whether the clock was set, or the machine slept, since the clocks were last compared."""
        if self._compared_at is None:
            return False
        then, seconds = self._compared_at
        passed = timedelta(seconds=self.monotonic() - seconds)
        return abs(now - then - passed) > instants.TOLERANCE

    async def _is_time_sane(self, now: datetime) -> bool:
        """Note whether the clock may be believed; a day stored later than now says that it may not."""
        if self._was_clock_set(now):
            await self.look_at_clocks()
        async with self.process.db.reading() as session:
            future = await instants.future_instant(session, now)
        detail = self._foreign
        if future is not None:
            detail = f"the database holds an instant of the future, {future:%Y-%m-%d %H:%M} UTC (run --accept-clock)"
        if not detail:
            self.clock_trouble = None
        elif self.clock_trouble is None or self.clock_trouble.problem != detail:
            self.clock_trouble = Trouble(TroubleKind.CLOCK, now, problem=detail)
            log.error("clock_is_wrong", problem=detail)
        return self.clock_trouble is None

    async def due(self) -> tuple[list[DueCutoff], list[DueReminder]]:
        """List the cutoffs without a finished run, oldest first, and the reminders not handed out yet.

        A clock that is wrong makes nothing due.
        """
        now = self.process.now()
        if not await self._is_time_sane(now):
            return [], []
        cutoffs = await self._due_cutoffs(now)
        reminders = [due for due in due_times.due_reminders(self.teams.values(), now) if due not in self._reminded]
        self._reminded.update(reminders)
        return cutoffs, reminders

    async def _due_cutoffs(self, now: datetime) -> list[DueCutoff]:
        """List the cutoffs to run now; a team that has missed nothing is not looked at before its next cutoff."""
        days = self.process.settings.catch_up_days
        awake = [team for team in self.teams.values() if self._quiet_until.get(team.key, now) <= now]
        since = due_times.awaited_since(awake, now, days)
        if since is None:
            return []
        today = max(team.calendar.local_date(now) for team in awake)
        async with self.process.db.reading() as session:
            finished = await runs.finished_by_team(session, since, today)
            waiting = await runs.retry_times(session)
        for team in awake:
            if not due_times.missed(team, finished.get(team.key, frozenset()), now, days):
                self._quiet_until[team.key] = due_times.next_cutoff(team, now)
        return due_times.due_cutoffs(awake, finished, waiting, now, days)

    async def cutoff(self, due: DueCutoff) -> bool:
        """Run a cutoff; return whether any team's day was finished."""
        self.watch.cutoff_begins(due)
        try:
            results = await run_cutoff(self.process, due)
        except Exception as error:
            self.watch.cutoff_failed(due, error)
            raise
        self.watch.cutoff_ends(results)
        finished = [result for result in results if result.run is not None and not result.already]
        self.metrics.days.inc(len(finished))
        if finished:
            self.day_finished()
        return bool(finished)

    async def reminder(self, due: DueReminder) -> None:
        """Read the team as of now and remind the managers who would lose points."""
        process, now = self.process, self.process.now()
        try:
            reading = await self.live.fresh(due.team, now) or await self.live.read(due.team, now)
        except LiveUnavailable as error:
            log.warning("no_reminder", team=due.team, problem=str(error))
            return
        if reading is None or reading.day != due.day:
            return
        async with process.db.transaction() as session:
            of_team = JudgedDay(due.team, process.settings.teams[due.team].crm, due.day, reading.rulebook)
            items = await with_terms(session, of_team, [StoredSnapshot(snapshot) for snapshot in reading.snapshots])
            cards = [item.score(reading.rulebook, due.day) for item in items]
            audience = await load_audience(process, session, due.team)
            news = notifications.reminders(due.team, due.day, cards, audience)
            await notifications.enqueue(process, session, news)

    async def unsent(self, limit: int) -> list[int]:
        """List the deliveries that may be sent now, oldest first."""
        return [delivery.id for delivery in await deliveries.due(self.process.db, at=self.process.now(), limit=limit)]

    async def deliver(self, delivery_id: int) -> None:
        """Send a delivery."""
        await self.send(delivery_id)
        self.metrics.sent.inc()

    async def beat(self, name: str) -> None:
        """Store the heartbeat of loop `name`."""
        await self.beat_at(name, self.process.now())

    async def beat_at(self, name: str, at: datetime) -> None:
        """Store a heartbeat of an instant."""
        async with self.process.db.transaction() as session:
            await heartbeats.beat(session, name, at=at)
        self.beats[name] = at

    async def forget_beats(self) -> None:
        """Delete the heartbeats of this process at a clean stop: `health` then says so."""
        async with self.process.db.transaction() as session:
            await heartbeats.forget(session, self.beats)
