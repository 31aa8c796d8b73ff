"""Build the sheets that the tallies count by, from settings, rulebook and roster of each team."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from reglament.config.team import TeamSettings
from reglament.day.claims import TeamDay
from reglament.day.members import ConnectionRosters
from reglament.day.roster import Roster
from reglament.process import Process
from scoring.earlier_runs import EarlierRuns
from scoring.rules import Bound, Rulebook
from scoring.tally_sheet import TallySheet
from scoring.terms.backlog import Backlog
from scoring.terms.personal_calendar import DaysAway, days_away, personal_calendars
from scoring.workdays import Window
from storage.days.backlog import load_backlog
from storage.days.earlier_runs import AskedRuns, load_earlier_runs
from storage.db.database import Session
from storage.people import absences
from storage.values import Absence, JudgedDay

AWAY_LOOK_BACK = timedelta(days=400)
"""How far back absences stop the working time of states."""


async def load_sheets(process: Process, days: Sequence[TeamDay], rosters: ConnectionRosters) -> dict[str, TallySheet]:
    """Build by team the sheets for the KPIs that `days` still lack; none if the list of users could not be read."""
    if rosters.error:
        return {}
    asked = {day.key: AskedRuns(day.run.day, day.run.window.cutoff, frozenset(day.unread_kpis)) for day in days}
    async with process.db.reading() as session:
        earlier = await load_earlier_runs(session, asked)
        away = {
            about: await load_away(session, *about) for about in {(day.run.connection, day.run.day) for day in days}
        }
        history = {
            day.key: await load_history(
                session, day.run.judged_day, day.team, rosters.teams[day.key], away[day.run.connection, day.run.day]
            )
            for day in days
        }
    return {day.key: _sheet(day, rosters.teams[day.key], earlier[day.key], history[day.key]) for day in days}


def _sheet(day: TeamDay, roster: Roster, earlier: EarlierRuns, history: History) -> TallySheet:
    run = day.run
    return build(
        day.team, run.rulebook, run.window, roster, kpis=day.unread_kpis, earlier_runs=earlier, history=history
    )


@dataclass(frozen=True, slots=True)
class History:
    """Hold what of a team's past the counting of states depends on."""

    away: Mapping[str, DaysAway] = field(default_factory=dict)
    """Days of absence by CRM user."""
    backlog: Backlog = field(default_factory=Backlog)


async def load_away(session: Session, connection: str, day: date) -> Sequence[Absence]:
    """Load the absences of all teams of a connection that may stop the working time of states up to a day."""
    return await absences.approved(session, connection, day - AWAY_LOOK_BACK, day)


async def load_history(
    session: Session, judged: JudgedDay, team: TeamSettings, roster: Roster, away: Sequence[Absence]
) -> History:
    """Load the records that a launch ignores, and sort out the absences (`away`), in which no working time runs."""
    first = judged.day - AWAY_LOOK_BACK
    spans = [(each.crm_user, each.first, min(each.last, judged.day), each.half) for each in away]
    backlog = await load_backlog(session, judged.team, judged.day, judged.rulebook, team.zone, list(roster.members))
    return History(days_away([span for span in spans if span[0] in roster.members], first), backlog)


def build(
    team: TeamSettings,
    rulebook: Rulebook,
    window: Window,
    roster: Roster,
    *,
    kpis: tuple[str, ...] | None = None,
    earlier_runs: EarlierRuns | None = None,
    history: History | None = None,
) -> TallySheet:
    """Build the sheet of a team for `window`, with `kpis` or else all KPIs of the rulebook."""
    history, calendar = history or History(), team.calendar()
    return TallySheet(
        members=roster.members,
        window=window,
        zone=team.zone,
        kpis=rulebook.counted if kpis is None else kpis,
        settings=rulebook.kpis,
        aliases=team.aliases,
        late_tolerance=timedelta(minutes=team.late_tolerance_minutes),
        calendar=calendar,
        calendars=personal_calendars(calendar, rulebook, history.away),
        backlog=history.backlog,
        earlier_runs=earlier_runs or EarlierRuns(),
        listed=frozenset(rule.kpi for rule in rulebook.rules if rule.bound is Bound.AT_MOST),
    )
