"""Read a team's KPIs as of now for `reglament snapshot`; without scoring or storing."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from crm_clients.errors import CrmError
from reglament.commands import output
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.day.live import RunningDay, load_running_day, read_teams
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process, ProcessClock, clock_now, open_process

CLOCK_TOLERANCE = timedelta(minutes=2)
"""How much later than the machine's clock an instant given by hand may be."""


async def snapshot(settings: Settings, key: str, day: date | None, at: datetime | None) -> output.SnapshotDocument:
    """Read the CRM and return the document of `snapshot --json`; only the client's memory is written.

    Raises WorkFailed if the CRM does not give the list of users.
    """
    team = settings.teams[key]
    async with open_process(settings, clock=team_clock(team, at)) as process:
        running = await _load_running_day(process, key, team, day)
        try:
            reading = await read_teams(process, team.crm, {key: running})
        except CrmError as error:
            raise WorkFailed(f"crm.{team.crm}: {error}") from None
    return output.snapshot_document(
        key, running.day, running.window, reading.snapshots[key], requests=reading.requests, seconds=reading.seconds
    )


async def _load_running_day(process: Process, key: str, team: TeamSettings, day: date | None) -> RunningDay:
    now, calendar = process.now(), team.calendar()
    if day is None and calendar.is_workday(calendar.local_date(now)):
        day = calendar.local_date(now)
    if day is not None and not calendar.is_workday(day):
        day = calendar.next_workday(day)
    running = await load_running_day(process.db, key, team, now, day=day)
    return replace(running, window=running.window.until(now)) if now < running.window.cutoff else running


def team_clock(team: TeamSettings, at: datetime | None) -> ProcessClock:
    """Make the clock of a command; `--at` without an offset is local time in the team's zone.

    Raises SettingsError for an instant later than the machine's clock: such a day has not been.
    """
    if at is None:
        return ProcessClock()
    instant = at.replace(tzinfo=team.zone) if at.tzinfo is None else at
    if instant > clock_now() + CLOCK_TOLERANCE:
        raise SettingsError(
            f"--at {at.isoformat()} is later than this machine's clock, {clock_now():%Y-%m-%d %H:%M} UTC"
        )
    return ProcessClock(instant)
