"""Rows, reversals, periods: docs/product.md §6, §7, §11."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.entries import EntryKind, Month, Side, in_force, net
from scoring.scorecard import Outcome
from tests.scoring.ledger import MONDAY, Book


def test_plus_and_minus_are_the_sums_of_their_sides() -> None:
    book = Book()
    book.day("7", MONDAY, kept=4, broken=1)
    assert net(book.rows) == (4, 2)


def test_no_rows_are_no_points() -> None:
    assert net([]) == (0, 0)
    assert in_force([]) == []


def test_an_appeal_granted_as_kept_takes_the_minus_back_and_gives_the_reward() -> None:
    book = Book()
    correction = book.grant_as_kept(book.score("7", Outcome.BROKEN))
    assert net(book.rows) == (1, 0)
    assert in_force(book.rows) == [correction]


def test_an_appeal_granted_as_excused_takes_the_minus_back() -> None:
    book = Book()
    book.reverse(book.score("7", Outcome.BROKEN))
    assert net(book.rows) == (0, 0)
    assert in_force(book.rows) == []


def test_a_later_recorded_sick_leave_reverses_plus_and_minus_alike() -> None:
    book = Book()
    book.day("7", MONDAY, kept=3, broken=2)
    for row in list(book.rows):
        book.reverse(row)
    assert net(book.rows) == (0, 0)


def test_a_reversal_that_was_reversed_brings_its_row_back() -> None:
    book = Book()
    row = book.score("7", Outcome.BROKEN)
    book.reverse(book.reverse(row))
    assert in_force(book.rows) == [row]
    assert net(book.rows) == (0, 2)


def test_a_minus_given_back_in_the_next_period_makes_that_periods_minus_negative() -> None:
    book = Book()
    row = book.score("7", Outcome.BROKEN, date(2025, 11, 28))
    book.grant_as_kept(row, booked_in=Month(2025, 12))
    november = [entry for entry in book.rows if entry.booked_in == Month(2025, 11)]
    december = [entry for entry in book.rows if entry.booked_in == Month(2025, 12)]
    assert net(november) == (0, 2)
    assert net(december) == (1, -2)


def test_adjustments_join_the_side_of_their_sign() -> None:
    book = Book()
    book.adjust("7", 5)
    book.adjust("7", -3)
    assert net(book.rows) == (5, 3)
    assert (Side.of(1), Side.of(0), Side.of(-1)) == (Side.PLUS, Side.PLUS, Side.MINUS)


def test_rows_of_two_teams_with_the_same_number_do_not_reverse_each_other() -> None:
    sales, service = Book("sales"), Book("service")
    row = sales.score("7", Outcome.KEPT)
    other = service.score("7", Outcome.KEPT)
    service.reverse(other)
    assert in_force([*sales.rows, *service.rows]) == [row]


@st.composite
def reversal_chains(draw: st.DrawFn) -> Book:
    """Scores and adjustments, some reversed, some reversals reversed, and so on, in random order."""
    book = Book()
    for _ in range(draw(st.integers(0, 6))):
        if draw(st.booleans()):
            book.score("7", draw(st.sampled_from(Outcome)))
        else:
            book.adjust("7", draw(st.integers(-9, 9)))
    for _ in range(draw(st.integers(0, 20))):
        taken = {row.reverses for row in book.rows}
        free = [row for row in book.rows if row.seq not in taken]
        if free:
            book.reverse(draw(st.sampled_from(free)))
    return book


@given(reversal_chains(), st.randoms())
def test_the_rows_in_force_add_up_to_the_net_whatever_was_reversed(book: Book, random: object) -> None:
    held = in_force(book.rows)
    plus, minus = net(book.rows)
    assert plus - minus == sum(row.points for row in book.rows)
    assert (plus, minus) == net(held)
    shuffled = list(book.rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert {row.seq for row in in_force(shuffled)} == {row.seq for row in held}
    assert net(shuffled) == (plus, minus)


@given(reversal_chains())
def test_a_row_holds_when_it_was_reversed_an_even_number_of_times(book: Book) -> None:
    by_target = {row.reverses: row for row in book.rows if row.reverses is not None}

    def times(seq: int) -> int:
        return 1 + times(by_target[seq].seq) if seq in by_target else 0

    expected = [row for row in book.rows if row.kind is not EntryKind.REVERSAL and times(row.seq) % 2 == 0]
    assert in_force(book.rows) == expected


def test_a_very_long_chain_of_reversals_is_followed_to_its_end() -> None:
    book = Book()
    row = first = book.score("7", Outcome.KEPT)
    for _ in range(3000):
        row = book.reverse(row)
    assert in_force(book.rows) == [first]


# Months


@pytest.mark.parametrize(
    ("month", "first", "last", "previous", "next_"),
    [
        (Month(2025, 11), date(2025, 11, 1), date(2025, 11, 30), Month(2025, 10), Month(2025, 12)),
        (Month(2025, 12), date(2025, 12, 1), date(2025, 12, 31), Month(2025, 11), Month(2026, 1)),
        (Month(2026, 1), date(2026, 1, 1), date(2026, 1, 31), Month(2025, 12), Month(2026, 2)),
        (Month(2028, 2), date(2028, 2, 1), date(2028, 2, 29), Month(2028, 1), Month(2028, 3)),
        (Month(2026, 2), date(2026, 2, 1), date(2026, 2, 28), Month(2026, 1), Month(2026, 3)),
        (Month(9999, 12), date(9999, 12, 1), date(9999, 12, 31), Month(9999, 11), Month(10000, 1)),
    ],
)
def test_a_period_is_a_calendar_month(month: Month, first: date, last: date, previous: Month, next_: Month) -> None:
    assert (month.first, month.last, month.previous, month.next) == (first, last, previous, next_)


@given(st.dates(date(2, 1, 1), date(9998, 12, 31)))
def test_months_tile_the_calendar(day: date) -> None:
    month = Month.of(day)
    assert month.first <= day <= month.last
    assert month.next.first == month.last + timedelta(days=1)
    assert month.next.previous == month.previous.next == month
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize(
    ("text", "month"), [("2026-01", Month(2026, 1)), ("2025-12", Month(2025, 12)), ("0001-01", Month(1, 1))]
)
def test_a_period_is_read_as_it_is_written(text: str, month: Month) -> None:
    assert Month.parse(text) == month
    assert str(month) == text


@pytest.mark.parametrize(
    "text",
    ["2025-13", "2025-00", "2025-1", "25-11", "2025/11", "2025-11-01", "", "ноябрь", "-025-11", "0000-01", "²025-11"],
)
def test_a_period_written_otherwise_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="a period is written like 2026-11"):
        Month.parse(text)
