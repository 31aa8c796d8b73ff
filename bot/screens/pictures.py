"""Draw pictures on demand, in a thread when the message is sent: the leaderboard, and the trend of days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from bot.context import AppContext, TeamContext
from bot.screens import lines
from bot.screens.leaderboard import Board, heading, note
from bot.screens.team import load_member_name
from bot.screens.view import View
from bot.texts import Texts, capitalized, safe
from reports.pictures.leaderboard_picture import BoardContent, leaderboard_png
from reports.pictures.trend import DayState, RuleStrip, Trend, TrendDay, trend
from reports.pictures.trend_picture import TrendContent, trend_png
from reports.summary.stretches import week_of
from scoring.board import named
from scoring.entries import Month
from scoring.rules import Rule
from scoring.scale import day_scale
from scoring.standings import hundredths
from storage.days import queries, runs
from storage.db.database import Session
from storage.people import teams

Draw = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class OwnTrend:
    """Hold the trend of a week or month, of a team or of one manager."""

    name: str
    """The manager, or the title of the team."""
    of_team: bool
    first: date
    monthly: bool
    trend: Trend
    rules: tuple[Rule, ...]


def board_picture(t: Texts, team: TeamContext, board: Board) -> Draw:
    """Return the drawing of a board, to be called when the message is sent."""
    names = named(board.standings, full=team.board == "full")
    content = BoardContent(
        title=team.title,
        subtitle=t("picture-day", month=capitalized(t.month(Month.of(board.day))), day=t.day(board.day)),
        heading=heading(t, team, board.day),
        day=board.day,
        named=names,
        discipline=board.standings.discipline,
        scale=day_scale(board.rules or team.rulebook.rules),
        note=note(t, names),
    )
    return partial(leaderboard_png, content, t.language, team.pictures)


async def load_trend(
    session: Session, ctx: AppContext, key: str, first: date, *, monthly: bool, crm_user: str | None = None
) -> OwnTrend:
    """Load the month or week that begins on `first`, as far as scored, and the period before."""
    team = ctx.teams[key]
    last = Month.of(first).last if monthly else week_of(first)[1]
    since = (await teams.find(session, key)).scored_from
    first_before = first
    if first > since:
        first_before = Month.of(first).previous.first if monthly else first - timedelta(weeks=1)
    run = await runs.last_finished(session, key, until=last)
    until = run.day if run else first - timedelta(days=1)
    workdays = team.calendar.workdays
    rules = run.rulebook.rules if run else team.rulebook.rules
    if crm_user:
        entries = await queries.history(session, key, crm_user, first_before, last, evidence=False)
    else:
        entries = await queries.entries(session, key, first_before, last, evidence=False)
    found = trend(
        entries,
        tuple(workdays(max(first, since), until)),
        tuple(workdays(first_before, first - timedelta(days=1))),
        read=await runs.finished_days(session, key, first, last),
        rules=rules,
        coming=tuple(workdays(max(first, until + timedelta(days=1)), last)),
    )
    name = await load_member_name(session, key, crm_user) if crm_user else team.title
    return OwnTrend(name, crm_user is None, first, monthly, found, rules)


def trend_view(t: Texts, team: TeamContext, data: OwnTrend) -> View:
    """Show the picture of the trend, with all days in words: points, discipline % and the rules broken."""
    if not data.trend.days:
        return View(t("me-none"))
    title, span = t("picture-trend", title=data.name), _span(t, data)
    titles = rule_titles(t, data.trend.strips, data.rules)
    text = [f"<b>{safe(title)}</b> · {span}", *(_in_words(t, data, day, titles) for day in data.trend.days)]
    shown = [titles[strip.rule] for strip in data.trend.strips]
    content = TrendContent(title, capitalized(span), data.trend, shown, data.of_team)
    return View("\n".join(text), photo=partial(trend_png, content, t.language, team.pictures))


def rule_titles(t: Texts, strips: Sequence[RuleStrip], rules: Sequence[Rule]) -> Mapping[str, str]:
    """Name each rule by its KPI, with the bound where two rules share a KPI."""
    of_kpi, known = Counter(strip.kpi for strip in strips), {rule.id: rule for rule in rules}
    titles = {}
    for strip in strips:
        kpi, rule = lines.kpi_name(t, strip.kpi), known.get(strip.rule)
        if rule is None or of_kpi[strip.kpi] == 1:
            titles[strip.rule] = kpi
        else:
            titles[strip.rule] = t(f"trend-rule-{rule.bound}", kpi=kpi, limit=t.number(rule.limit))
    return titles


def _span(t: Texts, data: OwnTrend) -> str:
    if not data.monthly:
        return t.span(*week_of(data.first))
    return t.month(Month.of(data.first))


def _in_words(t: Texts, data: OwnTrend, day: TrendDay, titles: Mapping[str, str]) -> str:
    shown = t.short_day(day.day)
    if day.points is None or day.mean is None:
        return t("me-day-excused" if day.state is DayState.EXCUSED else "me-day-unscored", day=shown)
    points, percent = t.points(day.points, signed=True), t.percent(day.discipline)
    line = t("trend-day", day=shown, points=points, percent=percent)
    if data.of_team:
        line = t("trend-day-team", day=shown, points=points, mean=t.signed(hundredths(day.mean)), percent=percent)
    broken = [
        f"{lines.lamp(strip.kpi)} {titles[strip.rule].lower()}{_times(data, day.broken[strip.rule])}"
        for strip in data.trend.strips
        if strip.rule in day.broken
    ]
    return f"{line} – {', '.join(broken)}" if broken else line


def _times(data: OwnTrend, people: int) -> str:
    return f" ×{people}" if data.of_team and people > 1 else ""
