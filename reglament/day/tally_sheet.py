"""Build the sheets that the tallies count by, from settings, rulebook and roster of each team."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reglament.config.team import TeamSettings
from reglament.day.claims import TeamDay
from reglament.day.members import ConnectionRosters
from reglament.day.roster import Roster
from reglament.process import Process
from scoring.earlier_runs import EarlierRuns
from scoring.rules import Bound, Rulebook
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window
from storage.days.earlier_runs import load_earlier_runs
from storage.db.database import Session


async def load_sheets(process: Process, days: Sequence[TeamDay], rosters: ConnectionRosters) -> dict[str, TallySheet]:
    """Build by team the sheets for the KPIs that `days` still lack; none if the list of users could not be read."""
    if rosters.error:
        return {}
    async with process.db.reading() as session:
        return {day.key: await _load_sheet(session, day, rosters.teams[day.key]) for day in days}


async def _load_sheet(session: Session, day: TeamDay, roster: Roster) -> TallySheet:
    kpis, run = day.unread_kpis, day.run
    earlier_runs = await load_earlier_runs(session, day.key, run.day, kpis, run.window.cutoff)
    return build(day.team, run.rulebook, run.window, roster, kpis=kpis, earlier_runs=earlier_runs)


def build(
    team: TeamSettings,
    rulebook: Rulebook,
    window: Window,
    roster: Roster,
    *,
    kpis: tuple[str, ...] | None = None,
    earlier_runs: EarlierRuns | None = None,
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
        calendar=team.calendar(),
        earlier_runs=earlier_runs or EarlierRuns(),
        listed=frozenset(rule.kpi for rule in rulebook.rules if rule.bound is Bound.AT_MOST),
    )
