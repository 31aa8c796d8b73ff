"""What an engine executes, by the tables and the settings: cutoffs, reminders, deliveries."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import structlog

from bot.context import Live, LiveUnavailable
from reglament.day import due as due_times
from reglament.day import notifications
from reglament.day.cutoff import Process, audience_of, order, run_cutoff
from reglament.day.due import DueCutoff, DueReminder, TeamClock
from scoring.scorecard import score
from storage.days import heartbeats, runs
from storage.messages import deliveries
from storage.people import absences, teams
from storage.values import RunState

log = structlog.get_logger()


async def clocks(process: Process) -> dict[str, TeamClock]:
    """The clocks of all teams in the settings."""
    result = {}
    async with process.db.reading() as session:
        for key, team in process.settings.teams.items():
            stored = await teams.find(session, key)
            result[key] = TeamClock(key, team.crm, team.calendar(), stored.scored_from, team.reminder_minutes)
    return result


@dataclass(slots=True)
class ServiceWork:
    """The work of one process."""

    process: Process
    teams: Mapping[str, TeamClock]
    live: Live
    send: Callable[[int], Awaitable[None]]
    _reminded: set[DueReminder] = field(default_factory=set)
    """Handed out already; a second reading a minute later would help nobody."""

    async def due(self) -> tuple[list[DueCutoff], list[DueReminder]]:
        """Cutoffs without a finished run, oldest first, and reminders that nobody ordered yet."""
        now = self.process.now()
        finished, waiting = await self._known(now)
        days = self.process.settings.catch_up_days
        cutoffs = due_times.due_cutoffs(self.teams.values(), finished, waiting, now, days)
        reminders = [due for due in due_times.due_reminders(self.teams.values(), now) if due not in self._reminded]
        self._reminded.update(reminders)
        return cutoffs, reminders

    async def _known(self, now: datetime) -> tuple[dict[str, frozenset[date]], dict[str, datetime]]:
        """Finished days by team, and until when postponed runs are to be left alone."""
        span = timedelta(days=3 * self.process.settings.catch_up_days + 31)
        finished: dict[str, frozenset[date]] = {}
        waiting: dict[str, datetime] = {}
        async with self.process.db.reading() as session:
            for key, team in self.teams.items():
                today = team.calendar.local_date(now)
                finished[key] = frozenset(await runs.finished_days(session, key, today - span, today))
            for run in await runs.unfinished(session):
                if run.state is RunState.POSTPONED and run.retry_at is not None:
                    waiting[run.team] = max(run.retry_at, waiting.get(run.team, run.retry_at))
        return finished, waiting

    async def cutoff(self, due: DueCutoff) -> bool:
        """Run it; whether any team's day was finished."""
        results = await run_cutoff(self.process, due)
        return any(result.run is not None and not result.already for result in results)

    async def reminder(self, due: DueReminder) -> None:
        """Read the team as it stands and remind those who would lose points now."""
        process, now = self.process, self.process.now()
        try:
            reading = await self.live.fresh(due.team, now) or await self.live.read(due.team, now)
        except LiveUnavailable as error:
            log.warning("no_reminder", team=due.team, problem=str(error))
            return
        if reading is None or reading.day != due.day:
            return
        async with process.db.transaction() as session:
            absent = await absences.absent_on(session, process.settings.teams[due.team].crm, due.day)
            cards = [
                score(snapshot, reading.rulebook, absent=snapshot.manager.crm_user in absent)
                for snapshot in reading.snapshots
            ]
            audience = await audience_of(process, session, due.team)
            await order(process, session, notifications.reminders(due.team, due.day, cards, audience))

    async def unsent(self, limit: int) -> list[int]:
        """Deliveries that may go out now, oldest first."""
        return [delivery.id for delivery in await deliveries.due(self.process.db, at=self.process.now(), limit=limit)]

    async def deliver(self, delivery_id: int) -> None:
        """Send one."""
        await self.send(delivery_id)

    async def beat(self, name: str) -> None:
        """Note that a loop went round."""
        async with self.process.db.transaction() as session:
            await heartbeats.beat(session, name, at=self.process.now())
