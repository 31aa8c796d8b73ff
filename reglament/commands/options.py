"""Define the options that several commands share, and parse dates and instants."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TypeVar

import typer

D = TypeVar("D", date, datetime)


class ServicePart(StrEnum):
    """Name the parts of the service for `run --only`."""

    BOT = "bot"
    SCHEDULER = "scheduler"
    WORKER = "worker"


class BoardPeriod(StrEnum):
    """Name the spans of a leaderboard."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ExportFormat(StrEnum):
    """Name the file formats of an export."""

    XLSX = "xlsx"
    CSV = "csv"


YEARS = range(2000, 2100)
"""Years of the days and instants that a command takes: calendars look some days around a day."""


def parse_date(text: str) -> date:
    """Parse YYYY-MM-DD. Raises typer.BadParameter, also for a year outside of YEARS."""
    try:
        return of_our_time(date.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date; write it like 2026-11-19") from None


def parse_instant(text: str) -> datetime:
    """Parse an ISO instant, with or without an offset. Raises typer.BadParameter, also for a year outside of YEARS."""
    try:
        return of_our_time(datetime.fromisoformat(text))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no instant; write it like 2026-11-19T18:00:00+03:00") from None


def of_our_time(value: D) -> D:
    """Return a day or instant as given. Raises ValueError for a year outside of YEARS."""
    if value.year not in YEARS:
        raise ValueError("the year is not of our time")
    return value


ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="The settings; else REGLAMENT_CONFIG, else ./config.toml.")
]
TeamOption = Annotated[str, typer.Option("--team", help="The team's key in the settings.")]
DayOption = Annotated[
    date | None, typer.Option("--day", parser=parse_date, help="YYYY-MM-DD; the business day, else today's.")
]
AtOption = Annotated[
    datetime | None,
    typer.Option("--at", parser=parse_instant, help="The instant taken for now; without an offset in the team's zone."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Stable JSON (docs/json.md).")]
