"""Commands and deliveries → what they show: reads one moment of the database, hands values to the texts."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

from bot.context import AppContext, TeamContext
from bot.screens import departed as departed_screen
from bot.screens import digest as digest_screen
from bot.screens import evening as evening_screen
from bot.screens import leaderboard as leaderboard_screen
from bot.screens import me as me_screen
from bot.screens import periods, who
from bot.screens.evening import Evening
from bot.screens.me import OwnMonth
from bot.screens.periods import Shown
from bot.screens.view import View
from bot.screens.who import PersonSummary
from bot.texts import Texts
from reports.summary.evidence import WonDay, state_now
from reports.summary.stretches import compare_months, compare_weeks, week_of
from reports.summary.summary import Summary, summarize
from scoring.entries import Entry, Month
from scoring.standings import Leaderboard, leaderboard, pooled, streak, totals
from storage.days import queries, rulebooks, runs
from storage.db.database import Session
from storage.errors import NotFound
from storage.messages.notices import DepartedNotice
from storage.people import people, teams
from storage.values import Day, Run

STREAK_DAYS = 60
"""How far back a streak of clean days is looked for."""


async def standings(session: Session, ctx: AppContext, team: str, day: date) -> Leaderboard:
    """The month to date of a day, with that day's points beside."""

    async def make() -> Leaderboard:
        entries = await queries.entries(session, team, day.replace(day=1), day)
        members = [(member.crm_user, member.name) for member in await people.members(session, team)]
        return leaderboard(entries, members, today=day)

    return await ctx.boards.get((team, day, await _length(session, team)), make)


async def finished_day(session: Session, ctx: AppContext, team: str, day: date) -> Day | None:
    """A team's day with its evidence."""
    return await ctx.days.get((team, day, await _length(session, team)), lambda: queries.day(session, team, day))


async def _length(session: Session, team: str) -> int:
    """The length of the team's ledger: what is kept of it holds as long as it does not grow."""
    return await teams.length(session, team)


# The evening


async def evening(
    session: Session,
    ctx: AppContext,
    t: Texts,
    key: str,
    day: date,
    crm_user: str,
    *,
    earlier: Sequence[date] = (),
    page: int = 0,
    named: bool = False,
) -> View | None:
    """Show a manager's day; None if the manager was not scored. `named`: for another reader than the manager."""
    team = ctx.teams[key]
    data = await load_evening(session, ctx, team, day, crm_user, earlier)
    return None if data is None else evening_screen.evening(t, team, data, page=page, named=named)


async def load_evening(
    session: Session, ctx: AppContext, team: TeamContext, on: date, user: str, earlier: Sequence[date] = ()
) -> Evening | None:
    """Load a manager's day; None if the manager was not scored. `earlier`: days caught up together with `on`."""
    day = await finished_day(session, ctx, team.key, on)
    card = day.card(user) if day else None
    if day is None or card is None:
        return None
    recent = await queries.history(session, team.key, user, on - timedelta(days=STREAK_DAYS), on)
    return Evening(
        day=on,
        cutoff=day.run.window.cutoff,
        card=card,
        entries=tuple(entry for entry in day.entries if entry.crm_user == user),
        absent=user in day.absent,
        board=await standings(session, ctx, team.key, on),
        streak=streak(recent),
        earlier=tuple(_earlier(recent, earlier)),
    )


def _earlier(entries: Sequence[Entry], days: Sequence[date]) -> list[tuple[date, int | None]]:
    result: list[tuple[date, int | None]] = []
    for day in days:
        own_rows = [entry for entry in entries if entry.day == day]
        scored = any(entry.outcome is not None and entry.outcome.scored for entry in own_rows)
        result.append((day, sum(entry.points for entry in own_rows) if scored else None))
    return result


async def evening_board(session: Session, ctx: AppContext, t: Texts, key: str, on: date) -> View:
    """The group's leaderboard of a day, with the digest of its ledger."""
    team = ctx.teams[key]
    run = await runs.find(session, team.key, on)
    digest = run.digest if run else ""
    return leaderboard_screen.board(
        t, team.title, on, await standings(session, ctx, team.key, on), _mode(team), digest=digest
    )


async def digest(
    session: Session, ctx: AppContext, t: Texts, key: str, day: date, earlier: Sequence[date] = ()
) -> View:
    """The head's digest of a day; made once for all heads of a team who read it in one language."""
    team = ctx.teams[key]
    same = (team.key, day, t.language, len(earlier), await _length(session, team.key))
    return await ctx.digests.get(same, lambda: _digest(session, ctx, t, team, day, earlier))


async def _digest(
    session: Session, ctx: AppContext, t: Texts, team: TeamContext, on: date, earlier: Sequence[date]
) -> View:
    day = await finished_day(session, ctx, team.key, on)
    if day is None:
        return digest_screen.team_now(t, team, None)
    waiting = [member.name for member in await people.unconnected(session, team.key)]
    caught_up = []
    for each in earlier:
        of_day = totals(await queries.entries(session, team.key, each, each))
        caught_up.append((each, pooled(of_day.values())))
    return digest_screen.digest(t, team, day, waiting, caught_up)


async def departed(
    session: Session, ctx: AppContext, t: Texts, number: int, notice: DepartedNotice, page: int = 0
) -> View:
    """Who left, and what he left behind: as read since, else as of his last cutoff."""
    team = ctx.teams[notice.team]
    if notice.readings is not None:
        return departed_screen.as_read(t, team, number, notice, page)
    run = await runs.last_finished(session, team.key, until=notice.day - timedelta(days=1))
    day = await finished_day(session, ctx, team.key, run.day) if run else None
    card = day.card(notice.crm_user) if day else None
    return departed_screen.as_of_last_cutoff(t, team, notice.name, run.day if run else None, card)


def _mode(team: TeamContext) -> Literal["top3", "full"]:
    """A board that is off in the group is still asked for; it then names the top three."""
    return "full" if team.board == "full" else "top3"


# Commands


async def last_board(session: Session, ctx: AppContext, t: Texts, key: str, own_user: str | None) -> View:
    """`/leaderboard`: the month to date of the newest finished day."""
    team = ctx.teams[key]
    run = await runs.last_finished(session, key)
    if run is None:
        return View(t("board-empty"))
    board = await standings(session, ctx, key, run.day)
    return leaderboard_screen.board(t, team.title, run.day, board, _mode(team), digest=run.digest, own=own_user)


async def team_now(session: Session, ctx: AppContext, t: Texts, key: str, page: int = 1) -> View:
    """`/team`."""
    return digest_screen.team_now(t, ctx.teams[key], await _last_day(session, ctx, key), page)


async def _last_day(session: Session, ctx: AppContext, key: str) -> Day | None:
    run = await runs.last_finished(session, key)
    return await finished_day(session, ctx, key, run.day) if run else None


async def name_of(session: Session, key: str, crm_user: str) -> str:
    """A member's name; his CRM id if he left the team."""
    every = await people.members(session, key)
    return next((member.name for member in every if member.crm_user == crm_user), crm_user)


async def somebody(session: Session, ctx: AppContext, t: Texts, key: str, crm_user: str) -> View:
    """`/who`: one manager's week, month and last day."""
    team = ctx.teams[key]
    member = next((member for member in await people.members(session, key) if member.crm_user == crm_user), None)
    last = await runs.last_finished(session, key)
    if member is None:
        return View(t("who-nobody"))
    if last is None:
        return View(t("team-none"))
    week, month = [await period(session, ctx, key, last.day, monthly=monthly) for monthly in (False, True)]
    evening = await load_evening(session, ctx, team, last.day, crm_user)
    return who.person(t, team, PersonSummary(crm_user, member.name, week, month, evening))


async def me(
    session: Session, ctx: AppContext, t: Texts, key: str, crm_user: str, name: str, month: Month, now: datetime
) -> View:
    """`/me` in one team; for a head the same of his people."""
    team = ctx.teams[key]
    today = team.calendar.local_date(now)
    first = min(month.first, today - timedelta(days=STREAK_DAYS))
    entries = await queries.history(session, key, crm_user, first, max(month.last, today))
    last = await runs.last_finished(session, key)
    board = None
    if last is not None and Month.of(last.day) == month:
        board = await standings(session, ctx, key, last.day)
    since = (await teams.find(session, key)).scored_from
    return me_screen.me(t, team, OwnMonth(crm_user, name, month, tuple(entries), today, since, board))


async def rules(session: Session, ctx: AppContext, t: Texts, key: str, now: datetime) -> View:
    """`/rules`: those that judge the running window, and whether others are coming."""
    team = ctx.teams[key]
    last_end = await runs.last_window_end(session, key, team.calendar.business_day(now))
    start = last_end or now
    try:
        book = await rulebooks.rulebook_at(session, key, start)
        coming = await rulebooks.next_rulebook(session, key, start)
    except NotFound:
        book, coming = team.rulebook, None
    shown = coming and (coming[0], team.calendar.next_workday(team.calendar.business_day(now)))
    return me_screen.rules(t, replace(team, rulebook=book), now, shown or None)


async def summary(
    session: Session, ctx: AppContext, t: Texts, key: str, day: date, shown: Shown, *, monthly: bool
) -> View:
    """`/week` and `/month`: the ISO week, or the calendar month, of `day`."""
    since = (await teams.find(session, key)).scored_from
    data = await period(session, ctx, key, day, monthly=monthly)
    return periods.summary(t, ctx.teams[key], data, replace(shown, since=since))


async def period(session: Session, ctx: AppContext, key: str, day: date, *, monthly: bool) -> Summary:
    """The ISO week, or the calendar month, of `day`, summed up; kept as long as the ledger does not grow."""
    last = await runs.last_finished(session, key)

    async def make() -> Summary:
        return await _summary(session, ctx.teams[key], day, last, monthly=monthly)

    first = Month.of(day).first if monthly else week_of(day)[0]
    stretch = (key, monthly, first, last.day if last else None, await _length(session, key))
    return await ctx.summaries.get(stretch, make)


async def _summary(session: Session, team: TeamContext, day: date, last: Run | None, *, monthly: bool) -> Summary:
    until = last.day if last else day
    calendar = team.calendar
    period = compare_months(calendar, Month.of(day), until) if monthly else compare_weeks(calendar, day, until)
    first, end = period.span
    entries = await queries.entries(session, team.key, first, end)
    members = [(member.crm_user, member.name) for member in await people.members(session, team.key)]
    figures = await queries.won(session, team.key, first, end)
    won = [WonDay(row.crm_user, row.day, row.deals, row.amounts) for row in figures]
    now = None
    if last is not None:
        now = state_now(last.day, [item.snapshot for item in await runs.stored_snapshots(session, last.id)])
    return await asyncio.to_thread(summarize, period, entries, members, won=won or None, now=now)
