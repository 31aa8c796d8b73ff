"""Run a team's day now for `reglament score`, exactly as the scheduler would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from crm_clients.errors import CrmError
from reglament import telegram
from reglament.commands import output
from reglament.commands.snapshot import CLOCK_TOLERANCE, team_clock
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.day.claims import TeamResult
from reglament.day.cutoff import run_cutoff
from reglament.day.due import DueCutoff
from reglament.day.live import RunningDay, load_running_day, read_teams
from reglament.day.missing import missing
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process, open_process, store_teams
from reglament.witnesses.anchoring import anchor_once
from reglament.witnesses.start import compare_with_anchors
from scoring.rules import Rulebook
from scoring.snapshot import Snapshot
from storage.days import queries
from storage.days.runs import LEASE_SECONDS
from storage.days.snapshots import last_keys
from storage.days.terms_of_day import with_terms
from storage.values import Day, Run, RunState, Scorecards, StoredSnapshot

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
    note: str = ""
    """What an operator should know of the answer."""

    def to_json(self) -> output.Json:
        """Return the document of `score --json`."""
        if self.day is None:
            return {"team": self.team, "day": self.on.isoformat(), "scored": False}
        return output.score_json(self.day)


async def score(settings: Settings, key: str, day: date | None, at: datetime | None, *, send: bool) -> ScoreResult:
    """Run the day as the scheduler would and send the messages if `send` is set.

    Raises SettingsError before the cutoff, WorkFailed if the day must wait or the database is older than its anchors.
    """
    team = settings.teams[key]
    clock = team_clock(team, at)
    on = day or team.calendar().local_date(clock())
    if not team.calendar().is_workday(on):
        return ScoreResult(key, on, None)
    async with open_process(settings, clock=clock) as process:
        if not _is_due(team, on, clock()):
            return ScoreResult(key, on, None)
        await compare_with_anchors(process)
        await store_teams(process)
        due = DueCutoff(team.crm, on, team.calendar().cutoff_of(on), (key,))
        result = await _run(process, due, manual_instant=at is not None)
        if result.run is None:
            raise WorkFailed(_explain_unfinished(result, team))
        await anchor_once(process)
        if send and telegram.is_set(settings):
            await telegram.send_pending(process)
        async with process.db.reading() as session:
            return ScoreResult(
                key,
                on,
                await queries.day(session, key, on),
                _note(result, settings.rulebook(key), clock(), at is not None),
            )


def _note(result: TeamResult, rulebook: Rulebook, now: datetime, by_hand: bool) -> str:
    """Say that a day finished before answers with the stored result where rules or instant differ."""
    run = result.run
    if run is None or not result.already:
        return ""
    differs = [] if run.rulebook.is_same_as(rulebook) else ["other rules"]
    is_same_instant = by_hand == run.manual_instant and abs(now - run.first_attempt_at) <= CLOCK_TOLERANCE
    if by_hand and not is_same_instant:
        differs.append(f"another instant, {run.first_attempt_at:%Y-%m-%d %H:%M} UTC")
    if not differs:
        return ""
    return (
        f"{run.day} was scored before, by {' and '.join(differs)}: this is the stored result, nothing is counted anew"
    )


async def dry_run(settings: Settings, key: str, day: date | None, at: datetime | None) -> ScoreResult:
    """Read and score the day as it would be scored now; nothing is written but the client's memory.

    Raises SettingsError before the cutoff, WorkFailed if the CRM does not give the list of users.
    """
    team = settings.teams[key]
    clock = team_clock(team, at)
    on = day or team.calendar().local_date(clock())
    if not team.calendar().is_workday(on):
        return ScoreResult(key, on, None)
    async with open_process(settings, clock=clock) as process:
        if not _is_due(team, on, clock()):
            return ScoreResult(key, on, None)
        running = await load_running_day(process.db, key, team, clock(), day=on)
        try:
            reading = await read_teams(process, team.crm, {key: running})
        except CrmError as error:
            raise WorkFailed(f"crm.{team.crm}: {error}") from None
        cards = await _load_cards(process, key, running, reading.snapshots[key])
    run = Run(
        id=0,
        team=key,
        day=on,
        connection=team.crm,
        window=running.window,
        rulebook=running.rulebook,
        state=RunState.CLAIMED,
        attempts=0,
        first_attempt_at=clock(),
        manual_instant=at is not None,
        requests=reading.requests,
        seconds=Decimal(str(round(reading.seconds, 3))),
        missing=missing(card.snapshot for card in cards),
    )
    return ScoreResult(key, on, Day(run, cards, frozenset(), ()), "dry run: nothing was written")


async def _load_cards(process: Process, key: str, running: RunningDay, snapshots: Sequence[Snapshot]) -> Scorecards:
    users = [snapshot.manager.crm_user for snapshot in snapshots]
    async with process.db.reading() as session:
        last = await last_keys(session, key, running.day, users, running.rulebook.counted)
        read = [StoredSnapshot(snapshot, last=last.get(snapshot.manager.crm_user, {})) for snapshot in snapshots]
        items = await with_terms(session, running.judged_day(key, process.settings.teams[key].crm), read)
    return Scorecards(items, running.rulebook, running.day)


def _is_due(team: TeamSettings, on: date, now: datetime) -> bool:
    """Tell whether a day is to be scored; False for a day off. Raises SettingsError before the cutoff."""
    calendar = team.calendar()
    if not calendar.is_workday(on):
        return False
    cutoff = calendar.cutoff_of(on)
    if now < cutoff:
        local = cutoff.astimezone(team.zone)
        raise SettingsError(f"{on}: the cutoff is at {local:%H:%M}; `snapshot` shows how it stands")
    return True


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
