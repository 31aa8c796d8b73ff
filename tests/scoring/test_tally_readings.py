"""When a KPI is absent: docs/product.md §3, §5; and what a page that shifts does."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import Change, Company, Completed, DealState, Doubtful, Failed, RecordKind, Unreadable
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from tests.scoring.builders import (
    BORIS,
    CUTOFF,
    LONG_AGO,
    MOSCOW,
    PRESENT,
    REBUILDABLE,
    SECOND,
    STRANGER,
    TEAM,
    WINDOW,
    call,
    company,
    completed,
    deal,
    ends,
    ids,
    link,
    meeting,
    money,
    number,
    reading,
    tally,
    task,
    won,
)

IN_TIME = CUTOFF + timedelta(minutes=15)
LATE = IN_TIME + SECOND


@pytest.mark.parametrize("missing", list(RecordKind))
@pytest.mark.parametrize("failed", [True, False])
def test_a_kpi_is_absent_where_its_records_are_missing_or_partial_and_others_are_counted(
    missing: RecordKind, failed: bool
) -> None:
    late, held = task(deadline=CUTOFF - SECOND), meeting(held_at=CUTOFF - SECOND)
    facts: list[Any] = [deal(), won("2"), call(), company(), late, held]
    facts += completed(kinds=[kind for kind in RecordKind if kind is not missing])
    facts += [Failed(missing, "нет ответа")] if failed else []
    readings = tally(facts)["7"].readings
    for key, kpi in CATALOGUE.items():
        if missing in kpi.needs:
            assert readings[key] == NotRead(Cause.INCOMPLETE, "нет ответа" if failed else "")
        else:
            assert isinstance(readings[key], Value)


def test_a_kind_that_failed_stays_unread_although_it_was_completed_too() -> None:
    failed = Failed(RecordKind.CALLS, "обрыв")
    orders: list[list[Any]] = [[failed, *completed()], [*completed(), failed]]
    for facts in orders:
        assert tally([call(), *facts])["7"].readings["calls_held"] == NotRead(Cause.INCOMPLETE, "обрыв")


def test_nothing_read_is_never_zero() -> None:
    for found in tally([])["7"].readings.values():
        assert found == NotRead(Cause.INCOMPLETE)


@pytest.mark.parametrize("capabilities", [{}, dict.fromkeys(CATALOGUE, Capability.UNAVAILABLE)])
def test_what_the_crm_cannot_give_is_not_available_also_when_nothing_was_read(
    capabilities: dict[str, Capability],
) -> None:
    for found in tally([], capabilities=capabilities)["7"].readings.values():
        assert found == NotAvailable()


def test_every_member_gets_a_snapshot_in_the_members_order_also_without_facts() -> None:
    snapshots = tally(completed())
    assert list(snapshots) == list(TEAM)
    assert snapshots["12"].manager == BORIS
    assert {found.number for found in snapshots["12"].readings.values() if found.number != {}} == {0}  # type: ignore[union-attr]


def test_a_team_of_three_hundred_is_counted_in_one_pass() -> None:
    members = {str(n): Manager(str(n), f"Менеджер {n}") for n in range(300)}
    facts: list[Any] = [call(f"{n}-{i}", manager=str(n)) for n in range(300) for i in range(n % 4)]
    snapshots = tally([*facts, *completed()], members=members)
    assert [snapshots[str(n)].readings["calls_held"].number for n in range(300)] == [n % 4 for n in range(300)]  # type: ignore[union-attr]


# Late


@pytest.mark.parametrize(
    ("read_at", "capabilities", "absent"),
    [
        (IN_TIME, PRESENT, False),
        (LATE, PRESENT, True),
        (LATE, REBUILDABLE, False),
        (CUTOFF - timedelta(minutes=1), PRESENT, False),
    ],
)
def test_read_late_only_what_can_be_rebuilt_is_counted(
    read_at: object, capabilities: dict[str, Capability], absent: bool
) -> None:
    readings = tally([deal(), *completed(read_at)], capabilities=capabilities)["7"].readings  # type: ignore[arg-type]
    for found in readings.values():
        assert (found == NotRead(Cause.LATE)) is absent


def test_lateness_is_that_of_the_kpis_own_read() -> None:
    facts: list[Any] = [
        *completed(CUTOFF, [RecordKind.DEALS]),
        *completed(LATE, [kind for kind in RecordKind if kind != "deals"]),
    ]
    readings = tally(facts, capabilities=PRESENT)["7"].readings
    assert isinstance(readings["deals_open"], Value)
    assert readings["deals_without_task"] == NotRead(Cause.LATE)
    assert readings["calls_held"] == NotRead(Cause.LATE)


def test_how_late_is_late_is_a_setting() -> None:
    facts: list[Any] = completed(CUTOFF + timedelta(minutes=40))
    for minutes, late in ((39, True), (40, False)):
        readings = tally(facts, capabilities=PRESENT, late_tolerance=timedelta(minutes=minutes))["7"].readings
        assert (readings["deals_open"] == NotRead(Cause.LATE)) is late


def test_a_kind_that_was_read_twice_is_as_late_as_its_later_read() -> None:
    marks = [Completed(RecordKind.CALLS, CUTOFF), Completed(RecordKind.CALLS, LATE)]
    for order in (marks, marks[::-1]):
        assert tally(order, capabilities=PRESENT)["7"].readings["calls_held"] == NotRead(Cause.LATE)


# Doubtful rows


@pytest.mark.parametrize(
    ("key", "fact", "low", "high"),
    [
        ("overdue_tasks", task(changed=frozenset({Change.DEADLINE})), 0, 1),
        ("overdue_tasks", task(deadline=CUTOFF + SECOND, changed=frozenset({Change.DEADLINE})), 0, 1),
        ("deals_missing_fields", deal(changed=frozenset({Change.FIELD})), 0, 1),
        ("companies_added", company(changed=frozenset({Change.OWNER})), 0, 1),
        ("calls_held", call(changed=frozenset({Change.OWNER})), 0, 1),
        ("meetings_held", meeting(held_at=LONG_AGO, changed=frozenset({Change.COMPLETION})), 0, 1),
        ("deals_won", won(changed=frozenset({Change.OWNER})), 0, 1),
        ("deals_open", won(changed=frozenset({Change.STAGE})), 0, 1),
    ],
)
def test_a_row_that_may_have_stood_otherwise_makes_its_kpi_a_range_however_soon_it_was_read(
    key: str, fact: Company, low: int, high: int
) -> None:
    for read_at in (IN_TIME, LATE):
        assert ends(key, fact, read_at=read_at) == (low, high)
        assert isinstance(reading(key, fact, read_at=read_at, user="12"), Value)
    assert isinstance(reading("stale_deals", fact, read_at=LATE), Value)


def test_a_change_of_owner_alone_does_not_touch_what_the_record_never_counted_for() -> None:
    with_task = deal(has_task=True, changed=frozenset({Change.OWNER}))
    assert number("deals_without_task", with_task) == 0
    assert ends("deals_open", with_task) == (0, 1)


def test_a_changed_sum_has_no_upper_end() -> None:
    facts: list[Any] = [won("1", amount=money("5")), won("2", amount=money("7"), changed=frozenset({Change.AMOUNT}))]
    assert ends("won_amount", *facts) == ({"RUB": Decimal(5)}, None)
    assert number("deals_won", *facts) == 2


def test_a_doubtful_sum_below_zero_lowers_the_low_end() -> None:
    owner = frozenset({Change.OWNER})
    facts: list[Any] = [
        won("1", amount=money("100"), changed=owner),
        won("2", amount=money("-100"), changed=owner),
        won("3", amount=money("50")),
    ]
    assert ends("won_amount", *facts) == ({"RUB": Decimal(-50)}, {"RUB": Decimal(150)})


def test_a_record_of_an_uncertain_owner_touches_only_what_it_would_count_for() -> None:
    covered = deal("5", manager="12", has_task=True, amount=money("9"))
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7", "12"}), Change.OWNER, DealState.OPEN, covered)
    assert ends("deals_open", covered, doubt) == (0, 1)
    assert number("deals_without_task", covered, doubt) == 0
    assert number("deals_won", covered, doubt) == 0
    sold = won("6", manager="12", amount=money("9"))
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7"}), Change.OWNER, DealState.WON, sold)
    assert ends("won_amount", sold, doubt) == ({}, {"RUB": Decimal(9)})


def test_a_deal_of_an_uncertain_owner_that_a_task_covers_is_no_doubt_about_next_steps() -> None:
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7"}), Change.OWNER, DealState.OPEN, deal("5", manager="12"))
    assert ends("deals_without_task", doubt) == (0, 1)
    assert number("deals_without_task", doubt, task(manager="12", deals=frozenset({"5"}))) == 0


def test_a_doubtful_row_of_a_stranger_touches_nobody() -> None:
    fact = deal(manager=STRANGER, changed=frozenset({Change.OWNER}))
    assert isinstance(reading("deals_open", fact, read_at=LATE), Value)


def test_a_doubtful_row_of_a_second_account_touches_the_first() -> None:
    fact = deal(manager="45", changed=frozenset({Change.OWNER}))
    assert ends("deals_open", fact, aliases={"45": "7"}) == (0, 1)


def test_a_deal_that_may_have_been_moved_to_the_warming_funnel_after_the_cutoff_is_doubtful() -> None:
    hidden = deal(pipeline="warming", changed=frozenset({Change.BINDING}))
    settings = KpiSettings(excluded_pipelines=frozenset({"warming"}))
    assert ends("deals_without_task", hidden, settings=settings) == (0, 1)
    assert number("deals_open", hidden, settings=settings) == 0


@pytest.mark.parametrize("task_first", [True, False])
def test_a_doubtful_task_touches_the_manager_of_the_deal_it_is_bound_to(task_first: bool) -> None:
    rebound = task(manager=STRANGER, deals=frozenset({"1"}), changed=frozenset({Change.BINDING}))
    facts: list[Any] = [rebound, deal()] if task_first else [deal(), rebound]
    assert ends("deals_without_task", *facts) == (0, 1)
    assert number("deals_without_task", *facts, user="12") == 0
    undone = task(manager=STRANGER, deals=frozenset({"1"}), changed=frozenset({Change.COMPLETION}))
    assert ends("deals_without_task", undone, deal()) == (0, 1)
    covered = task("9", manager=STRANGER, deals=frozenset({"1"}))
    assert number("deals_without_task", *facts, covered) == 0


@pytest.mark.parametrize(
    ("change", "state", "touched"),
    [
        (Change.OWNER, DealState.OPEN, {"deals_open", "stale_deals"}),
        (Change.OWNER, DealState.WON, {"deals_won", "won_amount"}),
        (Change.AMOUNT, DealState.WON, {"won_amount"}),
        (Change.LOSS_REASON, DealState.OPEN, set()),
        (Change.STAGE, DealState.WON, {"deals_won", "won_amount", "deals_lost", "deals_open", "stale_deals"}),
        (Change.OWNER, None, {"deals_won", "won_amount", "deals_lost", "deals_open", "stale_deals"}),
    ],
)
def test_a_doubt_without_a_record_touches_the_kpis_that_the_change_matters_to(
    change: Change, state: DealState | None, touched: set[str]
) -> None:
    doubt = Doubtful(RecordKind.DEALS, frozenset({"45", STRANGER}), change, state)
    found = tally([doubt, *completed()], aliases={"45": "7"})
    doubted = {key for key, kpi in found["7"].readings.items() if isinstance(kpi, NotRead)}
    assert doubted & {"deals_open", "deals_won", "won_amount", "deals_lost", "stale_deals", "calls_held"} == touched
    assert all(isinstance(kpi, Value) for kpi in found["12"].readings.values())


def test_an_ordinary_task_leaves_its_deals_known_also_when_read_late() -> None:
    facts: list[Any] = [deal("1"), deal("2"), task(deals=frozenset({"1"}), changed=frozenset({Change.DEADLINE}))]
    assert ids("deals_without_task", *facts, read_at=LATE) == ["2"]
    assert ends("overdue_tasks", *facts) == (0, 1)


# Pages that shift while they are read


def test_a_row_that_comes_twice_counts_once() -> None:
    facts: list[Any] = [call("1"), call("1"), won("1"), won("1"), deal("2"), deal("2"), company("1"), company("1")]
    assert number("calls_held", *facts) == number("deals_won", *facts) == number("deals_open", *facts) == 1
    assert number("talk_minutes", *facts) == 1


def test_of_two_readings_of_one_row_the_first_counts() -> None:
    to_a_stranger = [deal(manager=STRANGER), deal(manager="7")]
    assert number("deals_open", *to_a_stranger) == 0
    assert number("deals_open", *to_a_stranger[::-1]) == 1
    between = [deal(manager="7"), deal(manager="12")]
    assert ids("deals_without_task", *between) == ["1"]
    assert number("deals_open", *between, user="12") == 0


def test_a_deal_that_was_won_while_it_was_read_counts_as_it_was_seen_first() -> None:
    facts: list[Any] = [deal(), won(at=CUTOFF + SECOND)]
    assert number("deals_open", *facts) == 1
    assert number("deals_won", *facts) == 0


def test_asking_for_the_snapshots_twice_changes_nothing() -> None:
    counting = Tally(TallySheet(TEAM, WINDOW, MOSCOW, tuple(CATALOGUE)), REBUILDABLE, link)
    facts: list[Any] = [deal(), call(), *completed()]
    for fact in facts:
        counting.add(fact)
    assert counting.snapshots() == counting.snapshots()


def test_an_unreadable_row_fails_the_kpis_that_count_it_for_its_owner_and_those_it_exempts_from_for_everybody() -> None:
    row = Unreadable(RecordKind.TASKS, frozenset({"7"}), "activities: row 2001: …")
    readings = tally([deal(), row, *completed()])
    absent = NotRead(Cause.MALFORMED, "activities: row 2001: …")
    assert readings["7"].readings["overdue_tasks"] == absent
    assert readings["12"].readings["overdue_tasks"] == Value(0)
    assert readings["7"].readings["deals_without_task"] == readings["12"].readings["deals_without_task"] == absent
    assert isinstance(readings["7"].readings["deals_open"], Value)


def test_a_row_that_is_unreadable_in_part_fails_the_kpis_that_need_that_part() -> None:
    row = Unreadable(RecordKind.DEALS, frozenset(), "no such field", frozenset({"deals_missing_fields"}), Cause.RIGHTS)
    for snapshot in tally([deal(), row, *completed()]).values():
        assert snapshot.readings["deals_missing_fields"] == NotRead(Cause.RIGHTS, "no such field")
        assert isinstance(snapshot.readings["deals_open"], Value)


def test_a_missing_right_is_the_cause_of_the_kpis_that_need_it() -> None:
    failed = Failed(RecordKind.CALLS, "no right", Cause.RIGHTS)
    readings = tally([failed, *completed(kinds=set(RecordKind) - {RecordKind.CALLS})])["7"].readings
    assert readings["calls_held"] == NotRead(Cause.RIGHTS, "no right")
    assert isinstance(readings["deals_open"], Value)


def test_a_call_of_which_the_crm_does_not_tell_enough_may_count_and_adds_unknown_minutes() -> None:
    untold = call("1", answered=None, seconds=None, incoming=True)
    assert ends("calls_held", untold) == ends("missed_calls", untold) == (0, 1)
    assert ends("talk_minutes", untold, call("2", seconds=120)) == (2, None)


def test_a_deal_of_an_excluded_funnel_or_of_tomorrow_is_no_doubt_about_its_owner() -> None:
    settings = KpiSettings(excluded_pipelines=frozenset({"warming"}))
    for hidden in (deal("5", manager="12", pipeline="warming"), deal("6", manager="12", created_at=CUTOFF)):
        doubt = Doubtful(RecordKind.DEALS, frozenset({"7"}), Change.OWNER, DealState.OPEN, hidden)
        assert number("deals_open", doubt, settings=settings) == 0


def test_a_deal_of_an_uncertain_owner_and_stage_may_have_counted_in_every_state() -> None:
    moved = deal("5", manager="12", changed=frozenset({Change.STAGE}))
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7"}), Change.OWNER, DealState.OPEN, moved)
    assert ends("deals_open", doubt) == ends("deals_won", doubt) == ends("deals_lost", doubt) == (0, 1)
