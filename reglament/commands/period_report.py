"""Load a team's month from the tables into the plain rows that the export is made of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from reglament.process import Process
from reports.workbook.period import PeriodReport, ReportState, UnscoredDay, UsedRulebook, kpi_totals
from scoring.entries import Entry, Month
from scoring.rules import Rulebook
from scoring.snapshot import Cause, NotRead, Snapshot
from storage.days import queries, rulebooks, runs
from storage.days.snapshots import stored_snapshots
from storage.days.windows import load_period_start
from storage.db.database import Session
from storage.ledger import periods
from storage.people import people, teams
from storage.values import Run, RunState


async def load_period_report(process: Process, key: str, period: Month, *, by: str) -> PeriodReport:
    """Load all rows of a team's month in a single transaction; `by` names the person or command that exports."""
    team = process.settings.teams[key]
    calendar, now = team.calendar(), process.now()
    async with process.db.reading() as session:
        stored = await teams.find(session, key)
        state = await periods.state(session, key, period)
        booked = await queries.entries_of_month(session, key, period)
        finished = await _load_finished(session, key, period)
        members = await people.members(session, key)
        snapshots = [
            (run.day, item.snapshot)
            for run in finished
            for item in await stored_snapshots(session, run.id, evidence=False)
        ]
        start = await load_period_start(session, key, calendar, period)
        money = await rulebooks.money_at(session, key, start)
    last = min(period.last, _last_passed(calendar.local_date(now), finished))
    workdays = tuple(calendar.workdays(max(period.first, stored.scored_from), last))
    return PeriodReport(
        company=process.settings.company,
        team=key,
        title=team.title or key,
        period=period,
        state=ReportState(state.state.value),
        zone=team.zone,
        entries=tuple(booked),
        members=tuple((member.crm_user, member.name) for member in members),
        workdays=workdays,
        unscored=_unscored_days(workdays, finished, booked, snapshots),
        rulebooks=_used_rulebooks(finished),
        money=money,
        digest=finished[-1].digest if finished else "",
        exported_at=now,
        exported_by=by,
        manual_instants=tuple(run.day for run in finished if run.manual_instant),
        kpis=kpi_totals(snapshots),
        approved_by=state.approved_by or "",
        approved_at=state.approved_at,
    )


async def _load_finished(session: Session, key: str, period: Month) -> list[Run]:
    found = await runs.between(session, key, period.first, period.last)
    return [run for run in found if run.state is RunState.FINISHED]


def _last_passed(today: date, finished: Sequence[Run]) -> date:
    """Return the last day that counts so far: today once today's run is finished, else yesterday."""
    finished_today = any(run.day == today for run in finished)
    return today if finished_today else today - timedelta(days=1)


def _unscored_days(
    workdays: Sequence[date],
    finished: Sequence[Run],
    entries: Sequence[Entry],
    snapshots: Sequence[tuple[date, Snapshot]],
) -> tuple[UnscoredDay, ...]:
    """List the working days without a run, and the days without any kept or broken rule because data were missing."""
    scored = {entry.day for entry in entries if entry.outcome is not None and entry.outcome.scored}
    by_day = {run.day: run for run in finished}
    result = []
    for day in workdays:
        if day not in by_day:
            result.append(UnscoredDay(day))
        elif day not in scored:
            cause = next((found for on, snapshot in snapshots if on == day and (found := _cause(snapshot))), None)
            if cause is not None:
                result.append(UnscoredDay(day, cause, "; ".join(sorted(set(by_day[day].missing.values())))))
    return tuple(result)


def _cause(snapshot: Snapshot) -> Cause | None:
    return next((reading.cause for reading in snapshot.readings.values() if isinstance(reading, NotRead)), None)


def _used_rulebooks(finished: Sequence[Run]) -> tuple[UsedRulebook, ...]:
    """List the rulebook versions of the period's days with the first and last day of each, in order of use."""
    spans: list[tuple[Rulebook, date, date]] = []
    for run in finished:
        if spans and spans[-1][0].version == run.rulebook.version:
            spans[-1] = (spans[-1][0], spans[-1][1], run.day)
        else:
            spans.append((run.rulebook, run.day, run.day))
    return tuple(UsedRulebook(*span) for span in spans)
