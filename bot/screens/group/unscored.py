"""Tell a group of days that were not scored: nobody shall look for a minus there (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from bot.context import AppContext, TeamContext
from bot.screens.finished_days import load_day, load_disciplines
from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.scorecard import Outcome
from storage.db.database import Session


async def load_is_unread(session: Session, ctx: AppContext, key: str, day: date) -> bool:
    """Tell whether anything of a day could not be read; otherwise nobody was at work."""
    found = await load_day(session, ctx, key, day)
    if found is None or not found.cards:
        return True
    return any(line.outcome is Outcome.NO_DATA for card in found.cards for line in card.lines)


def unscored_view(t: Texts, team: TeamContext, day: date, *, is_unread: bool) -> View:
    """Show that a day was not scored, and why."""
    key = "group-unread" if is_unread else "group-nobody"
    return View(t(key, title=safe(team.title), weekday=t.weekday(day)))


async def load_unscored(session: Session, key: str, days: Sequence[date]) -> list[date]:
    """Select the days on which nobody of a team was scored."""
    return [day for day, of_day in (await load_disciplines(session, key, days)).items() if of_day is None]


def unscored_line(t: Texts, days: Sequence[date]) -> str:
    """Write the caught-up days that were not scored, to follow a board; empty without any."""
    return t("group-unscored-days", days=t.listed(t.day(day) for day in days)) if days else ""
