"""Say at a first start when the first day is scored, and that a team can begin in observation (docs/product.md §12)."""

from __future__ import annotations

from datetime import datetime, timedelta

from reglament.config.team import TeamSettings
from reglament.process import Process
from storage.days import runs

SOON = timedelta(hours=12)
"""How near the first cutoff must be to be spoken of."""
LAUNCH = timedelta(days=14)
"""Proposed length of a launch."""


async def first_days(process: Process) -> list[tuple[str, datetime, str]]:
    """Return team, cutoff and hint for each team whose first day is scored soon, without any observation."""
    now, found = process.now(), []
    async with process.db.reading() as session:
        for key, team in process.settings.teams.items():
            if await runs.last_finished(session, key) is None and (cutoff := _soon(team, now)) is not None:
                found.append((key, cutoff, _hint(key, team, now, cutoff)))
    return found


def _soon(team: TeamSettings, now: datetime) -> datetime | None:
    """Return the next cutoff if it is near and rules are scored on it; else None."""
    calendar, book = team.calendar(), team.rulebook()
    day = calendar.business_day(now)
    cutoff = calendar.cutoff_of(day)
    is_scored = any(not book.is_observed(rule, day) for rule in book.rules)
    return cutoff if is_scored and cutoff - now <= SOON else None


def _hint(key: str, team: TeamSettings, now: datetime, cutoff: datetime) -> str:
    minutes = int((cutoff - now) / timedelta(minutes=1))
    until = (cutoff.astimezone(team.zone) + LAUNCH).date()
    return (
        f"the first day is scored in {minutes // 60} h {minutes % 60} min, and what is broken takes points at once; "
        f'to begin with two weeks of observation, write [teams.{key}.launch] observe_until = "{until}" and start again'
    )
