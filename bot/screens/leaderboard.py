"""Standings: the group's evening board and `/leaderboard`. Nothing private in a group, ever (docs/product.md §8)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Literal

from bot.screens.view import View
from bot.texts import Texts, safe
from scoring.entries import Month
from scoring.standings import Leaderboard, Standing

MEDALS = {1: "🥇", 2: "🥈", 3: "🥉"}
FEW = 5
"""So many share a place by a line each."""
MOST = 60
"""Rows in one message; a longer board says how many more there are."""


def board(
    t: Texts,
    title: str,
    day: date,
    standings: Leaderboard,
    mode: Literal["top3", "full"],
    *,
    digest: str = "",
    own: str | None = None,
) -> View:
    """The month's leaders: the top three places and the team's discipline %, or everybody (`full`).

    `own` is the CRM user who asks: he always sees his own place.
    """
    text = [f"<b>{t('board-head', title=safe(title), weekday=t.weekday(day))}</b>"]
    shown = standings.rows[:MOST] if mode == "full" else standings.top()
    if not shown:
        text.append(t("board-empty"))
    else:
        text.append(f"{t('board-month', month=t.month_name(Month.of(day)))}:")
        text += [_row(t, row) for row in shown] if mode == "full" else _places(t, shown)
    hidden = len(standings.rows) - len(shown) if mode == "full" else 0
    if hidden:
        text.append(t("and-more", n=hidden))
    if mode == "full" and standings.apart:
        text.append(t("board-apart", names=", ".join(safe(row.totals.name) for row in standings.apart[:MOST])))
    if own is not None and own not in {row.totals.crm_user for row in shown}:
        text.append(_own(t, standings, own))
    text.append(t("board-discipline", percent=t.percent(standings.discipline)))
    if digest:
        text.append(f"<code>{t('board-digest', digest=digest)}</code>")
    return View("\n".join(line for line in text if line))


def _row(t: Texts, row: Standing) -> str:
    place = row.place or 0
    line = t("board-row", place=place, name=safe(row.totals.name), points=t.points(row.totals.points))
    if row.today is not None:
        line += f" ({t('board-today', points=t.signed(row.today))})"
    return f"{MEDALS[place]} {line}" if place in MEDALS else line


def _places(t: Texts, shown: Sequence[Standing]) -> list[str]:
    """The first places; one that many share takes one line, so that the board stays one message."""
    text: list[str] = []
    for _, group in groupby(shown, key=lambda row: row.place):
        sharing = list(group)
        if len(sharing) <= FEW:
            text += [_row(t, row) for row in sharing]
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
