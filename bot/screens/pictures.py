"""Draw pictures on demand, in a thread when the message is sent: the leaderboard, and the trend of days."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial

from bot.context import AppContext, TeamContext
from bot.screens.leaderboard import Board
from bot.screens.team import load_member_name
from bot.screens.view import View
from bot.texts import Texts, safe
from reports.pictures.trend import DayState, TrendDay, trend
from scoring.entries import Month
from scoring.standings import Leaderboard
from storage.days import queries, runs
from storage.db.database import Session
from storage.people import teams

Draw = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Trend:
    """Hold the points of a team or a manager, workday by workday."""

    name: str
    """The manager, or the title of the team."""
    days: tuple[TrendDay, ...]


def board_picture(t: Texts, team: TeamContext, board: Board) -> Draw:
    """Return the drawing of a board, to be called when the message is sent."""
    title = t("picture-leaderboard", title=team.title)
    month = t.month(Month.of(board.day))
    subtitle = t("picture-day", month=f"{month[0].upper()}{month[1:]}", day=t.day(board.day))
    return partial(_draw_board, board.standings, title, subtitle, t.language, team.board == "full")


def _draw_board(standings: Leaderboard, title: str, subtitle: str, language: str, full: bool) -> bytes:
    from reports.pictures.leaderboard_chart import leaderboard_png  # noqa: PLC0415  # importing takes half a second

    return leaderboard_png(standings, title=title, language=language, full=full, subtitle=subtitle)


async def load_trend(
    session: Session, ctx: AppContext, key: str, first: date, last: date, crm_user: str | None = None
) -> Trend:
    """Load the workdays from `first` to `last`, as far as scored, of a team or of one manager."""
    team = ctx.teams[key]
    stored = await teams.find(session, key)
    run = await runs.last_finished(session, key)
    until = min(last, run.day) if run else first
    entries = await queries.entries(session, key, first, until, evidence=False)
    name = await load_member_name(session, key, crm_user) if crm_user else team.title
    own = [entry for entry in entries if crm_user in (None, entry.crm_user)]
    return Trend(name, trend(own, team.calendar.workdays(max(first, stored.scored_from), until)))


def trend_view(t: Texts, data: Trend) -> View:
    """Show the picture of the trend, with all days in words."""
    title = t("picture-trend", title=data.name)
    days = [f"<b>{safe(title)}</b>", *(_in_words(t, day) for day in data.days)] if data.days else [t("me-none")]
    return View("\n".join(days), photo=partial(_draw_trend, data.days, title, t.language))


def _in_words(t: Texts, day: TrendDay) -> str:
    shown = t.short_day(day.day)
    if day.points is not None:
        return t("trend-day", day=shown, points=t.points(day.points, signed=True), percent=t.percent(day.discipline))
    return t("me-day-excused" if day.state is DayState.EXCUSED else "me-day-unscored", day=shown)


def _draw_trend(series: tuple[TrendDay, ...], title: str, language: str) -> bytes:
    from reports.pictures.trend_chart import trend_png  # noqa: PLC0415  # importing takes half a second

    return trend_png(series, title=title, language=language)
