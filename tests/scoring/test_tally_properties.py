"""Counting does not depend on the order of pages, on repeated rows or on who else is counted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import Call, Change, Comment, Company, Deal, DealState, Fact, Meeting, Money, RecordKind, Task
from scoring.snapshot import NotAvailable, NotRead, Snapshot, Value
from tests.scoring.builders import ANNA, CUTOFF, LONG_AGO, TEAM, YESTERDAY, completed, tally

instants = st.sampled_from(
    [
        LONG_AGO,
        YESTERDAY - timedelta(days=1),
        YESTERDAY - timedelta(seconds=1),
        YESTERDAY,
        CUTOFF - timedelta(hours=30),
        CUTOFF - timedelta(seconds=1),
        CUTOFF,
        CUTOFF + timedelta(minutes=5),
    ]
)
managers = st.sampled_from(["7", "12", "45", "99", ""])
some_ids = st.integers(1, 6).map(str)
NUMBERS = {"deals_open", "talk_minutes"}
"""What is a number only."""
deal_ids = st.frozensets(some_ids, max_size=3)
changes = st.frozensets(st.sampled_from(Change), max_size=2)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


deals = st.builds(
    Deal,
    id=some_ids,
    title=st.sampled_from(["Насосы <5 кВт", "=1+1"]),
    manager=managers,
    state=st.sampled_from(DealState),
    created_at=instants,
    pipeline=st.sampled_from(["sales", "warming"]),
    closed_at=optional(instants),
    stage_since=optional(instants),
    amount=optional(st.builds(Money, st.integers(0, 10**6).map(Decimal), st.sampled_from(["RUB", "USD"]))),
    loss_reason=st.sampled_from(["", "Дорого"]),
    missing_fields=st.sampled_from([(), ("budget",)]),
    has_task=optional(st.booleans()),
    has_comment=optional(st.booleans()),
    reopened=st.booleans(),
    changed=changes,
)
tasks = st.builds(
    Task,
    id=some_ids,
    title=st.just("Позвонить"),
    manager=managers,
    deadline=optional(instants | instants.map(datetime.date)),
    created_at=optional(instants),
    done_at=optional(instants),
    deals=deal_ids,
    awaits_approval=st.booleans(),
    changed=changes,
)
calls = st.builds(
    Call,
    id=some_ids,
    title=st.just("Звонок"),
    manager=managers,
    ended_at=instants,
    seconds=st.integers(0, 90),
    incoming=st.booleans(),
    answered=st.booleans(),
    changed=changes,
)
meetings = st.builds(
    Meeting,
    id=some_ids,
    title=st.just("Встреча"),
    manager=managers,
    held_at=optional(instants),
    started_at=optional(instants),
    changed=changes,
)
companies = st.builds(
    Company, id=some_ids, title=st.just("Ромашка"), manager=managers, created_at=instants, changed=changes
)
comments = st.builds(Comment, deal=some_ids, created_at=optional(instants))


def unique(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(strategy, max_size=5, unique_by=lambda record: record.id)


@st.composite
def readings(draw: st.DrawFn) -> list[Fact]:
    """What a client may yield: rows without repetitions, in time or late."""
    facts: list[Fact] = []
    for strategy in (deals, tasks, calls, meetings, companies):
        facts += draw(unique(strategy))
    facts += draw(st.lists(comments, max_size=5))
    minutes = draw(st.sampled_from([0, 15, 60]))
    return [*facts, *completed(CUTOFF + timedelta(minutes=minutes))]


OPTIONS: dict[str, Any] = {
    "aliases": {"45": "7"},
    "earlier_runs": EarlierRuns(
        read={key: frozenset({"7"}) for key in CATALOGUE},
        counted={key: frozenset({"2"}) for key in CATALOGUE},
        closed={DealState.WON: {"3": YESTERDAY}},
        holders={key: {"1": "12"} for key in CATALOGUE},
    ),
    "settings": KpiSettings(excluded_pipelines=frozenset({"warming"})),
}


def counted(facts: list[Fact], **more: Any) -> list[Snapshot]:
    return list(tally(facts, **(OPTIONS | more)).values())


@settings(max_examples=300)
@given(readings(), st.randoms())
def test_the_order_of_facts_does_not_matter(facts: list[Fact], random: Random) -> None:
    shuffled = list(facts)
    random.shuffle(shuffled)
    assert counted(shuffled) == counted(facts)


@settings(max_examples=200)
@given(readings(), st.data(), st.randoms())
def test_rows_that_repeat_are_harmless(facts: list[Fact], data: st.DataObject, random: Random) -> None:
    again = facts + data.draw(st.lists(st.sampled_from(facts), max_size=10))
    random.shuffle(again)
    assert counted(again) == counted(facts)


@given(readings())
def test_each_manager_is_counted_as_if_he_were_the_only_one(facts: list[Fact]) -> None:
    together = tally(facts, **OPTIONS)
    for user, manager in TEAM.items():
        alone = tally(facts, **(OPTIONS | {"members": {user: manager}}))
        assert without_stakes(alone[user]) == without_stakes(together[user])


def without_stakes(snapshot: Snapshot) -> Snapshot:
    """But for the sums beside his overdue tasks: those of colleagues' deals are known where the colleagues are."""
    readings, overdue = dict(snapshot.readings), snapshot.readings["overdue_tasks"]
    if isinstance(overdue, Value):
        items = tuple(msgspec.structs.replace(item, amount=None, deal="") for item in overdue.items)
        readings["overdue_tasks"] = replace(overdue, items=items)
    return replace(snapshot, readings=readings)


def test_a_colleagues_deal_tells_what_an_overdue_task_puts_at_risk() -> None:
    deal = Deal("2", "Насосы", "7", DealState.OPEN, LONG_AGO, amount=Money(Decimal(5), "RUB"))
    task = Task("1", "Позвонить", "12", CUTOFF - timedelta(hours=1), None, None, frozenset({"2"}))
    reading = tally([deal, task, *completed(CUTOFF)])["12"].readings["overdue_tasks"]
    assert isinstance(reading, Value)
    (item,) = reading.items
    assert (item.deal, item.amount) == ("2", deal.amount)


@given(readings(), st.sampled_from(list(CATALOGUE)))
def test_a_kpi_is_the_same_whatever_else_is_counted(facts: list[Fact], key: str) -> None:
    alone = tally(facts, **(OPTIONS | {"kpis": (key,)}))["7"].readings[key]
    assert alone == tally(facts, **OPTIONS)["7"].readings[key]


@given(readings())
def test_a_number_is_its_evidence_without_what_is_spared(facts: list[Fact]) -> None:
    for snapshot in counted(facts):
        for key, found in snapshot.readings.items():
            if isinstance(found, Value) and isinstance(found.number, int) and key not in NUMBERS:
                assert len(found.items) == len({item.key for item in found.items})
                assert found.number == sum(not item.spared for item in found.items)


@given(readings(), st.sampled_from(list(RecordKind)))
def test_without_one_kind_of_records_exactly_its_kpis_are_absent(facts: list[Fact], missing: RecordKind) -> None:
    rest = [fact for fact in facts if getattr(fact, "kind", None) is not missing]
    for whole, part in zip(counted(facts), counted(rest), strict=True):
        for key, kpi in CATALOGUE.items():
            if missing in kpi.needs:
                assert isinstance(part.readings[key], NotRead)
            else:
                assert part.readings[key] == whole.readings[key]


@given(readings(), st.dictionaries(st.sampled_from(list(CATALOGUE)), st.sampled_from(Capability)))
def test_a_kpi_is_never_a_value_where_the_crm_cannot_state_it(
    facts: list[Fact], capabilities: dict[str, Capability]
) -> None:
    for snapshot in counted(facts, capabilities=capabilities):
        for key, found in snapshot.readings.items():
            unavailable = capabilities.get(key, Capability.UNAVAILABLE) is Capability.UNAVAILABLE
            assert isinstance(found, NotAvailable) is unavailable


@given(readings(), readings())
def test_two_teams_that_share_a_read_are_counted_each_for_itself(one: list[Fact], other: list[Fact]) -> None:
    theirs = [fact for fact in other if getattr(fact, "manager", "99") == "99" and not isinstance(fact, Comment)]
    strangers = [fact for fact in theirs if isinstance(fact, Call | Company | Meeting)]
    renamed = [type(fact)(**_fields(fact) | {"id": f"x{fact.id}", "manager": "99"}) for fact in strangers]
    assert counted([*one, *renamed], members={"7": ANNA}) == counted(one, members={"7": ANNA})


def _fields(record: Any) -> dict[str, Any]:
    return {name: getattr(record, name) for name in record.__struct_fields__}
