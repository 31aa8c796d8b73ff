"""Load which records a launch ignores, from the marks in stored evidence (docs/product.md §19, Launch)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook
from scoring.snapshot import NotRead, Reading, Spared, Value, evidence_of
from scoring.terms.backlog import Backlog
from scoring.workdays import local_instant
from storage.days import runs
from storage.days.snapshots import stored_readings
from storage.values import Run

LOOK_BACK_RUNS = 10
"""Runs searched for the last reading of a state."""


async def load_backlog(
    session: AsyncSession, team: str, day: date, rulebook: Rulebook, zone: ZoneInfo, users: Collection[str]
) -> Backlog:
    """Load for a day what is ignored of the states that the rules limit.

    Who was not read since the launch has the first reading before him; who joined later has not, but records that were
    ignored with a colleague stay ignored.
    """
    ignore_before = rulebook.launch.ignore_before
    if ignore_before is None:
        return Backlog()
    kpis = rulebook.state_kpis
    ignored: dict[str, set[str]] = {kpi: set() for kpi in kpis}
    unread = {kpi: set(users) for kpi in kpis}
    known: set[str] | None = None
    before = await runs.last_finished(session, team, until=day - timedelta(days=1))
    for _ in range(LOOK_BACK_RUNS):
        if before is None or before.rulebook.launch.ignore_before != ignore_before or not any(unread.values()):
            break
        stored = await stored_readings(session, before.id, kpis)
        known = {user for user, _ in stored}
        for user, readings in stored:
            _take(user, readings, ignored, unread)
        before = await runs.last_finished(session, team, until=before.day - timedelta(days=1))
    if known is not None:
        unread = {kpi: left & known for kpi, left in unread.items()}
    return Backlog(
        local_instant(ignore_before, time(0), zone),
        {kpi: frozenset(records) for kpi, records in ignored.items()},
        {kpi: frozenset(left) for kpi, left in unread.items()},
    )


def _take(
    user: str, readings: Mapping[str, Reading], ignored: Mapping[str, set[str]], unread: Mapping[str, set[str]]
) -> None:
    """Take over what was ignored of a user whose KPI was read; the newest reading counts."""
    for kpi, left in unread.items():
        reading = readings.get(kpi)
        is_known = isinstance(reading, Value) or (isinstance(reading, NotRead) and reading.range is not None)
        if reading is None or not is_known or user not in left:
            continue
        ignored[kpi].update(item.id for item in evidence_of(reading) if item.spared == Spared.IGNORED)
        left.discard(user)


async def count_backlog(session: AsyncSession, run: Run) -> dict[str, tuple[int, int]]:
    """Count by KPI the records of the backlog in the first reading under the launch, and on the day of a run."""
    ignore_before = run.rulebook.launch.ignore_before
    if ignore_before is None:
        return {}
    under = [
        each
        for each in await runs.between(session, run.team, run.day - timedelta(days=183), run.day)
        if each.rulebook.launch.ignore_before == ignore_before
    ]
    first, now = [await _count(session, each, run.rulebook.state_kpis) for each in (under[0], run)]
    return {kpi: (first[kpi], now[kpi]) for kpi in sorted(first) if first[kpi]}


async def _count(session: AsyncSession, run: Run, kpis: frozenset[str]) -> dict[str, int]:
    counted = dict.fromkeys(kpis, 0)
    for _, readings in await stored_readings(session, run.id, kpis):
        for kpi in kpis & readings.keys():
            counted[kpi] += sum(item.spared == Spared.IGNORED for item in evidence_of(readings[kpi]))
    return counted
