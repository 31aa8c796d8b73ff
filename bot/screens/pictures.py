"""Pictures on demand, drawn in a thread when they are sent; and which teams a group shows."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

from bot.context import AppContext, TeamContext
from bot.screens import answers
from bot.screens.view import View
from bot.texts import Texts, safe
from reports.pictures.trend import DayState, TrendDay, trend
from scoring.entries import Month
from scoring.standings import Leaderboard
from storage.days import queries, runs
from storage.people import channels, teams

Draw = Callable[[], bytes]


async def board(ctx: AppContext, t: Texts, key: str) -> Draw | None:
    """The leaderboard of the newest finished day; None before the first."""
    team = ctx.teams[key]
    async with ctx.db.reading() as session:
        run = await runs.last_finished(session, key)
        if run is None:
            return None
        standings = await answers.standings(session, ctx, key, run.day)
    return board_of(t, team, standings, run.day)


def board_of(t: Texts, team: TeamContext, standings: Leaderboard, day: date) -> Draw:
    """The standings of the month up to a day, to be drawn when it is sent."""
    title = t("picture-leaderboard", title=team.title)
    month = t.month(Month.of(day))
    subtitle = t("picture-day", month=f"{month[0].upper()}{month[1:]}", day=t.day(day))
    return partial(_draw_board, standings, title, subtitle, t.language, team.board == "full")


def _draw_board(standings: Leaderboard, title: str, subtitle: str, language: str, full: bool) -> bytes:
    """PNG bytes; the library is imported only here."""
    from reports.pictures.leaderboard_chart import leaderboard_png  # noqa: PLC0415  # half a second, only where a picture is drawn

    return leaderboard_png(standings, title=title, language=language, full=full, subtitle=subtitle)


async def days(ctx: AppContext, t: Texts, key: str, first: date, last: date, crm_user: str | None = None) -> View:
    """The trend of a team or of one person over working days: the picture, and all of it in words."""
    team = ctx.teams[key]
    async with ctx.db.reading() as session:
        stored = await teams.find(session, key)
        run = await runs.last_finished(session, key)
        until = min(last, run.day) if run else first
        entries = await queries.entries(session, key, first, until)
        whose = await answers.name_of(session, key, crm_user) if crm_user else team.title
    own = [entry for entry in entries if crm_user in (None, entry.crm_user)]
    series = trend(own, team.calendar.workdays(max(first, stored.scored_from), until))
    title = t("picture-trend", title=whose)
    text = "\n".join([f"<b>{safe(title)}</b>", *(_in_words(t, day) for day in series)] if series else [t("me-none")])
    return View(text, photo=partial(_draw_trend, series, title, t.language))


def _in_words(t: Texts, day: TrendDay) -> str:
    shown = t.short_day(day.day)
    if day.points is not None:
        return t("trend-day", day=shown, points=t.points(day.points, signed=True), percent=t.percent(day.discipline))
    return t("me-day-excused" if day.state is DayState.EXCUSED else "me-day-unscored", day=shown)


def _draw_trend(series: tuple[TrendDay, ...], title: str, language: str) -> bytes:
    from reports.pictures.trend_chart import trend_png  # noqa: PLC0415  # half a second, only where a picture is drawn

    return trend_png(series, title=title, language=language)


async def teams_of_group(ctx: AppContext, chat_id: int) -> list[str]:
    """Teams whose leaderboard comes to this group, by settings or `/bind`."""
    found = []
    async with ctx.db.reading() as session:
        for key, team in ctx.teams.items():
            stored = await teams.find(session, key)
            bound = team.chat_id or stored.chat_id
            if bound is not None and (await channels.find(session, bound)).chat_id == chat_id:
                found.append(key)
    return found
