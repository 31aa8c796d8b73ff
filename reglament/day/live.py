"""Read the present state of a team for `/today`, the reminder and `snapshot`, without storing (docs/product.md §11)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bot.context import LiveReading, LiveUnavailable
from crm_clients.errors import CrmError
from reglament.config.team import TeamSettings
from reglament.crm_users import read_users
from reglament.day import tally_sheet
from reglament.day.clocks import load_clocks
from reglament.day.due import TeamClock, next_cutoff
from reglament.day.missing import unread_snapshot
from reglament.day.read import ConnectionReading, read_sheets
from reglament.day.roster import rosters
from reglament.day.shrunken import require_users, without_vanished
from reglament.day.zeros import without_unanswered
from reglament.process import Process
from scoring.rules import Rulebook
from scoring.snapshot import Cause, Manager, NotRead
from scoring.workdays import Window
from storage.days import rulebooks
from storage.days.earlier_runs import AskedRuns, load_earlier_runs
from storage.days.windows import load_window
from storage.db.database import Database
from storage.errors import NotFound
from storage.values import JudgedDay

FRESH = timedelta(minutes=5)
"""Age up to which a reading is shown without a new read."""
FIRST_LENGTH = timedelta(seconds=20)
"""Assumed length of a read before the first read was timed."""


@dataclass(frozen=True, slots=True)
class RunningDay:
    """Describe a business day as at the cutoff: for a day that runs, as it will be if nothing changes until then."""

    day: date
    window: Window
    rulebook: Rulebook

    def judged_day(self, team: str, connection: str) -> JudgedDay:
        """Return the day as one of a team."""
        return JudgedDay(team, connection, self.day, self.rulebook)


async def load_running_day(
    db: Database, key: str, team: TeamSettings, now: datetime, *, day: date | None = None
) -> RunningDay:
    """Return window and rulebook for a reading at `now`; on a day off of the next working day."""
    calendar = team.calendar()
    day = day or calendar.business_day(now)
    async with db.reading() as session:
        try:
            window = await load_window(session, key, calendar, day)
            rulebook = await rulebooks.rulebook_at(session, key, window.start)
        except NotFound:  # before the first start of the service: the settings'
            rulebook = team.rulebook()
            window = calendar.window(day, rulebook.window)
    return RunningDay(day, window, rulebook)


async def read_teams(process: Process, connection: str, wanted: Mapping[str, RunningDay]) -> ConnectionReading:
    """Read a connection once for the `wanted` teams. Raises CrmError if the list of users cannot be read or believed.

    What a cutoff would not believe is not shown either (`reglament.day.shrunken`), but nobody is asked.
    """
    users = await read_users(process, connection)
    async with process.db.reading() as session:
        await require_users(session, connection, users)
    teams = process.settings.teams_of(connection)
    teams |= {key: teams[key].judged_by(running.rulebook) for key, running in wanted.items()}
    found = rosters(teams, users)
    sheets = {}
    asked = {
        key: AskedRuns(each.day, each.window.cutoff, frozenset(each.rulebook.counted)) for key, each in wanted.items()
    }
    async with process.db.reading() as session:
        earlier = await load_earlier_runs(session, asked)
        for key, running in wanted.items():
            rulebook, window = running.rulebook, running.window
            judged = running.judged_day(key, connection)
            away = await tally_sheet.load_away(session, connection, running.day)
            history = await tally_sheet.load_history(session, judged, teams[key], found[key], away)
            sheets[key] = tally_sheet.build(
                teams[key], rulebook, window, found[key], earlier_runs=earlier[key], history=history
            )
    crm_rules = {key: running.rulebook.crm for key, running in wanted.items()}
    reading = await read_sheets(process.connections, connection, sheets, crm_rules)
    reason = NotRead(Cause.UNKNOWN_USER)
    unknown = {
        key: tuple(
            unread_snapshot(Manager(user, user), running.rulebook.counted, reason) for user in found[key].unknown
        )
        for key, running in wanted.items()
    }
    async with process.db.reading() as session:
        counted = {}
        for key, running in wanted.items():
            found_now = reading.snapshots[key]
            believed = await without_vanished(session, key, connection, running.day, found_now)
            counted[key] = await without_unanswered(session, key, running.rulebook, believed)
    return replace(reading, snapshots={key: (*counted[key], *unknown[key]) for key in wanted})


@dataclass(slots=True)
class LiveReadings:
    """Share readings among all who ask: one read per connection at a time, none just before a cutoff.

    No read starts within the usual length of a read before a cutoff of the connection.
    """

    process: Process
    clocks: Mapping[str, TeamClock]
    _last: dict[str, LiveReading] = field(default_factory=dict)
    _length: dict[str, timedelta] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    @classmethod
    async def load(cls, process: Process) -> LiveReadings:
        """Make the readings of all teams of a process; none has been read yet."""
        return cls(process, await load_clocks(process))

    async def fresh(self, team: str, now: datetime) -> LiveReading | None:
        """Return the last reading of the running day if at most 5 minutes old."""
        reading = self._last.get(team)
        if reading is None or now - reading.read_at > FRESH:
            return None
        return reading if reading.day == self._teams[team].calendar().business_day(now) else None

    async def last(self, team: str) -> LiveReading | None:
        """Return the last reading of any age."""
        return self._last.get(team)

    async def read(self, team: str, now: datetime) -> LiveReading | None:
        """Read the team's connection anew; None too close to a cutoff. Raises LiveUnavailable if the CRM fails."""
        connection = self._teams[team].crm
        running = self._running.get(connection)
        if running is None:
            if self._is_too_close(connection, now):
                return None
            running = asyncio.get_running_loop().create_task(self._read(connection, now))
            self._running[connection] = running
            running.add_done_callback(lambda _task: self._running.pop(connection, None))
        try:
            await asyncio.shield(running)
        except CrmError as error:
            raise LiveUnavailable(str(error)) from None
        return self._last.get(team)

    @property
    def _teams(self) -> Mapping[str, TeamSettings]:
        return self.process.settings.teams

    def _is_too_close(self, connection: str, now: datetime) -> bool:
        length = self._length.get(connection, FIRST_LENGTH)
        return any(
            next_cutoff(clock, now) - now <= length for clock in self.clocks.values() if clock.connection == connection
        )

    async def _read(self, connection: str, now: datetime) -> None:
        process, teams = self.process, self.process.settings.teams_of(connection)
        wanted = {key: await load_running_day(process.db, key, team, now) for key, team in teams.items()}
        reading = await read_teams(process, connection, wanted)
        if reading.error:
            raise LiveUnavailable(reading.problem)
        self._length[connection] = timedelta(seconds=reading.seconds)
        for key, running in wanted.items():
            self._last[key] = LiveReading(key, running.day, now, reading.snapshots[key], running.rulebook)
