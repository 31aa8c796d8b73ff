"""Rules, allowances and the rulebook's version: docs/product.md §4, §11."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.kpis import CATALOGUE, DEFAULT_OBSERVE, KpiKind, KpiSettings, Unit, record_kinds
from scoring.records import RecordKind
from scoring.rules import AS_BEFORE, Bound, CrmCounting, Rule, Rulebook, Schedule, version_of
from scoring.terms.employment import Cycle, Employment
from scoring.terms.launch import CarriedOver, Launch
from scoring.workdays import WindowKind
from tests.scoring.builders import DAY, at_least, at_most

PER_FIFTY = at_most("overdue_tasks", "1", per_deals=50)


@pytest.mark.parametrize(
    ("deals_open", "allowed"), [(0, 1), (1, 1), (10, 1), (50, 1), (51, 2), (100, 2), (101, 3), (149, 3), (150, 3)]
)
def test_an_allowance_of_one_per_fifty_deals(deals_open: int, allowed: int) -> None:
    assert PER_FIFTY.allowed(deals_open) == allowed


def test_without_per_deals_the_bound_stands() -> None:
    assert at_most("overdue_tasks", "2").allowed(1000) == 2


@given(st.integers(0, 10_000), st.integers(1, 200), st.integers(0, 20))
def test_an_allowance_never_shrinks_with_more_deals_and_is_never_below_the_bound(
    deals_open: int, per: int, limit: int
) -> None:
    rule = at_most("overdue_tasks", str(limit), per_deals=per)
    assert limit <= rule.allowed(deals_open) <= rule.allowed(deals_open + 1)
    assert rule.allowed(deals_open + per) == rule.allowed(deals_open) + (limit if deals_open else 0)


def test_a_rule_with_an_allowance_needs_the_open_deals_counted() -> None:
    assert PER_FIFTY.needs == {"overdue_tasks", "deals_open"}
    assert at_most("overdue_tasks").needs == {"overdue_tasks"}


def test_what_is_counted_are_the_rules_and_the_observed_in_the_order_of_the_catalogue() -> None:
    book = Rulebook((PER_FIFTY, at_most("stale_deals")), KpiSettings(observe=("calls_held",)))
    assert book.counted == ("calls_held", "deals_open", "overdue_tasks", "stale_deals")


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([at_most("stale_deals"), at_most("stale_deals")], "same id"),
        ([at_most("won_deals")], "rule won_deals: no KPI is called won_deals"),
        ([at_least("won_amount")], "currency"),
        ([at_least("deals_won", currency="RUB")], "currency"),
        ([at_most("stale_deals", reward=-1)], "without a sign"),
        ([at_most("stale_deals", penalty=-2)], "without a sign"),
        ([at_most("stale_deals", "-1")], "not below 0"),
        ([at_most("stale_deals", "NaN")], "not below 0"),
        ([at_most("stale_deals", "Infinity")], "not below 0"),
        ([at_most("stale_deals", per_deals=0)], "per_deals must be 1 or more"),
    ],
)
def test_a_rulebook_refuses_what_cannot_be_judged(rules: list[Rule], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Rulebook(tuple(rules))


def test_two_rules_on_one_kpi_stand_beside_each_other_under_their_own_ids() -> None:
    book = Rulebook((at_least("calls_held", "10", id="calls"), at_least("calls_held", "20", id="many_calls")))
    assert [rule.id for rule in book.rules] == ["calls", "many_calls"]
    assert book.counted.count("calls_held") == 1


# The version


def the_book() -> Rulebook:
    return Rulebook(
        (PER_FIFTY, at_least("won_amount", "1000.50", currency="RUB"), at_most("stale_deals", observed_only=True)),
        KpiSettings(excluded_pipelines=frozenset({"b", "a"}), observe=("stale_deals", "calls_held")),
    )


def test_the_version_is_the_same_on_every_machine_and_in_every_release() -> None:
    assert the_book().version == "8c1b1013a82b"


LATER = ("observe_until", "roles", "decimals")
"""What later releases write of a rule."""


def of_0_1_0(book: Rulebook) -> dict[str, Any]:
    """The text that the first release stored: without a number of its form, and with fewer settings."""
    text = book.to_json()
    kpis = {key: value for key, value in text["kpis"].items() if key not in AS_BEFORE}
    rules = [{key: rule[key] for key in rule if key not in LATER} for rule in text["rules"]]
    return {"rules": rules, "kpis": kpis, "window": text["window"]}


def test_a_text_of_the_first_release_keeps_its_version_and_its_meaning() -> None:
    stored = Rulebook.from_json(of_0_1_0(the_book()))
    assert stored.version == version_of(of_0_1_0(the_book())) == "409eb7779c7d"
    assert (stored.kpis.grace_minutes, stored.kpis.work_hours) == (0, "00:00-24:00")
    assert stored.is_same_as(
        replace(the_book(), kpis=replace(the_book().kpis, grace_minutes=0, work_hours="00:00-24:00"))
    )
    assert not stored.is_same_as(the_book())


@dataclass(frozen=True, slots=True)
class Wider(KpiSettings):
    """The settings of a later release."""

    patience_minutes: int = 0


def test_a_new_setting_leaves_stored_rulebooks_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    text = the_book().to_json()
    version = version_of(text)
    monkeypatch.setattr("scoring.rules.KpiSettings", Wider)
    stored = Rulebook.from_json(text)
    assert stored.version == version
    settings = {name: getattr(the_book().kpis, name) for name in ("observe", "excluded_pipelines")}
    assert stored.is_same_as(Rulebook(the_book().rules, Wider(**settings)))
    assert not stored.is_same_as(Rulebook(the_book().rules, Wider(**settings, patience_minutes=60)))


def test_a_stored_rule_that_the_settings_refuse_today_is_still_read() -> None:
    """`at_least` on open deals was a rule once; its days are recounted as they were judged."""
    book = Rulebook((at_least("deals_open", "5"),))
    assert Rulebook.from_json(book.to_json()).rules == book.rules


def test_a_rulebook_of_a_later_release_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="schema 5, this release reads up to 4: upgrade"):
        Rulebook.from_json(the_book().to_json() | {"schema": 5})


@pytest.mark.parametrize("part", [{"crm": {"meeting_types": "all"}}, {"crm": [1]}, {"aliases": {"45": 12}}])
def test_a_part_of_another_form_is_refused_by_name(part: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(part))} of the stored rulebook"):
        Rulebook.from_json(the_book().to_json() | part)


@pytest.mark.parametrize("kpis", [{"stale_days": "often"}, {"observe": [1]}, []])
def test_a_setting_of_another_type_is_refused(kpis: object) -> None:
    with pytest.raises(ValueError, match="kpis of the stored rulebook"):
        Rulebook.from_json(the_book().to_json() | {"kpis": kpis})


CHANGED = [
    Rulebook((at_least("calls_held", "11"),)),
    Rulebook((at_most("calls_held", "10"),)),
    Rulebook((at_least("calls_held", "10", reward=2),)),
    Rulebook((at_least("calls_held", "10", penalty=3),)),
    Rulebook((at_least("calls_held", "10", id="calls"),)),
    Rulebook((at_least("calls_held", "10", observed_only=True),)),
    Rulebook((at_least("calls_held", "10", per_deals=5),)),
    Rulebook((at_least("missed_calls", "10"),)),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(min_call_seconds=31)),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(observe=("calls_held",))),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(excluded_pipelines=frozenset({"5"}))),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(stale_days=15)),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(comment_grace_hours=25)),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(work_hours="09:00-19:00")),
    Rulebook((at_least("calls_held", "10"),), KpiSettings(grace_minutes=0)),
    Rulebook((at_least("calls_held", "10"),), aliases={"45": "12"}),
    Rulebook((at_least("calls_held", "10"),), schedule=Schedule("Europe/Moscow", "18:00", (0, 1, 2))),
    Rulebook((at_least("calls_held", "10"),), crm=CrmCounting(deals_credit="mover")),
    Rulebook((at_least("calls_held", "10"),), crm=CrmCounting(required_fields={"*": ("budget",)})),
    Rulebook((at_least("calls_held", "10"),), window=WindowKind.CALENDAR_DAY),
    Rulebook((at_least("calls_held", "10", roles=("closer",)),)),
    Rulebook((at_least("calls_held", "10", observe_until=DAY),)),
    Rulebook((at_least("calls_held", "10"),), people={"7": Employment(share=Decimal("0.5"))}),
    Rulebook((at_least("calls_held", "10"),), people={"7": Employment(weekdays=(0, 1))}),
    Rulebook((at_least("calls_held", "10"),), people={"7": Employment(cycle=Cycle(DAY, 2, 2))}),
    Rulebook((at_least("calls_held", "10"),), people={"7": Employment(since=DAY)}),
    Rulebook((at_least("calls_held", "10"),), people={"7": Employment(role="closer")}),
    Rulebook((at_least("calls_held", "10"),), launch=Launch(observe_until=DAY)),
    Rulebook((at_least("calls_held", "10"),), launch=Launch(ignore_before=DAY)),
    Rulebook((at_least("calls_held", "10"),), launch=Launch(carried_over=CarriedOver.ONCE)),
    Rulebook((at_least("calls_held", "10"),), probation_days=5),
    Rulebook(()),
]


def test_every_change_of_rules_kpis_or_window_is_another_version() -> None:
    versions = [book.version for book in (*CHANGED, Rulebook((at_least("calls_held", "10"),)))]
    assert len(set(versions)) == len(versions)


@pytest.mark.parametrize("written", ["10", "10.0", "10.00", "1E+1"])
def test_the_same_number_written_otherwise_is_the_same_version(written: str) -> None:
    assert Rulebook((at_least("calls_held", written),)).version == Rulebook((at_least("calls_held", "10"),)).version


def test_the_order_in_which_sets_are_listed_is_not_part_of_the_version() -> None:
    one, other = (
        Rulebook((), KpiSettings(observe=observe, excluded_pipelines=frozenset(pipelines)))
        for observe, pipelines in ((("calls_held", "deals_won"), "ab"), (("deals_won", "calls_held"), "ba"))
    )
    assert one.version == other.version


rules = st.builds(
    Rule,
    id=st.from_regex(r"[a-z]{1,8}", fullmatch=True),
    kpi=st.sampled_from([key for key in CATALOGUE if key != "won_amount"]),
    bound=st.sampled_from(Bound),
    limit=st.decimals(0, 10**6, places=2),
    reward=st.integers(0, 50),
    penalty=st.integers(0, 50),
    per_deals=st.none() | st.integers(1, 500),
    observed_only=st.booleans(),
)
money_rules = st.builds(
    Rule,
    id=st.just("money"),
    kpi=st.just("won_amount"),
    bound=st.sampled_from(Bound),
    limit=st.decimals(0, 10**9, places=2),
    currency=st.sampled_from(["RUB", "USD", "KZT"]),
)
books = st.builds(
    Rulebook,
    rules=st.lists(rules | money_rules, max_size=5, unique_by=lambda rule: rule.id).map(tuple),
    kpis=st.builds(
        KpiSettings,
        min_call_seconds=st.integers(0, 600),
        observe=st.lists(st.sampled_from(list(CATALOGUE)), unique=True).map(lambda keys: tuple(sorted(keys))),
        excluded_pipelines=st.frozensets(st.text(max_size=4), max_size=3),
    ),
    window=st.sampled_from(WindowKind),
    aliases=st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3),
    crm=st.none() | st.just(CrmCounting()) | st.just(CrmCounting("owner", "mover", ("a", "b"), {"1/2": ("x",)}, "UF")),
)


@given(books)
def test_a_stored_rulebook_reads_back_as_it_was(book: Rulebook) -> None:
    stored = json.loads(json.dumps(book.to_json()))
    assert Rulebook.from_json(stored) == book
    assert Rulebook.from_json(stored).version == book.version


# The catalogue


def test_the_catalogue_is_the_one_of_the_product() -> None:
    events = [key for key, kpi in CATALOGUE.items() if kpi.kind is KpiKind.EVENT]
    states = [key for key, kpi in CATALOGUE.items() if kpi.kind is KpiKind.STATE]
    assert events == [
        "companies_added", "meetings_held", "calls_held", "talk_minutes", "missed_calls", "deals_won", "won_amount",
        "deals_lost", "lost_without_reason",
    ]  # fmt: skip
    assert states == [
        "deals_open", "overdue_tasks", "deals_without_task", "deals_without_comment", "deals_missing_fields",
        "stale_deals",
    ]  # fmt: skip
    assert [key for key, kpi in CATALOGUE.items() if kpi.unit is Unit.MONEY] == ["won_amount"]


def test_nine_kpis_are_shown_unless_the_owner_changes_it() -> None:
    assert len(DEFAULT_OBSERVE) == 9
    assert set(DEFAULT_OBSERVE) < set(CATALOGUE)
    assert Rulebook(()).counted == DEFAULT_OBSERVE


def test_only_what_the_kpis_need_is_read() -> None:
    assert record_kinds(["calls_held", "talk_minutes"]) == {RecordKind.CALLS}
    assert record_kinds(["deals_without_task"]) == {RecordKind.DEALS, RecordKind.TASKS}
    assert record_kinds([]) == frozenset()
    assert record_kinds(CATALOGUE) == set(RecordKind)


def test_break_even_is_two_thirds_of_the_rules_kept() -> None:
    rule = at_most("stale_deals")
    assert (rule.reward, rule.penalty) == (1, 2)
    assert Decimal(2) / 3 * rule.reward - Decimal(1) / 3 * rule.penalty == pytest.approx(0)


def test_the_schedule_comes_back_and_a_schedule_of_another_form_is_refused() -> None:
    schedule = Schedule("Europe/Moscow", "18:00", (0, 1, 2))
    assert Schedule.from_json(schedule.to_json()) == schedule
    with pytest.raises(ValueError, match="schedule of the stored rulebook"):
        Schedule.from_json({"timezone": 5})
