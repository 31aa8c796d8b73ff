"""Build the sheets that the tallies count by, from settings, rulebook and roster of each team."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from reglament.config.team import TeamSettings
from reglament.day.claims import TeamDay
from reglament.day.members import ConnectionRosters
from reglament.day.roster import Roster
from reglament.process import Process
from scoring.kpis import MEETINGS_HELD
from scoring.rules import Rulebook
from scoring.snapshot import Value
from scoring.tally import TallySheet
from scoring.workdays import Window
from storage.days import runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session


async def load_sheets(process: Process, days: Sequence[TeamDay], rosters: ConnectionRosters) -> dict[str, TallySheet]:
    """Build by team the sheets for the KPIs that `days` still lack; none if the list of users could not be read."""
    if rosters.error:
        return {}
    async with process.db.reading() as session:
        return {day.key: await _load_sheet(session, day, rosters.teams[day.key]) for day in days}


async def _load_sheet(session: Session, day: TeamDay, roster: Roster) -> TallySheet:
    kpis = day.unread_kpis
    held_before: frozenset[str] = frozenset()
    if MEETINGS_HELD in kpis:
        held_before = await load_held_before(session, day.key, day.run.day)
    return build(day.team, day.run.rulebook, day.run.window, roster, kpis=kpis, held_before=held_before)


def build(
    team: TeamSettings,
    rulebook: Rulebook,
    window: Window,
    roster: Roster,
    *,
    kpis: tuple[str, ...] | None = None,
    held_before: frozenset[str] = frozenset(),
) -> TallySheet:
    """Build the sheet of a team for `window`, with `kpis` or else all KPIs of the rulebook."""
    return TallySheet(
        members=roster.members,
        window=window,
        zone=team.zone,
        kpis=rulebook.counted if kpis is None else kpis,
        settings=rulebook.kpis,
        aliases=team.aliases,
        late_tolerance=timedelta(minutes=team.late_tolerance_minutes),
        held_before=held_before,
    )


async def load_held_before(session: Session, key: str, day: date) -> frozenset[str]:
    """Load the ids of the meetings in the evidence of the team's last run before `day` (docs/product.md §11)."""
    run = await runs.last_finished(session, key, until=day - timedelta(days=1))
    stored = await stored_snapshots(session, run.id) if run else []
    readings = [item.snapshot.readings.get(MEETINGS_HELD) for item in stored]
    return frozenset(item.id for reading in readings if isinstance(reading, Value) for item in reading.items)
