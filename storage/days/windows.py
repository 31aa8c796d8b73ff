"""Find the window and the rulebook of a team's business day in what is stored (docs/product.md §11, §19)."""

from __future__ import annotations

from datetime import date, datetime, time

from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import Month
from scoring.rules import Rulebook
from scoring.workdays import Window, WindowKind, WorkCalendar, local_instant
from storage.days import rulebooks, runs


async def load_window(session: AsyncSession, team: str, calendar: WorkCalendar, day: date) -> Window:
    """Find the window of a day, from the end of the team's last stored window. Raises NotFound without a rulebook."""
    last_end = await runs.last_window_end(session, team, day)
    running = calendar.window(day, WindowKind.CUTOFF_TO_CUTOFF, last_end)
    rulebook = await rulebooks.rulebook_at(session, team, running.start)
    return calendar.window(day, rulebook.window, last_end)


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
