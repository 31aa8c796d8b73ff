"""List the days that a restored database misses, and decide of which days people were told before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from reglament.config.settings import Settings
from reglament.day.due import TeamClock, missed
from scoring.workdays import WorkCalendar
from storage.days import runs
from storage.db.database import Session
from storage.errors import NotFound
from storage.people import teams


@dataclass(frozen=True, slots=True)
class MissingDays:
    """Hold the working days of a team whose cutoff has passed without a finished run."""

    team: str
    caught_up: tuple[date, ...]
    """Days that the next start reads and scores."""
    too_old: tuple[date, ...]
    """Earlier days, beyond `catch_up_days`."""


async def find_missing_days(settings: Settings, session: Session, now: datetime) -> list[MissingDays]:
    """List the missing days of every team of the settings that the database knows; teams without any are left out."""
    found = []
    for key, team in settings.teams.items():
        try:
            since = (await teams.find(session, key)).scored_from
        except NotFound:
            continue
        clock = TeamClock(key, team.crm, team.calendar(), since)
        finished = frozenset(await runs.finished_days(session, key, since, clock.calendar.local_date(now)))
        caught_up = missed(clock, finished, now, settings.catch_up_days)
        every = _passed_days(clock, now)
        too_old = [day for day in every if day not in finished and day not in caught_up]
        if caught_up or too_old:
            found.append(MissingDays(key, tuple(caught_up), tuple(too_old)))
    return found


def _passed_days(clock: TeamClock, now: datetime) -> list[date]:
    """List the working days of a team whose cutoff has passed, oldest first."""
    today = clock.calendar.local_date(now)
    days = [clock.scored_from + timedelta(days=number) for number in range((today - clock.scored_from).days + 1)]
    return [day for day in days if clock.calendar.is_workday(day) and clock.calendar.cutoff_of(day) <= now]


def told_days(
    settings: Settings,
    restored: Mapping[int, tuple[str, date | None]],
    replaced: Mapping[int, date],
    now: datetime,
) -> dict[int, date]:
    """Decide by team id of which days people were told before the restore.

    The replaced database says so if it was ahead of the backup; where it is silent (damaged, or begun anew), every day
    whose cutoff has passed counts as told: a message too few is asked for, a second one is believed.
    """
    told = {}
    for team_id, (key, last) in restored.items():
        known = replaced.get(team_id)
        if known is not None and (last is None or known >= last):
            told[team_id] = known
        elif key in settings.teams:
            told[team_id] = _last_passed(settings.teams[key].calendar(), now)
    return told


def _last_passed(calendar: WorkCalendar, now: datetime) -> date:
    today = calendar.local_date(now)
    if calendar.is_workday(today) and calendar.cutoff_of(today) <= now:
        return today
    try:
        return calendar.previous_workday(today)
    except ValueError:  # no working day in a whole year
        return today
