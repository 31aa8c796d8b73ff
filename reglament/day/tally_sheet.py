"""A team's settings, rulebook and members → the sheet that its tally counts by."""

from __future__ import annotations

from datetime import timedelta

from reglament.config.team import TeamSettings
from reglament.day.roster import Roster
from scoring.rules import Rulebook
from scoring.tally import TallySheet
from scoring.workdays import Window


def sheet(
    team: TeamSettings,
    rulebook: Rulebook,
    window: Window,
    roster: Roster,
    *,
    kpis: tuple[str, ...] | None = None,
    held_before: frozenset[str] = frozenset(),
) -> TallySheet:
    """What to count for the team in `window`; `kpis` where not all of the rulebook's."""
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
