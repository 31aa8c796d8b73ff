"""Schedules, shares, roles and observation: docs/product.md §4, §12, §19."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.rules import Rule, Rulebook
from scoring.scorecard import Outcome, Scorecard, score
from scoring.terms.bounds import part_of
from scoring.terms.circumstances import Circumstances, Excuse, Half
from scoring.terms.employment import Cycle, Employment
from scoring.terms.launch import Launch
from tests.scoring.builders import ANNA, DAY, at_least, at_most, snapshot

CALLS, OVERDUE = at_least("calls_held", "10"), at_most("overdue_tasks", "0")
HALF_TIME = Employment(share=Decimal("0.5"))


def judged(person: Employment, *rules: Rule, day: date = DAY, half: Half | None = None, **readings: Any) -> Scorecard:
    book = Rulebook(rules, people={ANNA.crm_user: person})
    return score(snapshot(**readings), book, day, Circumstances(half=half))


def outcomes(card: Scorecard) -> list[Outcome]:
    return [line.outcome for line in card.lines]


def test_who_is_off_by_schedule_is_excused_and_what_is_done_is_shown() -> None:
    card = judged(Employment(weekdays=(0, 1)), CALLS, OVERDUE, calls_held=12, overdue_tasks=3)
    assert (card.excuse, card.points, outcomes(card)) == (Excuse.OFF, 0, [Outcome.EXCUSED] * 2)
    assert [line.value for line in card.lines] == [12, 3]


def test_a_cycle_of_shifts_goes_on_over_weeks_and_before_its_start_the_team_days_hold() -> None:
    person = Employment(cycle=Cycle(DAY, 2, 2))
    at_work = [person.is_at_work(DAY + timedelta(days=number)) for number in range(-2, 6)]
    assert at_work == [True] * 4 + [False] * 2 + [True] * 2


@given(st.integers(1, 9), st.integers(0, 9), st.integers(0, 400))
def test_in_every_cycle_as_many_days_are_worked_as_the_cycle_says(on: int, off: int, shift: int) -> None:
    cycle = Cycle(DAY, on, off)
    days = [DAY + timedelta(days=shift + number) for number in range(on + off)]
    assert sum(map(cycle.is_on, days)) == on


def test_before_the_first_scored_day_nothing_is_scored() -> None:
    begun = Employment(since=DAY)
    assert judged(begun, CALLS, calls_held=0).points == -2
    early = judged(begun, CALLS, day=DAY - timedelta(days=1), calls_held=0)
    assert (early.excuse, early.points) == (Excuse.NOT_BEGUN, 0)


@pytest.mark.parametrize(
    ("limit", "part", "bound"),
    [("10", "0.5", "5"), ("3", "0.5", "1"), ("5", "0.5", "2"), ("10", "0.75", "7"), ("1", "0.5", "0")],
)  # fmt: skip
def test_a_part_of_a_bound_is_rounded_once_half_down(limit: str, part: str, bound: str) -> None:
    assert part_of(at_least("calls_held", limit), Decimal(part)) == Decimal(bound)


def test_a_part_of_a_sum_is_rounded_to_the_minor_unit() -> None:
    assert part_of(at_least("won_amount", "100.33", currency="RUB"), Decimal("0.5")) == Decimal("50.16")
    assert part_of(at_least("won_amount", "101", currency="JPY", decimals=0), Decimal("0.5")) == 50


@given(st.integers(0, 1000), st.integers(1, 10_000))
def test_a_part_of_a_bound_is_never_off_by_more_than_a_half_and_never_above_the_whole(limit: int, share: int) -> None:
    part = Decimal(share) / 10_000
    bound = part_of(at_least("calls_held", str(limit)), part)
    assert abs(Fraction(bound) - limit * Fraction(part)) <= Fraction(1, 2)
    assert bound <= limit


@pytest.mark.parametrize(("calls", "outcome"), [(4, Outcome.BROKEN), (5, Outcome.KEPT)])
def test_who_works_half_days_owes_half_the_calls(calls: int, outcome: Outcome) -> None:
    [line] = judged(HALF_TIME, CALLS, calls_held=calls).lines
    assert (line.outcome, line.bound) == (outcome, 5)


@pytest.mark.parametrize("half", Half)
def test_share_and_half_day_multiply(half: Half) -> None:
    [line] = judged(HALF_TIME, CALLS, half=half, calls_held=2).lines
    assert (line.outcome, line.bound) == (Outcome.KEPT, 2)


@pytest.mark.parametrize(("made", "outcome"), [(0, Outcome.EXCUSED), (1, Outcome.KEPT)])
def test_where_nothing_is_left_of_a_bound_the_full_bound_is_kept_or_the_rule_is_excused(
    made: int, outcome: Outcome
) -> None:
    card = judged(HALF_TIME, at_least("meetings_held", "1"), meetings_held=made)
    assert outcomes(card) == [outcome]
    assert card.points == (1 if made else 0)
    assert card.lines[0].excuse is (None if made else Excuse.SMALL_PART)


def test_states_are_judged_in_full_whatever_the_share() -> None:
    card = judged(Employment(share=Decimal("0.1")), OVERDUE, at_least("deals_open", "5"), overdue_tasks=1, deals_open=4)
    assert outcomes(card) == [Outcome.BROKEN] * 2


def test_absent_in_the_second_half_states_are_excused_and_in_the_first_not() -> None:
    late, early = (judged(Employment(), OVERDUE, half=half, overdue_tasks=1).lines[0] for half in (Half.PM, Half.AM))
    assert (late.outcome, late.excuse) == (Outcome.EXCUSED, Excuse.HALF_DAY)
    assert early.outcome is Outcome.BROKEN


def test_a_rule_of_other_roles_makes_no_line() -> None:
    closers = at_least("deals_won", "1", roles=("closer",))

    def judging(role: str) -> list[str]:
        return [line.rule.id for line in judged(Employment(role=role), closers, CALLS, deals_won=1).lines]

    assert judging("closer") == ["deals_won", "calls_held"]
    assert judging("hunter") == judging("") == ["calls_held"]


def test_in_observation_results_are_shown_without_points_up_to_and_including_the_day() -> None:
    book = Rulebook((CALLS,), launch=Launch(observe_until=DAY))
    during = score(snapshot(calls_held=3), book, DAY)
    after = score(snapshot(calls_held=3), book, DAY + timedelta(days=1))
    assert (outcomes(during), during.lines[0].value, during.points) == ([Outcome.NOT_APPLICABLE], 3, 0)
    assert (outcomes(after), after.points) == ([Outcome.BROKEN], -2)


def test_a_rule_may_be_in_observation_longer_than_the_others() -> None:
    book = Rulebook((CALLS, at_most("overdue_tasks", "0", observe_until=DAY)))
    found = outcomes(score(snapshot(calls_held=3, overdue_tasks=1), book, DAY))
    assert found == [Outcome.BROKEN, Outcome.NOT_APPLICABLE]
