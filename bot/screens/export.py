"""Show the months and formats of `/export`."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bot.context import TeamContext
from bot.screens.view import Button, View
from bot.telegram.callbacks import MakeExport
from bot.texts import Texts, capitalized
from scoring.entries import Month

MONTHS = 3
FORMATS: tuple[Literal["xlsx", "csv"], ...] = ("xlsx", "csv")


def months_view(t: Texts, team: TeamContext, now: datetime) -> View:
    """Show a row of buttons for each of the last months, a button for each format."""
    month = Month.of(team.calendar.local_date(now))
    rows = []
    for _ in range(MONTHS):
        title = capitalized(t.month(month))
        rows.append(
            tuple(
                Button(f"{title} · {fmt.upper()}", MakeExport(team=team.key, month=month, fmt=fmt).pack())
                for fmt in FORMATS
            )
        )
        month = month.previous
    return View(t("export-choose"), tuple(rows))
