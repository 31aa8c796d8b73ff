"""Write a team's period as the file for HR, for `reglament export` and for Telegram alike."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Literal

from reglament.commands.period_report import load_period_report
from reglament.config.settings import Settings
from reglament.errors import SettingsError, WorkFailed
from reglament.process import Process, open_process, store_teams
from reglament.witnesses.anchoring import anchor_once
from reports.workbook.period import PeriodReport
from scoring.entries import Month
from storage.whole_files import write_whole

FileFormat = Literal["xlsx", "csv"]


async def export(settings: Settings, key: str, period: str, fmt: FileFormat, out: Path) -> None:
    """Write the workbook or the CSV file of a month (YYYY-MM) to `out`.

    Raises SettingsError for a wrong period, WorkFailed if the file cannot be written.
    """
    try:
        month = Month.parse(period)
    except ValueError as error:
        raise SettingsError(f"--period: {error}") from None
    async with open_process(settings) as process:
        await store_teams(process)
        _, content = await PeriodExporter(process).export(key, month, by="reglament export", fmt=fmt)
        await anchor_once(process)
    try:
        await asyncio.to_thread(write_whole, out, content)
    except OSError as error:
        raise WorkFailed(f"{out}: cannot be written: {error.strerror}") from None


class PeriodExporter:
    """Make the export files of a process (`bot.context.Exporter`)."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def export(self, team: str, period: Month, *, by: str, fmt: FileFormat) -> tuple[str, bytes]:
        """Return file name and content; the file is made in a thread."""
        report = await load_period_report(self._process, team, period, by=by)
        language = self._process.settings.language
        return f"reglament-{team}-{period}.{fmt}", await asyncio.to_thread(_make_file, report, language, fmt)


def _make_file(report: PeriodReport, language: str, fmt: FileFormat) -> bytes:
    from reports.workbook.workbook import csv_twin, workbook  # noqa: PLC0415  # few commands need the library

    return workbook(report, language) if fmt == "xlsx" else csv_twin(report, language)
