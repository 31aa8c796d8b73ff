"""What separates a manager from the next mark: docs/product.md §8."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scoring.marks import MarkKind, NextMark, next_mark
from tests.scoring.ledger import MONDAY, Book

WEEK = [MONDAY + timedelta(days=n) for n in range(5)]


def week(*broken: int) -> Book:
    """A week with so many rules broken on each day, and a rule kept on each."""
    book = Book()
    for day, times in zip(WEEK, broken, strict=False):
        book.day("7", day, kept=1, broken=times)
    return book


@pytest.mark.parametrize(
    ("broken", "points", "mark"),
    [
        ((0, 0, 2), -9, NextMark(MarkKind.CLEAN_DAY, 2)),
        ((0, 1, 0), -9, NextMark(MarkKind.BREAK_EVEN, 9)),
        ((0, 0, 0, 1, 0), 3, NextMark(MarkKind.OWN_BEST, 2)),
        ((0, 1, 0), 0, None),
        ((0, 0, 0), 3, None),
        ((), 0, None),
    ],
)
def test_a_clean_day_comes_before_the_break_even_and_the_own_best(broken, points, mark) -> None:
    day = WEEK[max(len(broken) - 1, 0)]
    assert next_mark(week(*broken).rows, day, points) == mark


def test_a_later_day_and_a_reversed_minus_separate_from_nothing() -> None:
    book = week(0, 0, 1)
    assert next_mark(book.rows, WEEK[1], 2) is None
    book.reverse(book.rows[-1])
    assert next_mark(book.rows, WEEK[2], 3) is None
