"""Show the leaderboard: the group's evening board and `/leaderboard`. Private data stays out (docs/product.md §8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from bot.context import AppContext, TeamContext
from bot.screens.finished_days import ledger_length
from bot.screens.marks import next_mark_line
from bot.screens.view import View
from bot.screens.witness.digest_link import DigestLink, digest_line
from bot.texts import Texts, safe
from scoring.board import FIRST_DAY, Named, medal, named
from scoring.entries import Month
from scoring.marks import MarkKind, NextMark
from scoring.rules import Rule
from scoring.standings import Leaderboard, Standing, hundredths, leaderboard
from storage.days import runs
from storage.db.database import Session
from storage.ledger import exceptions, totals
from storage.people import people

MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}


@dataclass(frozen=True, slots=True)
class Board:
    """Hold the standings of a month up to a day."""

    day: date
    standings: Leaderboard
    digest: DigestLink = field(default=DigestLink())
    rules: tuple[Rule, ...] = ()
    """Rules that judged the day."""


async def load_standings(session: Session, ctx: AppContext, key: str, day: date) -> Leaderboard:
    """Load what is booked in the month up to a day, with the points of that day beside."""

    async def make() -> Leaderboard:
        month = Month.of(day)
        booked = await totals.totals_of_month(session, key, month, day)
        today = await totals.points_of_day(session, key, day, month)
        members = [(member.crm_user, member.name) for member in await people.members(session, key)]
        off = await exceptions.days_off(session, key, month.first, day)
        return leaderboard(booked, members, today=today, days_off=off)

    return await ctx.boards.get((key, day, await ledger_length(session, key)), make)


async def load_board(session: Session, ctx: AppContext, key: str, day: date) -> Board:
    """Load the board of a day."""
    run = await runs.find(session, key, day)
    digest = DigestLink(run.digest if run else "", ctx.bot.username)
    rules = run.rulebook.rules if run else ()
    return Board(day, await load_standings(session, ctx, key, day), digest, rules)


async def load_last_board(session: Session, ctx: AppContext, key: str) -> Board | None:
    """Load the board of the newest finished day; None before the first."""
    run = await runs.last_finished(session, key)
    return await load_board(session, ctx, key, run.day) if run else None


def board_view(t: Texts, team: TeamContext, data: Board | None, *, own: str | None = None) -> View:
    """Show the team's discipline % and the few best, or with `board = "full"` all managers (docs/product.md §8).

    `own` is the CRM user of the reader, whose place is always shown. A board that is off in the group can still be
    asked for.
    """
    if data is None:
        return View(t("board-empty"))
    shown = named(data.standings, full=team.board == "full")
    text = [
        f"<b>{t('board-head', title=safe(team.title), weekday=t.weekday(data.day))}</b>",
        t("board-discipline", percent=t.percent(data.standings.discipline)),
    ]
    if shown.rows or shown.tied:
        text.append(f"{heading(t, team, data.day)}, {t('board-pace')}:")
        text += [_row(t, data.day, row) for row in shown.rows]
    text += _unnamed(t, shown)
    text.append(note(t, shown))
    if own is not None:
        is_named = own in {row.totals.crm_user for row in shown.rows}
        text += [_to_break_even(t, data, own), "" if is_named else _own(t, data.standings, own)]
    text.append(digest_line(t, data.digest))
    return View("\n".join(line for line in text if line))


def heading(t: Texts, team: TeamContext, day: date) -> str:
    """Write the words above the names."""
    return t("board-table" if team.board == "full" else "board-month", month=t.month_name(Month.of(day)))


def pace(t: Texts, row: Standing) -> str:
    """Write points per scored day: `2,35`, `−0,5`."""
    return t.number(hundredths(row.totals.per_day))


def _row(t: Texts, day: date, row: Standing) -> str:
    points = t.points(row.totals.points)
    line = t("board-row", place=row.place or 0, name=safe(row.totals.name), pace=pace(t, row), points=points)
    if row.today is not None:
        line += f" ({t('board-day', weekday=day.weekday(), points=t.signed(row.today))})"
    won = medal(row)
    return f"{MEDALS[won]} {line}" if won else line


def _unnamed(t: Texts, shown: Named) -> list[str]:
    """Name managers without a place, and count managers for whom there is no room."""
    text = []
    if shown.apart:
        text.append(t("board-apart", names=", ".join(safe(row.totals.name) for row in shown.apart)))
    if shown.more:
        text.append(t("and-more", n=shown.more))
    return text


def note(t: Texts, shown: Named) -> str:
    """Write a tie for which there is no room as a number, or when the names begin; message and picture share it."""
    if shown.tied:
        return _tied(t, shown)
    return "" if shown.begins else t("board-begins", day=FIRST_DAY)


def _tied(t: Texts, shown: Named) -> str:
    """Write `ещё 4 человека с 47 баллами`."""
    first, *others = shown.tied
    points = first.totals.points
    people = t("board-more-people" if shown.rows else "people", n=len(shown.tied))
    if all(row.totals.points == points for row in others):
        leading = "hundred" if 100 <= points < 200 else "other"
        return t("board-tied", people=people, n=points, shown=t.number(points), leading=leading)
    return t("board-tied-pace", people=people, pace=pace(t, first))


def _to_break_even(t: Texts, data: Board, own: str) -> str:
    """Write what separates the reader's month from the break-even; empty from 0 points on."""
    row = data.standings.of(own)
    if row is None or row.totals.points >= 0:
        return ""
    return next_mark_line(t, NextMark(MarkKind.BREAK_EVEN, -row.totals.points), Month.of(data.day))


def _own(t: Texts, standings: Leaderboard, own: str) -> str:
    row = standings.of(own)
    if row is None:
        return ""
    if row.place is None:
        return t("board-own-apart")
    total, points = len(standings.rows), t.points(row.totals.points)
    return t("board-own", place=row.place, total=total, pace=pace(t, row), points=points)
