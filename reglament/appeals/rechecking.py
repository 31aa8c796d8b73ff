"""Recheck an appeal: ask the CRM how the disputed records stood, or count the window again (docs/product.md §13, §19).

What a re-check finds is stored with the appeal and shown; nothing of it changes the stored snapshot.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from crm_clients.errors import CrmError
from reglament.config.team import TeamSettings
from reglament.day import tally_sheet
from reglament.day.read import read_connection
from reglament.day.roster import Roster
from reglament.day.time_limit import ended_in_time
from reglament.process import Process
from scoring.appeals.proofs import Disputed, Proof, Verdict
from scoring.earlier_runs import EarlierRuns
from scoring.kpi import Scope, Unit
from scoring.kpis import CATALOGUE
from scoring.rules import Bound
from scoring.scorecard import ScoreLine
from scoring.snapshot import Manager, NotRead, Value
from storage.days import runs
from storage.days.earlier_runs import AskedRuns, load_counted, load_earlier_runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Session
from storage.errors import NotFound
from storage.values import Appeal, Recheck, Run, RunState

_NEXT_WINDOW = timedelta(days=30)
"""Farthest end of the window after a day."""


@dataclass(frozen=True, slots=True)
class Stored:
    """Hold what was stored of the disputed rule: run, line as judged, settings of the team as of that day."""

    run: Run
    line: ScoreLine
    team: TeamSettings


async def load_stored(process: Process, appeal: Appeal) -> Stored | None:
    """Load the judged line of an appeal; None if the day has no snapshot of the manager."""
    async with process.db.reading() as session:
        run = await runs.find(session, appeal.team, appeal.day)
        if run is None or appeal.team not in process.settings.teams:
            return None
        kept = [each for each in await stored_snapshots(session, run.id) if _is_of(each.snapshot.manager, appeal)]
    lines = [line for each in kept for line in replace(each, absent=False).score(run.rulebook, run.day).lines]
    line = next((line for line in lines if line.rule.id == appeal.rule), None)
    team = process.settings.teams[appeal.team].judged_by(run.rulebook)
    return None if line is None else Stored(run, line, team)


def _is_of(manager: Manager, appeal: Appeal) -> bool:
    return manager.crm_user == appeal.crm_user


async def recheck_appeal(process: Process, appeal: Appeal) -> Recheck:
    """Ask the CRM about the disputed records; a CRM that does not answer is a problem told to the head."""
    at = process.now()
    stored = await load_stored(process, appeal)
    if stored is None:
        return Recheck(at, problem="the day has no snapshot of this manager")
    try:
        if stored.line.rule.bound is Bound.AT_MOST:
            return replace(await _recheck_records(process, appeal, stored), at=at)
        return replace(await _count_again(process, appeal, stored), at=at)
    except (CrmError, NotFound) as error:
        return Recheck(at, problem=str(error))


def grants(stored: Stored, recheck: Recheck) -> bool:
    """Tell whether the value by the re-check meets the bound."""
    bound, value = stored.line.bound, recheck.value
    if value is None or bound is None:
        return False
    return value >= bound if stored.line.rule.bound is Bound.AT_LEAST else value <= bound


async def _recheck_records(process: Process, appeal: Appeal, stored: Stored) -> Recheck:
    """Recheck the records that broke a rule of `at_most`; records in order are struck."""
    users = _users(stored.team, appeal.crm_user)
    uncounted = stored.line.appeared | stored.line.used
    counted = [item for item in stored.line.items if not item.spared and item.key not in uncounted]
    items = [Disputed(appeal.kpi, item.kind, item.id, users) for item in counted]
    crm = process.connections.client_for(appeal.connection, stored.run.rulebook.crm)
    scope = Scope(stored.run.window, stored.team.zone, stored.run.rulebook.kpis, stored.team.calendar())
    timeout = process.connections.timeout(appeal.connection)
    proofs: list[Proof] = (
        await ended_in_time(partial(crm.recheck, items, scope), timeout, "a re-check") if items else []
    )
    struck = sum(proof.verdict is Verdict.IN_ORDER for proof in proofs)
    is_count = CATALOGUE[appeal.kpi].unit is Unit.COUNT
    value = stored.line.value - struck if is_count and proofs and stored.line.value is not None else None
    return Recheck(process.now(), tuple(proofs), value)


def _users(team: TeamSettings, crm_user: str) -> frozenset[str]:
    """List the CRM users whose records count for a manager."""
    return frozenset({crm_user, *(alias for alias, user in team.aliases.items() if user == crm_user)})


async def _count_again(process: Process, appeal: Appeal, stored: Stored) -> Recheck:
    """Count the window of a rule of `at_least` again; what another window counted is not added."""
    run, kpis = stored.run, (appeal.kpi,)
    async with process.db.reading() as session:
        asked = AskedRuns(run.day, run.window.cutoff, frozenset(kpis))
        earlier = (await load_earlier_runs(session, {run.team: asked}))[run.team]
        later = await _counted_in_next_window(session, run, appeal.kpi)
    sheet = tally_sheet.build(
        stored.team, run.rulebook, run.window, Roster({appeal.crm_user: Manager(appeal.crm_user, appeal.name)}),
        kpis=kpis, earlier_runs=_with_counted(earlier, appeal.kpi, later),
    )  # fmt: skip
    reading = await read_connection(
        process.connections.client_for(appeal.connection, run.rulebook.crm),
        {run.team: sheet},
        timeout_seconds=process.connections.timeout(appeal.connection),
        shift=process.connections.shift(appeal.connection),
    )
    if error := reading.error_of(run.team):
        raise error
    found = reading.snapshots[run.team][0].readings.get(appeal.kpi)
    if isinstance(found, NotRead) and found.range is not None:
        found = found.range.low  # what counts for certain
    if not isinstance(found, Value):
        return Recheck(process.now())
    known = {item.id for item in stored.line.items}
    added = {item.id for item in found.items} | found.ids
    return Recheck(process.now(), value=_compared(stored, found), additions=tuple(sorted(added - known)))


def _compared(stored: Stored, found: Value) -> Decimal:
    """Return the number to compare with the bound; of money the sum in the rule's currency."""
    if isinstance(found.number, int):
        return Decimal(found.number)
    return found.number.get(stored.line.rule.currency or "", Decimal(0))


async def _counted_in_next_window(session: Session, run: Run, kpi: str) -> frozenset[str]:
    """Load what the window after the run counted: events that came late may count there."""
    for later in await runs.between(session, run.team, run.day + timedelta(days=1), run.day + _NEXT_WINDOW):
        if later.state is RunState.FINISHED:
            return await load_counted(session, later.id, kpi)
    return frozenset()


def _with_counted(earlier: EarlierRuns, kpi: str, ids: Collection[str]) -> EarlierRuns:
    return replace(earlier, counted={**earlier.counted, kpi: earlier.counted.get(kpi, frozenset()) | frozenset(ids)})
