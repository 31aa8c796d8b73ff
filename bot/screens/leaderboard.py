"""Show the leaderboard: the group's evening board and `/leaderboard`. Private data stays out (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby

from bot.context import AppContext, TeamContext
from bot.screens.finished_days import ledger_length
from bot.screens.view import View
from bot.screens.witness.digest_link import DigestLink, digest_line
from bot.texts import Texts, safe
from scoring.entries import Month
from scoring.standings import Leaderboard, Standing, leaderboard
from storage.days import queries, runs
from storage.db.database import Session
from storage.people import people

MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
FEW = 5
"""Managers who share a place and still get a line each."""
MOST = 60
"""Rows in a message; a longer board counts the rest."""


@dataclass(frozen=True, slots=True)
class Board:
    """Hold the standings of a month up to a day."""

    day: date
    standings: Leaderboard
    digest: DigestLink = field(default=DigestLink())


async def load_standings(session: Session, ctx: AppContext, key: str, day: date) -> Leaderboard:
    """Load the month to date of a day, with the points of that day beside."""

    async def make() -> Leaderboard:
        entries = await queries.entries(session, key, day.replace(day=1), day, evidence=False)
        members = [(member.crm_user, member.name) for member in await people.members(session, key)]
        return leaderboard(entries, members, today=day)

    return await ctx.boards.get((key, day, await ledger_length(session, key)), make)


async def load_board(session: Session, ctx: AppContext, key: str, day: date) -> Board:
    """Load the board of a day."""
    run = await runs.find(session, key, day)
    digest = DigestLink(run.digest if run else "", ctx.bot.username)
    return Board(day, await load_standings(session, ctx, key, day), digest)


async def load_last_board(session: Session, ctx: AppContext, key: str) -> Board | None:
    """Load the board of the newest finished day; None before the first."""
    run = await runs.last_finished(session, key)
    return await load_board(session, ctx, key, run.day) if run else None


def board_view(t: Texts, team: TeamContext, data: Board | None, *, own: str | None = None) -> View:
    """Show the top three places and the team's discipline %, or with `board = "full"` all managers.

    `own` is the CRM user of the reader, whose place is always shown. A board that is off in the group can still be
    asked for.
    """
    if data is None:
        return View(t("board-empty"))
    full, standings = team.board == "full", data.standings
    text = [f"<b>{t('board-head', title=safe(team.title), weekday=t.weekday(data.day))}</b>"]
    shown = standings.rows[:MOST] if full else standings.top()
    if not shown:
        text.append(t("board-empty"))
    else:
        text.append(f"{t('board-month', month=t.month_name(Month.of(data.day)))}:")
        text += [_row(t, row, data.day) for row in shown] if full else _places(t, shown, data.day)
    if full:
        text += _beyond(t, standings, len(shown))
    if own is not None and own not in {row.totals.crm_user for row in shown}:
        text.append(_own(t, standings, own))
    text.append(t("board-discipline", percent=t.percent(standings.discipline)))
    text.append(digest_line(t, data.digest))
    return View("\n".join(line for line in text if line))


def _beyond(t: Texts, standings: Leaderboard, shown: int) -> list[str]:
    """Count the rows that are not shown, and name managers without a place."""
    text = [t("and-more", n=len(standings.rows) - shown)] if len(standings.rows) > shown else []
    if standings.apart:
        text.append(t("board-apart", names=", ".join(safe(row.totals.name) for row in standings.apart[:MOST])))
    return text


def _row(t: Texts, row: Standing, day: date) -> str:
    place = row.place or 0
    line = t("board-row", place=place, name=safe(row.totals.name), points=t.points(row.totals.points))
    if row.today is not None:
        line += f" ({t('board-day', weekday=day.weekday(), points=t.signed(row.today))})"
    return f"{MEDALS[place]} {line}" if place in MEDALS else line


def _places(t: Texts, shown: Sequence[Standing], day: date) -> list[str]:
    """Write the first places; a place shared by many takes one line, so that the board stays one message."""
    text: list[str] = []
    for _, group in groupby(shown, key=lambda row: row.place):
        sharing = list(group)
        if len(sharing) <= FEW:
            text += [_row(t, row, day) for row in sharing]
            continue
        place, points = sharing[0].place or 0, t.points(sharing[0].totals.points)
        names = ", ".join(safe(row.totals.name) for row in sharing[:FEW])
        more = t("and-others", n=len(sharing) - FEW)
        people = t("people", n=len(sharing))
        line = t("board-shared", place=place, points=points, people=people, names=f"{names} {more}")
        text.append(f"{MEDALS[place]} {line}" if place in MEDALS else line)
    return text


def _own(t: Texts, standings: Leaderboard, own: str) -> str:
    row = standings.of(own)
    if row is None:
        return ""
    if row.place is None:
        return t("board-own-apart")
    return t("board-own", place=row.place, total=len(standings.rows), points=t.points(row.totals.points))
