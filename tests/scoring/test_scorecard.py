"""Outcomes, points, marks: docs/product.md §4, §11."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.kpis import CATALOGUE, KpiKind
from scoring.rules import Bound, Rule, Rulebook
from scoring.scorecard import Outcome, Scorecard, is_money, score
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Range, Reading, Snapshot, Value
from scoring.terms.circumstances import EvidenceKeys
from tests.scoring.builders import ANNA, DAY, at_least, at_most, snapshot


def judged(rule: Rule, *, absent: bool = False, last: EvidenceKeys | None = None, **readings: Any) -> Scorecard:
    return score(snapshot(**readings), Rulebook((rule,)), DAY, absent=absent, last=last)


def outcome(rule: Rule, *, absent: bool = False, **readings: Any) -> Outcome:
    [line] = judged(rule, absent=absent, **readings).lines
    return line.outcome


def deals(*ids: str) -> Value:
    return Value(len(ids), tuple(Evidence("deal", id, f"Сделка {id}", "") for id in ids))  # noqa: A001


@pytest.mark.parametrize(
    ("rule", "value", "kept"),
    [
        (at_least("calls_held", "10"), 9, False),
        (at_least("calls_held", "10"), 10, True),
        (at_least("calls_held", "10"), 11, True),
        (at_most("overdue_tasks", "0"), 0, True),
        (at_most("overdue_tasks", "0"), 1, False),
        (at_most("overdue_tasks", "3"), 3, True),
        (at_most("overdue_tasks", "2.5"), 3, False),
        (at_least("calls_held", "0"), 0, True),
    ],
)
def test_a_rule_is_kept_when_its_bound_is_met(rule: Rule, value: int, kept: bool) -> None:
    [line] = judged(rule, absent=False, last=None, **{rule.kpi: value}).lines
    assert line.outcome is (Outcome.KEPT if kept else Outcome.BROKEN)
    assert line.points == (1 if kept else -2)
    assert (line.value, line.bound) == (value, rule.limit)


def test_more_is_taken_than_given_and_the_owner_decides_how_much() -> None:
    rule = at_least("calls_held", "10", reward=3, penalty=5)
    assert judged(rule, calls_held=12).points == 3
    assert judged(rule, calls_held=2).points == -5
    free = at_least("calls_held", "10", reward=0, penalty=0)
    assert outcome(free, calls_held=2) is Outcome.BROKEN
    assert judged(free, calls_held=2).points == 0


def test_the_day_is_the_sum_of_its_rules() -> None:
    book = Rulebook((at_least("companies_added"), at_least("calls_held", "10"), at_most("overdue_tasks")))
    card = score(snapshot(companies_added=3, calls_held=24, overdue_tasks=1), book, DAY)
    assert card.points == 1 + 1 - 2
    assert (card.count(Outcome.KEPT), card.count(Outcome.BROKEN), card.count(Outcome.EXCUSED)) == (2, 1, 0)
    assert card.manager == ANNA


def test_a_day_without_rules_is_worth_nothing() -> None:
    assert score(snapshot(calls_held=1), Rulebook(()), DAY).points == 0


# Precedence


NO_DATA, UNAVAILABLE = NotRead(Cause.INCOMPLETE, "обрыв"), NotAvailable()


@pytest.mark.parametrize(
    ("absent", "observed", "found", "expected"),
    [
        (True, False, 0, Outcome.EXCUSED),
        (True, True, 0, Outcome.EXCUSED),
        (True, False, UNAVAILABLE, Outcome.EXCUSED),
        (True, False, NO_DATA, Outcome.EXCUSED),
        (False, True, 0, Outcome.NOT_APPLICABLE),
        (False, True, NO_DATA, Outcome.NOT_APPLICABLE),
        (False, False, UNAVAILABLE, Outcome.NOT_APPLICABLE),
        (False, False, NO_DATA, Outcome.NO_DATA),
        (False, False, 0, Outcome.BROKEN),
        (False, False, 1, Outcome.KEPT),
    ],
)
def test_excused_goes_before_not_applicable_before_no_data_before_kept_or_broken(
    absent: bool, observed: bool, found: Reading | int, expected: Outcome
) -> None:
    rule = at_least("companies_added", observed_only=observed)
    card = judged(rule, absent=absent, companies_added=found)
    assert card.lines[0].outcome is expected
    assert expected.scored or card.points == 0


def test_absence_excuses_also_what_must_be_none() -> None:
    assert outcome(at_most("overdue_tasks"), absent=True, overdue_tasks=5) is Outcome.EXCUSED
    assert outcome(at_most("overdue_tasks"), absent=True, overdue_tasks=0) is Outcome.EXCUSED


def test_without_data_the_line_says_why() -> None:
    [line] = judged(at_most("overdue_tasks"), overdue_tasks=NotRead(Cause.LATE)).lines
    assert (line.outcome, line.cause, line.value, line.points) == (Outcome.NO_DATA, Cause.LATE, None, 0)


def test_what_was_never_asked_for_is_no_data() -> None:
    [line] = judged(at_most("overdue_tasks"), calls_held=3).lines
    assert (line.outcome, line.cause) == (Outcome.NO_DATA, Cause.NOT_ASKED)


# Allowances


@pytest.mark.parametrize(
    ("deals_open", "overdue", "kept"), [(10, 1, True), (10, 2, False), (51, 2, True), (149, 3, True), (149, 4, False)]
)
def test_the_bound_in_force_grows_with_the_open_deals(deals_open: int, overdue: int, kept: bool) -> None:
    rule = at_most("overdue_tasks", "1", per_deals=50)
    [line] = judged(rule, overdue_tasks=overdue, deals_open=deals_open).lines
    assert line.outcome is (Outcome.KEPT if kept else Outcome.BROKEN)
    assert line.bound == -(-deals_open // 50)


@pytest.mark.parametrize(
    ("readings", "cause"),
    [
        ({"deals_open": NotRead(Cause.CHANGED)}, Cause.CHANGED),
        ({"deals_open": NotAvailable()}, Cause.INCOMPLETE),
        ({}, Cause.NOT_ASKED),
    ],
)
def test_an_allowance_without_the_open_deals_is_no_data(readings: dict[str, Any], cause: Cause) -> None:
    rule = at_most("overdue_tasks", "1", per_deals=50)
    [line] = judged(rule, overdue_tasks=0, **readings).lines
    assert (line.outcome, line.points, line.bound, line.cause) == (Outcome.NO_DATA, 0, None, cause)


@pytest.mark.parametrize(("limit", "kept", "compared"), [("2", True, 2), ("1", False, 2)])
def test_a_rule_on_open_deals_leaves_out_the_young_ones_and_an_allowance_does_not(
    limit: str, kept: bool, compared: int
) -> None:
    """Three open deals, one of them younger than the grace; 3 open deals allow 3 overdue tasks at one for each."""
    rules = (at_most("deals_open", limit), at_most("overdue_tasks", "1", per_deals=1))
    found = score(snapshot(deals_open=Value(3, spared=1), overdue_tasks=3), Rulebook(rules), DAY)
    open_deals, tasks = found.lines
    assert (open_deals.outcome is Outcome.KEPT, open_deals.value) == (kept, compared)
    assert (tasks.outcome, tasks.bound) == (Outcome.KEPT, 3)


def test_a_young_deal_in_doubt_never_breaks_a_rule_on_open_deals() -> None:
    doubtful = NotRead(Cause.CHANGED, range=Range(Value(3, spared=2), 4))
    for limit, outcome in (("0", Outcome.BROKEN), ("1", Outcome.NO_DATA), ("3", Outcome.NO_DATA), ("4", Outcome.KEPT)):
        assert (
            score(snapshot(deals_open=doubtful), Rulebook((at_most("deals_open", limit),)), DAY).lines[0].outcome
            is outcome
        )


def test_an_allowance_on_what_the_crm_cannot_give_is_not_applicable() -> None:
    rule = at_most("overdue_tasks", "1", per_deals=50)
    assert outcome(rule, overdue_tasks=NotAvailable(), deals_open=NO_DATA) is Outcome.NOT_APPLICABLE


# Money


@pytest.mark.parametrize(
    ("sums", "kept"),
    [
        ({"RUB": Decimal("100000.00")}, True),
        ({"RUB": Decimal("99999.99")}, False),
        ({"USD": Decimal(100000)}, False),
        ({"RUB": Decimal(60000), "USD": Decimal(60000)}, False),
        ({}, False),
    ],
)
def test_a_money_rule_compares_the_sum_of_its_currency_alone_and_converts_nothing(
    sums: dict[str, Decimal], kept: bool
) -> None:
    rule = at_least("won_amount", "100000", currency="RUB")
    [line] = judged(rule, won_amount=Value(sums)).lines
    assert line.outcome is (Outcome.KEPT if kept else Outcome.BROKEN)
    assert line.value == sums.get("RUB", 0)
    assert is_money(rule)
    assert not is_money(at_least("deals_won"))


# New and carried over


def test_items_that_were_there_at_the_last_reading_are_carried_over() -> None:
    last = {"deals_without_task": frozenset({"deal:1", "deal:9"})}
    [line] = judged(at_most("deals_without_task"), last=last, deals_without_task=deals("1", "2")).lines
    assert line.new == {"deal:2"}


def test_an_item_that_came_from_a_colleague_is_new_because_only_his_own_snapshots_are_compared() -> None:
    his_own = {"deals_without_task": frozenset[str]()}
    [line] = judged(at_most("deals_without_task"), last=his_own, deals_without_task=deals("1")).lines
    assert line.new == {"deal:1"}


@pytest.mark.parametrize("last", [None, {}, {"overdue_tasks": frozenset({"task:1"})}])
def test_without_an_earlier_reading_of_that_kpi_there_are_no_marks(last: EvidenceKeys | None) -> None:
    [line] = judged(at_most("deals_without_task"), last=last, deals_without_task=deals("1")).lines
    assert line.new is None


def test_events_have_no_marks() -> None:
    [line] = judged(at_most("deals_lost"), last={"deals_lost": frozenset({"deal:1"})}, deals_lost=deals("2")).lines
    assert line.new is None


# Properties


reading_strategy = st.one_of(
    st.integers(0, 30).map(Value),
    st.just(NotAvailable()),
    st.sampled_from(Cause).map(NotRead),
)
rule_strategy = st.builds(
    Rule,
    id=st.uuids().map(str),
    kpi=st.sampled_from([key for key, kpi in CATALOGUE.items() if kpi.kind is KpiKind.STATE]),
    bound=st.sampled_from(Bound),
    limit=st.integers(0, 30).map(Decimal),
    reward=st.integers(0, 9),
    penalty=st.integers(0, 9),
    per_deals=st.none() | st.integers(1, 9),
    observed_only=st.booleans(),
)


@given(
    st.dictionaries(st.sampled_from(list(CATALOGUE)[9:]), reading_strategy),
    st.lists(rule_strategy, max_size=6).map(tuple),
    st.booleans(),
)
def test_points_follow_from_the_outcome_and_the_outcome_from_the_first_reason_that_holds(
    readings: dict[str, Reading], rules: tuple[Rule, ...], absent: bool
) -> None:
    card = score(Snapshot(ANNA, readings), Rulebook(rules), DAY, absent=absent)
    assert [line.rule for line in card.lines] == list(rules)
    for line in card.lines:
        rule, found = line.rule, readings.get(line.rule.kpi)
        open_deals = readings.get("deals_open")
        known = isinstance(found, Value) and (rule.per_deals is None or isinstance(open_deals, Value))
        expected = {
            Outcome.EXCUSED: absent,
            Outcome.NOT_APPLICABLE: rule.observed_only or isinstance(found, NotAvailable),
            Outcome.NO_DATA: not known,
            Outcome.KEPT: known and _met(line.value, rule.bound, line.bound),
            Outcome.BROKEN: True,
        }
        assert line.outcome is next(outcome for outcome, holds in expected.items() if holds)
        points = {Outcome.KEPT: rule.reward, Outcome.BROKEN: -rule.penalty}
        assert line.points == points.get(line.outcome, 0)
        assert line.outcome is not Outcome.NO_DATA or line.cause is not None
    assert card.points == sum(line.points for line in card.lines)


def _met(value: Decimal | None, bound: Bound, limit: Decimal | None) -> bool:
    assert value is not None
    assert limit is not None
    return value >= limit if bound is Bound.AT_LEAST else value <= limit


@given(st.dictionaries(st.sampled_from(list(CATALOGUE)[9:]), reading_strategy), st.lists(rule_strategy, max_size=6))
def test_judging_the_same_snapshot_by_the_stored_rulebook_gives_the_same_points(
    readings: dict[str, Reading], rules: list[Rule]
) -> None:
    book, found = Rulebook(tuple(rules)), Snapshot(ANNA, readings)
    stored = Rulebook.from_json(book.to_json())
    assert score(found, stored, DAY) == score(found, book, DAY)


# Doubt as a range (docs/product.md §19)


def doubtful(low: int, high: int | None, *ids: str) -> NotRead:
    return NotRead(Cause.CHANGED, range=Range(Value(low, deals(*ids).items), high))


@pytest.mark.parametrize(
    ("rule", "low", "high", "expected", "value"),
    [
        (at_most("deals_without_task", "2"), 0, 2, Outcome.KEPT, 2),
        (at_most("deals_without_task", "2"), 3, 5, Outcome.BROKEN, 3),
        (at_most("deals_without_task", "2"), 2, 3, Outcome.NO_DATA, None),
        (at_most("deals_without_task", "2"), 3, None, Outcome.BROKEN, 3),
        (at_most("deals_without_task", "2"), 0, None, Outcome.NO_DATA, None),
        (at_least("calls_held", "10"), 10, 12, Outcome.KEPT, 10),
        (at_least("calls_held", "10"), 7, 9, Outcome.BROKEN, 9),
        (at_least("calls_held", "10"), 9, 10, Outcome.NO_DATA, None),
        (at_least("calls_held", "10"), 10, None, Outcome.KEPT, 10),
    ],
)
def test_a_rule_that_comes_out_alike_at_both_ends_of_a_doubtful_value_is_scored(
    rule: Rule, low: int, high: int | None, expected: Outcome, value: int | None
) -> None:
    [line] = judged(rule, absent=False, last=None, **{rule.kpi: doubtful(low, high)}).lines
    assert (line.outcome, line.value) == (expected, value)
    assert line.cause is (Cause.CHANGED if expected is Outcome.NO_DATA else None)


def test_a_broken_rule_of_a_doubtful_value_names_only_what_counts_for_certain() -> None:
    [line] = judged(at_most("deals_without_task"), deals_without_task=doubtful(2, 3, "1", "2")).lines
    assert [item.id for item in line.items] == ["1", "2"]


def test_a_doubtful_sum_is_compared_in_the_currency_of_the_rule() -> None:
    rule = at_least("won_amount", "100", currency="RUB")
    low, high = {"RUB": Decimal(120)}, {"RUB": Decimal(150), "EUR": Decimal(9)}
    assert outcome(rule, won_amount=NotRead(Cause.CHANGED, range=Range(Value(low), high))) is Outcome.KEPT
    low = {"EUR": Decimal(120)}
    assert outcome(rule, won_amount=NotRead(Cause.CHANGED, range=Range(Value(low), high))) is Outcome.NO_DATA


@pytest.mark.parametrize(
    ("open_low", "open_high", "overdue", "expected"),
    [(40, 50, 1, Outcome.KEPT), (40, 60, 1, Outcome.KEPT), (40, 60, 2, Outcome.NO_DATA), (40, 60, 3, Outcome.BROKEN)],
)
def test_an_allowance_by_an_uncertain_number_of_open_deals_decides_where_both_ends_agree(
    open_low: int, open_high: int, overdue: int, expected: Outcome
) -> None:
    rule = at_most("overdue_tasks", "1", per_deals=50)
    assert outcome(rule, overdue_tasks=overdue, deals_open=doubtful(open_low, open_high)) is expected


def test_without_any_upper_end_of_open_deals_there_is_no_allowance() -> None:
    rule = at_most("overdue_tasks", "1", per_deals=50)
    assert outcome(rule, overdue_tasks=1, deals_open=doubtful(4, None)) is Outcome.NO_DATA
