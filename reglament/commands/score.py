"""Run a team's day now for `reglament score`, exactly as the scheduler would."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import date, datetime

from reglament import telegram
from reglament.commands import output
from reglament.commands.snapshot import team_clock
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.day.claims import TeamResult
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process, open_process, store_teams
from storage.days import queries
from storage.days.runs import LEASE_SECONDS
from storage.values import Day

POLL_SECONDS = 0.5
"""Pause between two looks at a day that another process works on."""
PATIENCE_SECONDS = 30.0
"""Waiting time beyond the lease of another process."""


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """Hold a scored day, or a date without scoring."""

    team: str
    on: date
    day: Day | None

    def to_json(self) -> output.Json:
        """Return the document of `score --json`."""
        if self.day is None:
            return {"team": self.team, "day": self.on.isoformat(), "scored": False}
        return output.score_json(self.day)


async def score(settings: Settings, key: str, day: date | None, at: datetime | None, *, send: bool) -> ScoreResult:
    """Run the day as the scheduler would and send the messages if `send` is set.

    Raises SettingsError before the cutoff, WorkFailed if the day must wait.
    """
    team = settings.teams[key]
    clock = team_clock(team, at)
    calendar = team.calendar()
    on = day or calendar.local_date(clock())
    if not calendar.is_workday(on):
        return ScoreResult(key, on, None)
    cutoff = calendar.cutoff_of(on)
    if clock() < cutoff:
        local = cutoff.astimezone(team.zone)
        raise SettingsError(f"{on}: the cutoff is at {local:%H:%M}; `snapshot` shows how it stands")
    async with open_process(settings, clock=clock) as process:
        await store_teams(process)
        due = DueCutoff(team.crm, on, cutoff, (key,))
        result = await _run(process, due, manual_instant=at is not None)
        if result.run is None:
            raise WorkFailed(_explain_unfinished(result, team))
        if send and telegram.is_set(settings):
            await telegram.send_pending(process)
        async with process.db.reading() as session:
            return ScoreResult(key, on, await queries.day(session, key, on))


async def _run(process: Process, due: DueCutoff, *, manual_instant: bool) -> TeamResult:
    """Run the day; while another process works on the day, wait for the end of the work or of a dead lease."""
    deadline = time.monotonic() + LEASE_SECONDS + PATIENCE_SECONDS
    while True:
        [result] = await run_cutoff(process, due, manual_instant=manual_instant, ignore_retry_time=True)
        if result.run is not None or result.retry_at is not None or result.failed or time.monotonic() >= deadline:
            return result
        await asyncio.sleep(POLL_SECONDS)


def _explain_unfinished(result: TeamResult, team: TeamSettings) -> str:
    if result.retry_at is None:
        return f"not scored now: {result.problem}; nothing is lost"
    local = result.retry_at.astimezone(team.zone)
    return f"not scored yet: {result.problem}; what was read is kept, the next attempt is due at {local:%H:%M:%S}"
