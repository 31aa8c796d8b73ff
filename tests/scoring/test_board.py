"""Whom a board names (docs/product.md §8, §19)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.board import MOST_APART, MOST_ROWS, Named, medal, named
from scoring.standings import Leaderboard, Standing, Totals, places
from tests.scoring.ledger import Book
from tests.scoring.sums import board_of

MONDAY = date(2026, 11, 2)


def board(*points: int, days: int = 20, month: int | None = None, apart: int = 0) -> Leaderboard:
    """People with these points on as many scored days each; `apart` more with one scored day."""
    people = [
        Totals(str(index), f"Человек {index:03}", max(value, 0), max(-value, 0), scored_days=days)
        for index, value in enumerate(points)
    ]
    people.sort(key=lambda row: (-row.per_day, row.name))
    rows = tuple(
        Standing(place, row) for place, row in zip(places([row.per_day for row in people]), people, strict=True)
    )
    few = tuple(Standing(None, Totals(f"x{n}", f"Новичок {n}", 9, scored_days=1)) for n in range(apart))
    return Leaderboard(rows, few, None, days if month is None else month)


def shown(standings: Leaderboard) -> tuple[list[tuple[int | None, int]], int]:
    found = named(standings, full=False)
    return [(row.place, row.totals.points) for row in found.rows], len(found.tied)


@pytest.mark.parametrize(
    ("points", "rows", "tied"),
    [
        ((9, 8, 7, 6, 5, 4, 3, -7), [(1, 9), (2, 8)], 0),  # a third of eight
        ((9, 8, 7, 6, 5, 4, 3, 2, 1), [(1, 9), (2, 8), (3, 7)], 0),
        (tuple(range(300, 0, -1)), [(1, 300), (2, 299), (3, 298)], 0),  # three at most
        ((9, 8, 7, 6), [(1, 9)], 0),
        ((9, 9, 7, 6), [], 2),  # a tie beyond the one name
        ((9, 7, 7, 6, 5, 5), [(1, 9)], 2),
        ((9, 9, 7, 6, 5, 5), [(1, 9), (1, 9)], 0),
        ((47, 47, 47, 47, 9, 9, 9), [], 4),
        ((5, 0, 0, -1, -1, -9), [(1, 5)], 0),
        ((0, 0, -1, -2), [], 0),
        ((-1, -2, -3, -4, -5), [], 0),
        ((9, 8, 7), [], 0),  # fewer than four
        ((9,), [], 0),
        ((), [], 0),
    ],
)
def test_the_best_are_named_and_nobody_below(points, rows, tied):
    assert shown(board(*points)) == (rows, tied)


def test_who_is_listed_apart_counts_among_those_scored_and_is_not_named():
    standings = board(9, 8, 7, apart=3)
    assert shown(standings) == ([(1, 9), (2, 8)], 0)
    assert named(standings, full=False).apart == ()


@pytest.mark.parametrize("full", [True, False])
def test_names_begin_with_the_third_scored_day_of_the_month(full):
    assert named(board(9, 8, 7, 6, days=2), full=full) == Named(begins=False)
    assert named(board(9, 8, 7, 6, days=3), full=full).rows


@pytest.mark.parametrize("full", [True, False])
def test_fewer_than_four_scored_people_are_a_figure_and_no_names(full):
    unscored = Standing(None, Totals("9", "Пётр"))
    small = replace(board(9, 8, 7), apart=(unscored,))
    assert named(small, full=full) == Named()


def test_the_full_table_names_all_or_says_how_many_more():
    everybody = named(board(*range(8, 0, -1), apart=2), full=True)
    assert (len(everybody.rows), len(everybody.apart), everybody.more) == (8, 2, 0)
    crowd = named(board(*range(300, 0, -1), apart=15), full=True)
    assert (len(crowd.rows), len(crowd.apart), crowd.more) == (MOST_ROWS, MOST_APART, 315 - MOST_ROWS - MOST_APART)


@given(st.lists(st.integers(-60, 60), max_size=40), st.integers(0, 9), st.integers(1, 9))
def test_never_more_than_three_nor_a_third_nor_without_points(points, apart, days):
    standings = board(*points, days=days, apart=apart)
    found, scored = named(standings, full=False), len(points) + apart
    assert len(found.rows) <= 3
    assert len(found.rows) <= max(scored // 3, 1)
    assert all(row.totals.points > 0 for row in (*found.rows, *found.tied))
    assert found.rows == standings.rows[: len(found.rows)]
    assert found.apart == ()
    if scored < 4 or days < 3:
        assert not found.rows
        assert not found.tied
    below = standings.rows[len(found.rows) :]
    if found.rows and below:
        assert found.rows[-1].place != below[0].place  # places are whole
    if found.tied:
        assert found.tied == tuple(row for row in below if row.place == below[0].place)
        assert len(found.rows) + len(found.tied) > min(3, max(scored // 3, 1))


@given(st.lists(st.integers(-60, 60), max_size=40))
def test_medals_are_for_places_up_to_three_with_points(points):
    for row in board(*points).rows:
        assert (medal(row) is not None) == (row.place <= 3 and row.totals.points > 0)


def test_places_go_by_points_per_scored_day_and_not_by_points():
    book = Book()
    for number in range(4):
        book.day("7", MONDAY + timedelta(days=number), kept=2)
        if number < 2:
            book.day("12", MONDAY + timedelta(days=number), kept=3)
    found = board_of(book.rows, [("7", "Анна"), ("12", "Борис")])
    assert [(row.place, row.totals.crm_user, row.totals.points) for row in found.rows] == [(1, "12", 6), (2, "7", 8)]
    assert [row.totals.per_day for row in found.rows] == [Fraction(3), Fraction(2)]
    assert found.scored_days == 4
    assert found.scored_people == 2
