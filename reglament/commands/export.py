"""A team's period from the tables → the file that HR gets, from the command line and from Telegram alike."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Literal

from reglament.day.cutoff import Process
from reports.workbook.period import PeriodReport, ReportState, UnscoredDay, UsedRulebook, kpi_totals
from scoring.entries import Entry, Month
from scoring.rules import Rulebook
from scoring.snapshot import Cause, NotRead, Snapshot
from scoring.workdays import WorkCalendar
from storage.days import queries, rulebooks, runs
from storage.ledger import periods
from storage.people import people, teams
from storage.values import Run, RunState

Format = Literal["xlsx", "csv"]


async def period_report(process: Process, key: str, period: Month, *, by: str) -> PeriodReport:
    """Everything the export of a team's month holds, as of one moment."""
    team = process.settings.teams[key]
    calendar, now = team.calendar(), process.now()
    async with process.db.reading() as session:
        stored = await teams.find(session, key)
        state = await periods.state(session, key, period)
        booked = await queries.entries_of_month(session, key, period)
        finished = [
            run for run in await runs.between(session, key, period.first, period.last) if run.state is RunState.FINISHED
        ]
        members = await people.members(session, key)
        snapshots = [(run.day, item.snapshot) for run in finished for item in await runs.kept(session, run.id)]
        money = None
        if team.money is not None:
            money = await rulebooks.money_at(session, key, calendar.cutoff_of(period.last))
    last = min(period.last, _last_passed(calendar, now_day=calendar.local_date(now), passed=finished))
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
        unscored=_unscored(workdays, finished, booked, snapshots),
        rulebooks=_used(finished),
        money=money,
        digest=booked[-1].hash[:12] if booked else "",
        exported_at=now,
        exported_by=by,
        rehearsed=tuple(run.day for run in finished if run.rehearsed),
        kpis=kpi_totals(snapshots),
        approved_by=state.approved_by or "",
        approved_at=state.approved_at,
    )


def _last_passed(calendar: WorkCalendar, *, now_day: date, passed: list[Run]) -> date:
    """Today belongs to the working days so far once its run is finished."""
    finished_today = any(run.day == now_day for run in passed)
    return now_day if finished_today else now_day - timedelta(days=1)


def _unscored(
    workdays: tuple[date, ...], finished: list[Run], entries: list[Entry], snapshots: list[tuple[date, Snapshot]]
) -> tuple[UnscoredDay, ...]:
    """Working days without a run, and days on which no rule of anybody was kept or broken."""
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


def _used(finished: list[Run]) -> tuple[UsedRulebook, ...]:
    """The versions that days of the period were judged by, in their order."""
    spans: list[tuple[Rulebook, date, date]] = []
    for run in finished:
        if spans and spans[-1][0].version == run.rulebook.version:
            spans[-1] = (spans[-1][0], spans[-1][1], run.day)
        else:
            spans.append((run.rulebook, run.day, run.day))
    return tuple(UsedRulebook(*span) for span in spans)


class PeriodExporter:
    """Makes the file (`bot.context.Exporter`)."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def export(self, team: str, period: Month, *, by: str, fmt: Format) -> tuple[str, bytes]:
        """File name and content; drawn up in a thread."""
        report = await period_report(self._process, team, period, by=by)
        language = self._process.settings.language
        return f"reglament-{team}-{period}.{fmt}", await asyncio.to_thread(_made, report, language, fmt)


def _made(report: PeriodReport, language: str, fmt: Format) -> bytes:
    from reports.workbook.workbook import csv_twin, workbook  # noqa: PLC0415  # few commands need the library

    return workbook(report, language) if fmt == "xlsx" else csv_twin(report, language)
