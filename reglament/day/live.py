"""How a team stands now: readings for `/today`, the reminder and `snapshot`, never stored (docs/product.md §11)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from bot.context import LiveReading, LiveUnavailable
from crm_clients.errors import CrmError
from reglament.config.team import TeamSettings
from reglament.connections import Connections
from reglament.day.cutoff import held_before_day
from reglament.day.due import TeamClock, next_cutoff
from reglament.day.read import ConnectionReading, read_connection, unreadable
from reglament.day.roster import Roster, rosters
from reglament.day.tally_sheet import sheet
from scoring.rules import Rulebook
from scoring.snapshot import Cause, Manager, Snapshot
from scoring.workdays import Window
from storage.days import rulebooks, runs
from storage.db.database import Database, Session
from storage.errors import NotFound

FRESH = timedelta(minutes=5)
FIRST_LENGTH = timedelta(seconds=20)
"""What a read is thought to take before the first one was timed."""


@dataclass(frozen=True, slots=True)
class RunningDay:
    """A team's business day as if its cutoff were now (or at the cutoff itself, for a day that is past)."""

    day: date
    window: Window
    rulebook: Rulebook


async def running_day(
    db: Database | None, key: str, team: TeamSettings, now: datetime, *, day: date | None = None
) -> RunningDay:
    """The window and rulebook for a reading at `now`; without a database, or before the first start, by the calendar.

    On a day off it is the next working day's running window.
    """
    calendar = team.calendar()
    day = day or calendar.business_day(now)
    rulebook = team.rulebook()
    last_end = None
    if db is not None:
        async with db.reading() as session:
            last_end = await runs.last_window_end(session, key, day)
            rulebook = await _rulebook(session, key, team, day, last_end)
    window = calendar.window(day, rulebook.window, last_end)
    return RunningDay(day, window.until(now) if now < window.cutoff else window, rulebook)


async def _rulebook(session: Session, key: str, team: TeamSettings, day: date, last_end: datetime | None) -> Rulebook:
    start = team.calendar().window(day, team.window, last_end).start
    try:
        return await rulebooks.rulebook_at(session, key, start)
    except NotFound:
        return team.rulebook()


async def read_teams(
    connections: Connections,
    db: Database | None,
    connection: str,
    all_teams: Mapping[str, TeamSettings],
    wanted: Mapping[str, RunningDay],
) -> tuple[ConnectionReading, dict[str, Roster]]:
    """Read once for the `wanted` teams of a connection. Raises CrmError if the list of users cannot be had."""
    crm = connections.client(connection)
    found = rosters({key: team for key, team in all_teams.items() if team.crm == connection}, await crm.users())
    sheets = {}
    for key, running in wanted.items():
        held = frozenset[str]()
        if db is not None:
            async with db.reading() as session:
                held = await held_before_day(session, key, running.day)
        sheets[key] = sheet(all_teams[key], running.rulebook, running.window, found[key], held_before=held)
    reading = await read_connection(
        crm, sheets, timeout_seconds=connections.timeout(connection), shift=connections.shift(connection)
    )
    snapshots = {
        key: reading.snapshots[key] + _unknown(found[key], running.rulebook) for key, running in wanted.items()
    }
    return replace(reading, snapshots=snapshots), found


def _unknown(roster: Roster, rulebook: Rulebook) -> tuple[Snapshot, ...]:
    """Listed users whom the CRM does not know."""
    return tuple(unreadable(Manager(user, user), rulebook.counted, Cause.UNKNOWN_USER) for user in roster.unknown)


@dataclass(slots=True)
class LiveReadings:
    """One read per connection at a time, shared by all who ask; none starts within its usual length before a cutoff."""

    db: Database
    connections: Connections
    teams: Mapping[str, TeamSettings]
    clocks: Mapping[str, TeamClock]
    _last: dict[str, LiveReading] = field(default_factory=dict)
    _length: dict[str, timedelta] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def fresh(self, team: str, now: datetime) -> LiveReading | None:
        """The last reading of the running day, if it is at most 5 minutes old."""
        reading = self._last.get(team)
        if reading is None or now - reading.read_at > FRESH:
            return None
        return reading if reading.day == self.teams[team].calendar().business_day(now) else None

    async def last(self, team: str) -> LiveReading | None:
        """The last reading, however old."""
        return self._last.get(team)

    async def read(self, team: str, now: datetime) -> LiveReading | None:
        """A new reading; None this close to a cutoff. Raises LiveUnavailable."""
        connection = self.teams[team].crm
        running = self._running.get(connection)
        if running is None:
            if self._too_close(connection, now):
                return None
            running = asyncio.get_running_loop().create_task(self._read(connection, now))
            self._running[connection] = running
            running.add_done_callback(lambda _task: self._running.pop(connection, None))
        try:
            await asyncio.shield(running)
        except CrmError as error:
            raise LiveUnavailable(str(error)) from None
        return self._last.get(team)

    def _too_close(self, connection: str, now: datetime) -> bool:
        length = self._length.get(connection, FIRST_LENGTH)
        return any(
            next_cutoff(clock, now) - now <= length for clock in self.clocks.values() if clock.connection == connection
        )

    async def _read(self, connection: str, now: datetime) -> None:
        teams = {key: team for key, team in self.teams.items() if team.crm == connection}
        wanted = {key: await running_day(self.db, key, team, now) for key, team in teams.items()}
        reading, _ = await read_teams(self.connections, self.db, connection, self.teams, wanted)
        if reading.problem:
            raise LiveUnavailable(reading.problem)
        self._length[connection] = timedelta(seconds=reading.seconds)
        for key, running in wanted.items():
            self._last[key] = LiveReading(key, running.day, now, reading.snapshots[key], running.rulebook)
