"""Find the window and the rulebook of a team's business day in what is stored (docs/product.md §11, §19)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Month
from scoring.rules import Rulebook
from scoring.workdays import Window, WindowKind, WorkCalendar, local_instant
from storage.days import rulebooks, runs
from storage.db.sql import teams_named


async def load_window(session: AsyncSession, team: str, calendar: WorkCalendar, day: date) -> Window:
    """Find the window of a day of a single team as `load_windows` does."""
    return (await load_windows(session, {team: calendar}, day))[team]


async def load_windows(session: AsyncSession, calendars: Mapping[str, WorkCalendar], day: date) -> dict[str, Window]:
    """Find the windows of a day, by team, from the ends of the teams' last stored windows.

    Raises NotFound for a team without a rulebook.
    """
    teams = await teams_named(session, calendars)
    ends = await runs.last_window_ends(session, [team.id for team in teams.values()], day)
    starts = {
        team.id: calendars[key].window(day, WindowKind.CUTOFF_TO_CUTOFF, ends.get(team.id)).start
        for key, team in teams.items()
    }
    books = await rulebooks.records_at(session, starts)
    return {
        key: calendars[key].window(day, Rulebook.from_json(books[team.id].content).window, ends.get(team.id))
        for key, team in teams.items()
    }


async def load_rulebook(session: AsyncSession, team: str, calendar: WorkCalendar, day: date) -> Rulebook:
    """Find the rulebook that judges a day: the last loaded before the window's start. Raises NotFound without any."""
    window = await load_window(session, team, calendar, day)
    return await rulebooks.rulebook_at(session, team, window.start)


async def load_period_start(session: AsyncSession, team: str, calendar: WorkCalendar, period: Month) -> datetime:
    """Find where the first window of a period begins: the course loaded last before it pays the whole period.

    Raises NotFound without a rulebook.
    """
    first = next(calendar.workdays(period.first, period.last), None)
    if first is None:
        return local_instant(period.first, time(0), calendar.zone)
    run = await runs.find(session, team, first)
    return run.window.start if run else (await load_window(session, team, calendar, first)).start
