"""Decide whom a board names, for text and picture alike (docs/product.md §8, §19)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from scoring.standings import Leaderboard, Standing

MOST_NAMED = 3
"""People named on a board that shows the best alone."""
FEWEST_SCORED = 4
"""Scored people without whom every name is easily guessed from the department's figure."""
FIRST_DAY = 3
"""Scored day of the month from which a board names people."""
MOST_ROWS = 30
"""Rows of the full table in one message and one picture."""
MOST_APART = 10


@dataclass(frozen=True, slots=True)
class Named:
    """Hold the lines of a board that a group may see."""

    rows: tuple[Standing, ...] = ()
    """Lines with a place, best first."""
    tied: tuple[Standing, ...] = ()
    """Lines of the next place, told as a number of people without names."""
    apart: tuple[Standing, ...] = ()
    """Lines of managers with too few scored days; in the full table alone."""
    more: int = 0
    """Managers of the full table for whom there is no room."""
    begins: bool = True
    """Whether the month has the scored days that names need."""


def named(board: Leaderboard, *, full: bool) -> Named:
    """Choose the lines of a group's board; in a small team and on the month's first days the lines are empty."""
    if board.scored_people < FEWEST_SCORED:
        return Named()
    if board.scored_days < FIRST_DAY:
        return Named(begins=False)
    return _everybody(board) if full else _best(board)


def _everybody(board: Leaderboard) -> Named:
    rows, apart = board.rows[:MOST_ROWS], board.apart[:MOST_APART]
    return Named(rows, apart=apart, more=len(board.rows) + len(board.apart) - len(rows) - len(apart))


def _best(board: Leaderboard) -> Named:
    """Name whole places with more than 0 points while these fit into a third of those scored and into three."""
    room = min(MOST_NAMED, max(board.scored_people // 3, 1))
    rows: tuple[Standing, ...] = ()
    for _, group in groupby((row for row in board.rows if row.totals.points > 0), key=lambda row: row.place):
        sharing = tuple(group)
        if len(rows) == room:
            break
        if len(rows) + len(sharing) > room:
            return Named(rows, tied=sharing)
        rows += sharing
    return Named(rows)


def medal(standing: Standing) -> int | None:
    """Return the place that earns a medal: 1 to 3, with more than 0 points."""
    place = standing.place
    return place if place is not None and place <= 3 and standing.totals.points > 0 else None
