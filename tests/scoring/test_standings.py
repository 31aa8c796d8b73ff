"""Ranks, ties, discipline, streaks: docs/product.md §8, §11."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.entries import Month
from scoring.scorecard import Outcome
from scoring.standings import MarkedDays, Totals, discipline, marked_days, places, pooled, streak, totals
from tests.scoring.ledger import MONDAY, NAMES, Book
from tests.scoring.sums import board_of, day_points

MEMBERS = tuple(NAMES.items())
TUESDAY = MONDAY + timedelta(days=1)
WEEK = [MONDAY + timedelta(days=n) for n in range(5)]


# Totals


def test_a_managers_totals_add_up_points_outcomes_and_days() -> None:
    book = Book()
    book.day("7", WEEK[0], kept=4, broken=1)
    book.day("7", WEEK[1], kept=5)
    book.score("7", Outcome.EXCUSED, WEEK[2])
    book.score("7", Outcome.NO_DATA, WEEK[3])
    book.score("7", Outcome.NOT_APPLICABLE, WEEK[3])
    found = totals(book.rows)["7"]
    assert (found.plus, found.minus, found.points) == (9, 2, 7)
    assert (found.kept, found.broken, found.discipline) == (9, 1, Decimal("90.0"))
    assert found.scored_days == 2
    marked = marked_days(book.rows)["7"]
    assert marked == MarkedDays(frozenset({WEEK[0], WEEK[1]}), frozenset({WEEK[2]}), frozenset({WEEK[3]}))


def test_a_day_that_is_half_excused_is_scored_and_a_day_half_read_too() -> None:
    book = Book()
    book.score("7", Outcome.EXCUSED)
    book.score("7", Outcome.KEPT)
    book.score("7", Outcome.NO_DATA, TUESDAY)
    book.score("7", Outcome.EXCUSED, TUESDAY)
    assert marked_days(book.rows)["7"] == MarkedDays(frozenset({MONDAY}), frozenset({TUESDAY}))


def test_a_day_of_which_every_judged_entry_was_reversed_is_excused() -> None:
    book = Book()
    book.reverse(book.score("7", Outcome.BROKEN))
    book.score("7", Outcome.KEPT, TUESDAY)
    book.grant_as_kept(book.score("7", Outcome.BROKEN, WEEK[2]))
    assert marked_days(book.rows)["7"] == MarkedDays(frozenset({TUESDAY, WEEK[2]}), frozenset({MONDAY}))


def test_an_adjustment_makes_points_but_no_day() -> None:
    book = Book()
    book.adjust("7", -3)
    found = totals(book.rows)["7"]
    assert (found.points, found.discipline, found.scored_days) == (-3, None, 0)
    assert marked_days(book.rows)["7"] == MarkedDays()


def test_the_name_is_that_of_the_latest_row() -> None:
    book = Book()
    renamed = replace(book.score("7", Outcome.KEPT, TUESDAY), name="Анна Новая")
    assert totals([book.score("7", Outcome.KEPT), renamed])["7"].name == "Анна Новая"


def test_reversed_entries_are_left_out_of_discipline() -> None:
    book = Book()
    book.day("7", MONDAY, kept=1)
    book.reverse(book.score("7", Outcome.BROKEN))
    assert totals(book.rows)["7"].discipline == 100
    book.grant_as_kept(book.score("7", Outcome.BROKEN, TUESDAY))
    found = totals(book.rows)["7"]
    assert (found.kept, found.broken, found.plus, found.minus) == (2, 0, 2, 0)


@pytest.mark.parametrize(
    ("kept", "broken", "percent"),
    [(0, 0, None), (1, 0, "100.0"), (0, 3, "0.0"), (2, 1, "66.7"), (1, 2, "33.3"), (1, 15, "6.3"), (3, 5, "37.5")],
)
def test_discipline_is_the_share_of_rules_kept(kept: int, broken: int, percent: str | None) -> None:
    assert discipline(kept, broken) == (None if percent is None else Decimal(percent))


def test_discipline_of_a_team_is_pooled_and_no_mean_of_means() -> None:
    busy, idle = Totals("7", "Анна", kept=90, broken=10), Totals("12", "Борис", kept=0, broken=1)
    assert pooled([busy, idle]) == Decimal("89.1")
    assert pooled([]) is None
    assert pooled([Totals("7", "Анна")]) is None


@given(st.integers(0, 5000), st.integers(0, 5000))
def test_discipline_lies_between_nought_and_a_hundred(kept: int, broken: int) -> None:
    found = discipline(kept, broken)
    if found is None:
        assert kept + broken == 0
    else:
        assert 0 <= found <= 100
        assert abs(found - Decimal(100 * kept) / (kept + broken)) <= Decimal("0.05")


# Places


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([], []),
        ([5], [1]),
        ([9, 7, 7, 3], [1, 2, 2, 4]),
        ([0, 0, 0], [1, 1, 1]),
        ([3, -1, -1, -4], [1, 2, 2, 4]),
    ],
)
def test_ties_share_a_place_and_the_next_place_counts_all_before(points: list[int], expected: list[int]) -> None:
    assert places([Fraction(value) for value in points]) == expected


@given(st.lists(st.integers(-50, 50)))
def test_a_place_counts_who_is_better(points: list[int]) -> None:
    ranked = sorted(points, reverse=True)
    found = places([Fraction(value) for value in ranked])
    assert found == [1 + sum(other > value for other in ranked) for value in ranked]


# The board


def a_week() -> Book:
    """Anna 15, Boris and Vera 9 each, Gleb only one day."""
    book = Book()
    for day in WEEK:
        book.day("7", day, kept=3)
        for user in ("12", "15"):
            book.day(user, day, kept=3)
    for user in ("12", "15"):
        for day in WEEK[:3]:
            book.day(user, day, broken=1)
    book.day("20", WEEK[0], kept=5)
    return book


def test_the_board_ranks_by_points_and_inside_a_place_by_name() -> None:
    board = board_of(a_week().rows, MEMBERS)
    assert [(row.place, row.totals.crm_user, row.totals.points) for row in board.rows] == [
        (1, "7", 15),
        (2, "12", 9),
        (2, "15", 9),
    ]


def test_fewer_than_half_of_the_periods_scored_days_are_listed_apart() -> None:
    board = board_of(a_week().rows, MEMBERS)
    assert [(row.place, row.totals.crm_user) for row in board.apart] == [(None, "20")]


@pytest.mark.parametrize(("days", "ranked"), [(2, False), (3, True)])
def test_half_of_the_days_is_enough(days: int, ranked: bool) -> None:
    book = Book()
    for day in [MONDAY + timedelta(days=n) for n in range(6)]:
        book.day("7", day, kept=1)
    for day in WEEK[:days]:
        book.day("12", day, kept=1)
    board = board_of(book.rows, MEMBERS[:2])
    assert (len(board.rows) == 2) is ranked


def test_those_apart_stand_by_name_whatever_their_points() -> None:
    members = [("12", "Борис"), ("7", "анна"), ("15", "Вера")]
    board = board_of([], members)
    assert [row.totals.name for row in board.apart] == ["анна", "Борис", "Вера"]
    assert board.rows == ()
    assert board.discipline is None


def test_a_manager_always_finds_his_own_line() -> None:
    board = board_of(a_week().rows, MEMBERS)
    for user, place in (("7", 1), ("15", 2), ("20", None)):
        row = board.of(user)
        assert row is not None
        assert row.place == place
    assert board.of("404") is None


def test_who_is_no_longer_in_the_team_has_no_line_but_his_days_count_for_the_team() -> None:
    book = a_week()
    book.day("99", MONDAY, broken=10)
    board = board_of(book.rows, MEMBERS)
    assert board.of("99") is None
    assert board.discipline == discipline(50, 16)


def test_a_team_of_one_is_first() -> None:
    book = Book()
    book.day("7", MONDAY, broken=2)
    [row] = board_of(book.rows, MEMBERS[:1]).rows
    assert (row.place, row.totals.points) == (1, -4)


def test_a_day_on_which_all_were_excused_or_unread_is_no_scored_day_of_the_period() -> None:
    book = Book()
    book.day("7", MONDAY, kept=1)
    for user in ("7", "12"):
        book.score(user, Outcome.EXCUSED, TUESDAY)
        book.score(user, Outcome.NO_DATA, WEEK[2])
    book.day("12", MONDAY, kept=1)
    assert len(board_of(book.rows, MEMBERS[:2]).rows) == 2


def test_todays_points_stand_beside_the_months() -> None:
    book = a_week()
    board = board_of(book.rows, MEMBERS, today=WEEK[0])
    assert {row.totals.crm_user: row.today for row in (*board.rows, *board.apart)} == {
        "7": 3,
        "12": 1,
        "15": 1,
        "20": 5,
    }
    absent_today = board_of(book.rows, MEMBERS, today=WEEK[4]).of("20")
    assert absent_today is not None
    assert absent_today.today is None


def test_todays_points_are_after_corrections_and_without_adjustments() -> None:
    book = Book()
    book.day("7", MONDAY, kept=2)
    book.grant_as_kept(book.score("7", Outcome.BROKEN))
    book.reverse(book.adjust("7", 50))
    book.adjust("7", -7)
    book.reverse(book.reverse(book.adjust("7", 9)))
    assert day_points(book.rows, MONDAY) == {"7": 3}
    assert totals(book.rows)["7"].points == 3 - 7 + 9


def test_who_was_not_scored_that_day_has_no_points_of_the_day() -> None:
    book = Book()
    book.score("7", Outcome.EXCUSED)
    book.adjust("12", 5)
    assert day_points(book.rows, MONDAY) == {}


def test_a_later_correction_of_an_earlier_period_gives_its_points_and_no_day() -> None:
    earlier = MONDAY - timedelta(days=30)
    book = Book()
    broken = book.score("7", Outcome.BROKEN, earlier)
    of_this_month = len(book.rows)
    book.day("7", MONDAY, kept=1, broken=1)
    book.day("7", TUESDAY, kept=2)
    book.grant_as_kept(broken, booked_in=Month.of(MONDAY))
    rows = book.rows[of_this_month:]
    board = board_of(rows, MEMBERS[:1], since=MONDAY)
    [row] = board.rows
    assert row.totals.points == 1 - 2 + 2 + 2 + 1
    assert row.totals.scored_days == 2
    assert row.totals.per_day == Fraction(4, 2)
    assert (board.scored_days, board.discipline) == (2, discipline(3, 1))


outcomes = st.sampled_from(Outcome)
users = st.sampled_from(list(NAMES))
days = st.sampled_from(WEEK)


@st.composite
def books(draw: st.DrawFn) -> Book:
    book = Book()
    for user, outcome, day in draw(st.lists(st.tuples(users, outcomes, days), max_size=40)):
        book.score(user, outcome, day)
    for _ in range(draw(st.integers(0, 6))):
        free = [row for row in book.rows if row.seq not in {other.reverses for other in book.rows}]
        if free:
            book.reverse(draw(st.sampled_from(free)))
    return book


@given(books(), st.permutations(MEMBERS), st.randoms())
def test_the_board_does_not_depend_on_the_order_of_rows_or_members(
    book: Book, members: list[tuple[str, str]], random: object
) -> None:
    rows = list(book.rows)
    random.shuffle(rows)  # type: ignore[attr-defined]
    assert board_of(rows, members, today=MONDAY) == board_of(book.rows, MEMBERS, today=MONDAY)


@given(books())
def test_every_member_stands_once_and_more_points_a_day_never_stand_lower(book: Book) -> None:
    board = board_of(book.rows, MEMBERS)
    lines = [*board.rows, *board.apart]
    assert sorted(row.totals.crm_user for row in lines) == sorted(NAMES)
    for above, below in zip(board.rows, board.rows[1:], strict=False):
        assert above.totals.per_day >= below.totals.per_day
    by_pace = {row.totals.per_day: row.place for row in board.rows}
    assert all(by_pace[row.totals.per_day] == row.place for row in board.rows)


# Streaks


@pytest.mark.parametrize(
    ("by_day", "length"),
    [
        pytest.param([], 0, id="no days"),
        pytest.param(["k", "k", "k"], 3, id="three clean days"),
        pytest.param(["k", "kb", "k"], 1, id="a broken rule ends it"),
        pytest.param(["k", "k", "b"], 0, id="broken today"),
        pytest.param(["k", "e", "k"], 2, id="an excused day neither breaks nor lengthens"),
        pytest.param(["k", "n", "k"], 2, id="an unread day neither breaks nor lengthens"),
        pytest.param(["kn", "k"], 2, id="half-read days with a rule kept are clean"),
        pytest.param(["e", "n"], 0, id="nothing but excused and unread"),
    ],
)
def test_clean_days_in_a_row(by_day: list[str], length: int) -> None:
    letters = {"k": Outcome.KEPT, "b": Outcome.BROKEN, "e": Outcome.EXCUSED, "n": Outcome.NO_DATA}
    book = Book()
    for day, code in zip(WEEK, by_day, strict=False):
        for letter in code:
            book.score("7", letters[letter], day)
    assert streak(book.rows) == length


def test_a_granted_appeal_makes_the_day_clean() -> None:
    book = Book()
    book.day("7", MONDAY, kept=1)
    book.reverse(book.score("7", Outcome.BROKEN))
    book.grant_as_kept(book.score("7", Outcome.BROKEN, TUESDAY))
    assert streak(book.rows) == 2


def test_a_streak_runs_over_the_months_end() -> None:
    book = Book()
    for day in (date(2025, 11, 28), date(2025, 12, 1)):
        book.day("7", day, kept=1)
    assert streak(book.rows) == 2
