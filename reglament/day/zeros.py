"""Ask whether a KPI is kept in the CRM at all where it is zero for everybody for 20 working days (docs/product.md §19).

Until the answer the rules on the KPI make no points: the KPI is stored as not read, with the question as the cause.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from reglament.day import notifications
from reglament.day.audience import load_admins
from reglament.day.claims import TeamDay
from reglament.day.notifications import enqueue
from reglament.day.read import read_sheets
from reglament.day.roster import Roster
from reglament.day.tally_sheet import build
from reglament.process import Process
from scoring.kpis import CATALOGUE, KpiKind
from scoring.rules import Bound, Rulebook
from scoring.snapshot import Cause, NotRead, Number, Snapshot
from scoring.workdays import Window, WorkCalendar
from storage.days import runs
from storage.days.snapshots import numbers
from storage.db.database import Session
from storage.people import zero_questions
from storage.people.zero_questions import ZeroState

DAYS = 20
"""Working days of zeros after which a KPI is a question."""
LOOK_BACK = timedelta(days=90)
"""How far back stored days are searched."""


def asked_kpis(rulebook: Rulebook) -> frozenset[str]:
    """List the events that a rule wants at least a number of: zero is a minus for everybody."""
    return frozenset(
        rule.kpi
        for rule in rulebook.rules
        if rule.bound is Bound.AT_LEAST and not rule.observed_only and CATALOGUE[rule.kpi].kind is KpiKind.EVENT
    )


def zero_kpis(snapshots: Sequence[Snapshot], kpis: Iterable[str]) -> frozenset[str]:
    """List the KPIs that were read as zero for everybody."""
    found = {key: [snapshot.number(key) for snapshot in snapshots] for key in kpis}
    return frozenset(key for key, values in found.items() if values and all(map(_is_zero, values)))


def _is_zero(number: Number | None) -> bool:
    if isinstance(number, Mapping):
        return not any(number.values())
    return number == 0


async def long_zeros(process: Process, day: TeamDay, fresh: Sequence[Snapshot]) -> frozenset[str]:
    """Find the KPIs that are zero for everybody today and on the 19 working days before.

    The first run of a team reads the working days before from the CRM; later runs look at the stored days.
    """
    zero = zero_kpis(fresh, asked_kpis(day.run.rulebook))
    if not zero:
        return zero
    before = day.run.day
    async with process.db.reading() as session:
        earlier = await runs.dates_between(session, day.key, before - LOOK_BACK, before - timedelta(days=1))
        finished = [run.id for run in earlier if run.finished_at][-(DAYS - 1) :]
        rows = await numbers(session, finished, *sorted(zero)) if finished else []
    if not finished:
        return await _read_back(process, day, fresh, zero)
    return frozenset(key for place, key in enumerate(sorted(zero)) if _is_long(rows, place))


def _is_long(rows: Sequence[tuple[int, str, tuple[Number | None, ...]]], place: int) -> bool:
    read = [(run_id, found[place]) for run_id, _, found in rows if found[place] is not None]
    return len({run_id for run_id, _ in read}) >= DAYS - 1 and all(_is_zero(number) for _, number in read)


async def _read_back(
    process: Process, day: TeamDay, fresh: Sequence[Snapshot], kpis: Collection[str]
) -> frozenset[str]:
    """Read the KPIs over 20 working days; a reading that fails is no question."""
    start = _days_back(day.team.calendar(), day.run.day)
    if start is None or not fresh:
        return frozenset()
    roster = Roster({snapshot.manager.crm_user: snapshot.manager for snapshot in fresh})
    window = Window(start, day.run.window.cutoff)
    sheet = build(day.team, day.run.rulebook, window, roster, kpis=tuple(sorted(kpis)))
    reading = await read_sheets(process.connections, day.team.crm, {day.key: sheet}, {day.key: day.run.rulebook.crm})
    return zero_kpis(reading.snapshots[day.key], kpis)


def _days_back(calendar: WorkCalendar, day: date) -> datetime | None:
    """Return the cutoff 20 working days before."""
    try:
        for _ in range(DAYS):
            day = calendar.previous_workday(day)
    except ValueError:
        return None
    return calendar.cutoff_of(day)


async def observe_zeros(
    process: Process, session: Session, day: TeamDay, fresh: Sequence[Snapshot], long: Collection[str]
) -> list[Snapshot]:
    """Ask the admins about new long zeros, and make no reading of the KPIs that wait for the answer or are not kept."""
    zero = zero_kpis(fresh, asked_kpis(day.run.rulebook))
    observed = set()
    asked = sorted(asked_kpis(day.run.rulebook))
    states = await zero_questions.states(session, day.key, asked)
    for kpi in asked:
        known = states.get(kpi)
        if kpi not in zero:
            if known is not None and known is not ZeroState.OVER and _is_read(fresh, kpi):
                await zero_questions.note(session, day.key, kpi, ZeroState.OVER, author="crm", at=process.now())
        elif known in (ZeroState.ASKED, ZeroState.NOT_KEPT):
            observed.add(kpi)
        elif known is not ZeroState.KEPT and kpi in long:
            await zero_questions.note(session, day.key, kpi, ZeroState.ASKED, author="crm", at=process.now())
            admins = await load_admins(process, session, day.key)
            await enqueue(process, session, notifications.zero_question(day.run, kpi, admins))
            observed.add(kpi)
    return [_without(snapshot, observed) for snapshot in fresh]


async def without_unanswered(
    session: Session, team: str, rulebook: Rulebook, snapshots: Sequence[Snapshot]
) -> list[Snapshot]:
    """Make no reading of the zeros that wait for an answer or are not kept, as a cutoff does; ask and note nothing."""
    zero = zero_kpis(snapshots, asked_kpis(rulebook))
    states = await zero_questions.states(session, team, sorted(zero))
    waiting = {kpi for kpi, state in states.items() if state in (ZeroState.ASKED, ZeroState.NOT_KEPT)}
    return [_without(snapshot, waiting) for snapshot in snapshots]


def _is_read(fresh: Sequence[Snapshot], kpi: str) -> bool:
    return any(snapshot.number(kpi) is not None for snapshot in fresh)


def _without(snapshot: Snapshot, kpis: Collection[str]) -> Snapshot:
    unanswered = {key: NotRead(Cause.UNANSWERED) for key in kpis if key in snapshot.readings}
    return replace(snapshot, readings={**snapshot.readings, **unanswered})
