"""What happened in the window: docs/product.md §3 E."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import DealState, Fact
from scoring.snapshot import Evidence, NotRead
from scoring.workdays import Window
from tests.scoring.builders import (
    BEFORE,
    CUTOFF,
    LONG_AGO,
    SECOND,
    STRANGER,
    WINDOW,
    YESTERDAY,
    call,
    company,
    completed,
    deal,
    ends,
    ids,
    lost,
    meeting,
    missed,
    money,
    number,
    reading,
    tally,
    value,
    won,
)

AT_THE_BORDERS = [
    pytest.param(YESTERDAY - SECOND, 0, id="a second before the window"),
    pytest.param(YESTERDAY, 1, id="on the second it starts"),
    pytest.param(CUTOFF - timedelta(hours=9), 1, id="in the middle"),
    pytest.param(CUTOFF - timedelta(microseconds=1), 1, id="just before the cutoff"),
    pytest.param(CUTOFF, 0, id="on the second of the cutoff"),
    pytest.param(CUTOFF + SECOND, 0, id="after the cutoff"),
]


@pytest.mark.parametrize(("at", "counted"), AT_THE_BORDERS)
def test_an_event_on_the_border_belongs_to_the_window_that_starts_there(at: datetime, counted: int) -> None:
    assert number("companies_added", company(created_at=at)) == counted
    assert number("meetings_held", meeting(held_at=at)) == counted
    assert number("calls_held", call(ended_at=at)) == counted
    assert number("missed_calls", missed(ended_at=at)) == counted
    assert number("deals_won", won(at=at)) == counted
    assert number("deals_lost", lost(at=at)) == counted


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
def test_the_zone_an_event_is_written_in_does_not_matter(zone: str) -> None:
    just_in, just_out = (CUTOFF - SECOND).astimezone(ZoneInfo(zone)), CUTOFF.astimezone(ZoneInfo(zone))
    assert number("companies_added", company("1", created_at=just_in), company("2", created_at=just_out)) == 1


def test_of_the_doubled_hour_only_the_first_half_belongs_to_a_window_that_ends_between() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    cutoff = datetime(2025, 10, 26, 1, tzinfo=UTC)  # clocks go back: 02:00–03:00 comes twice
    window = Window(datetime(2025, 10, 25, tzinfo=berlin), cutoff.astimezone(berlin))
    first = company("1", created_at=datetime(2025, 10, 26, 2, 30, tzinfo=berlin))
    second = company("2", created_at=datetime(2025, 10, 26, 2, 30, tzinfo=berlin, fold=1))
    assert ids("companies_added", first, second, window=window, zone=berlin) == ["1"]


# Calls


def test_a_call_belongs_to_the_window_in_which_it_ends() -> None:
    began_before = call("1", ended_at=YESTERDAY + SECOND, seconds=600)
    ends_after = call("2", ended_at=CUTOFF + SECOND, seconds=600)
    assert ids("calls_held", began_before, ends_after) == ["1"]


@pytest.mark.parametrize(
    ("seconds", "answered", "incoming", "held", "unanswered"),
    [
        (30, True, False, 1, 0),
        (29, True, False, 0, 0),
        (30, True, True, 1, 0),
        (5, True, True, 0, 0),
        (0, False, True, 0, 1),
        (0, False, False, 0, 0),
        (40, False, True, 0, 1),
    ],
)
def test_a_call_counts_when_answered_and_long_enough_and_is_missed_when_incoming_and_unanswered(
    seconds: int, answered: bool, incoming: bool, held: int, unanswered: int
) -> None:
    fact = call(seconds=seconds, answered=answered, incoming=incoming)
    assert number("calls_held", fact) == held
    assert number("missed_calls", fact) == unanswered


def test_how_long_a_call_must_be_is_a_setting() -> None:
    settings = KpiSettings(min_call_seconds=120)
    assert ids("calls_held", call("1", seconds=119), call("2", seconds=120), settings=settings) == ["2"]
    assert number("calls_held", call(seconds=0), settings=KpiSettings(min_call_seconds=0)) == 1


def test_talk_minutes_are_whole_minutes_of_all_counted_calls_together() -> None:
    calls = [call("1", seconds=50), call("2", seconds=50), call("3", seconds=79), call("4", seconds=29)]
    found = value("talk_minutes", *calls)
    assert found.number == 2  # 179 s, the short call left out
    assert found.items == ()


# Meetings


def test_a_meeting_that_was_completed_in_the_window_counts_whenever_it_was_planned() -> None:
    assert number("meetings_held", meeting(held_at=CUTOFF - SECOND, started_at=LONG_AGO)) == 1
    assert number("meetings_held", meeting(held_at=LONG_AGO, started_at=CUTOFF - SECOND)) == 0


@pytest.mark.parametrize(
    ("started", "counted"),
    [
        (CUTOFF - SECOND, 1),
        (YESTERDAY, 1),
        (YESTERDAY - SECOND, 1),
        (YESTERDAY - timedelta(days=1), 1),
        (YESTERDAY - timedelta(days=1, seconds=1), 0),
        (CUTOFF, 0),
        (None, 0),
    ],
)
def test_without_a_completion_time_it_must_have_started_in_this_window_or_the_one_before(
    started: datetime | None, counted: int
) -> None:
    earlier_runs = EarlierRuns(read={"meetings_held": frozenset({"7"})})
    assert number("meetings_held", meeting(started_at=started), earlier_runs=earlier_runs) == counted


def test_a_meeting_is_explained_with_its_completion_or_else_with_its_start() -> None:
    started, held = CUTOFF - timedelta(hours=2), CUTOFF - timedelta(hours=1)
    [completed_one] = value("meetings_held", meeting(held_at=held, started_at=started)).items
    [started_one] = value("meetings_held", meeting(started_at=started)).items
    assert (completed_one.since, started_one.since) == (held, started)


def test_a_meeting_that_was_counted_yesterday_is_not_counted_again() -> None:
    yesterday = YESTERDAY - timedelta(hours=2)
    facts: list[Any] = [meeting("1", started_at=yesterday), meeting("2", started_at=yesterday)]
    assert ids("meetings_held", *facts, earlier_runs=BEFORE) == ["2"]


def test_a_meeting_counted_yesterday_and_put_off_into_this_window_does_not_count_again() -> None:
    assert number("meetings_held", meeting(started_at=CUTOFF - SECOND), earlier_runs=BEFORE) == 0


def test_without_an_earlier_window_only_this_one_counts() -> None:
    first_day = Window(YESTERDAY, CUTOFF)
    assert number("meetings_held", meeting(started_at=YESTERDAY - SECOND), window=first_day) == 0


def test_between_two_calendar_days_no_meeting_belongs_to_the_earlier_window() -> None:
    midnight = CUTOFF.replace(hour=0)
    window = Window(midnight, CUTOFF, midnight - timedelta(days=1), YESTERDAY)
    evening, afternoon = meeting("1", started_at=YESTERDAY), meeting("2", started_at=YESTERDAY - SECOND)
    earlier_runs = EarlierRuns(read={"meetings_held": frozenset({"7"})})
    assert ids("meetings_held", evening, afternoon, window=window, earlier_runs=earlier_runs) == ["2"]


# Deals that were closed


def test_a_won_deal_counts_with_its_sum_by_currency_exactly() -> None:
    facts: list[Any] = [
        won("1", amount=money("0.10")),
        won("2", amount=money("0.20")),
        won("3", amount=money("999.99", "USD")),
        won("4", amount=None),
    ]
    assert number("deals_won", *facts) == 4
    found = value("won_amount", *facts)
    assert found.number == {"RUB": Decimal("0.30"), "USD": Decimal("999.99")}
    assert [item.id for item in found.items] == ["1", "2", "3", "4"]


def test_nothing_won_is_no_money_and_not_unknown() -> None:
    assert number("won_amount") == {}
    assert number("won_amount", won(amount=None)) == {}


def test_a_deal_that_was_reopened_before_the_cutoff_is_open_and_neither_won_nor_lost() -> None:
    reopened = deal(state=DealState.OPEN, closed_at=None)
    assert number("deals_won", reopened) == number("deals_lost", reopened) == 0
    assert number("deals_open", reopened) == 1


def test_a_deal_won_again_after_a_real_reopening_counts_again_and_is_marked() -> None:
    again, fresh = won("1", reopened=True), won("2")
    items = {item.id: item.again for item in value("deals_won", again, fresh).items}
    assert items == {"1": True, "2": False}


@pytest.mark.parametrize("state", [DealState.WON, DealState.LOST])
def test_a_deal_closed_after_the_cutoff_was_still_open_at_it(state: DealState) -> None:
    for at in (CUTOFF, CUTOFF + timedelta(minutes=5)):
        fact = deal(state=state, closed_at=at)
        assert number("deals_open", fact) == 1
        assert number("deals_won", fact) == number("deals_lost", fact) == 0
        assert ids("deals_without_task", fact) == ["1"]


def test_a_deal_closed_long_ago_is_nothing_today() -> None:
    fact = won(at=YESTERDAY - SECOND)
    assert number("deals_open", fact) == number("deals_won", fact) == 0


@pytest.mark.parametrize(("reason", "unexplained"), [("", 1), ("  ", 1), ("Дорого", 0)])
def test_a_lost_deal_without_a_reason_counts_for_both(reason: str, unexplained: int) -> None:
    fact = lost(loss_reason=reason)
    assert number("deals_lost", fact) == 1
    assert number("lost_without_reason", fact) == unexplained


def test_moving_between_two_failure_stages_is_no_new_loss() -> None:
    moved_today = lost(at=LONG_AGO, stage_since=CUTOFF - timedelta(hours=1))
    assert number("deals_lost", moved_today) == 0


def test_a_won_deal_of_unknown_time_makes_winning_unknown_for_its_manager_alone() -> None:
    fact = won(at=None)
    assert ends("deals_won", fact) == (0, 1)
    assert ends("won_amount", won(at=None, amount=money("5"))) == ({}, {"RUB": Decimal(5)})
    assert number("won_amount", fact) == {}
    assert number("deals_lost", fact) == number("lost_without_reason", fact) == 0
    assert number("deals_won", fact, user="12") == 0


@pytest.mark.parametrize(("reason", "known"), [("", False), ("Дорого", True)])
def test_a_lost_deal_of_unknown_time_with_a_reason_is_not_one_without(reason: str, known: bool) -> None:
    fact = lost(at=None, loss_reason=reason)
    assert ends("deals_lost", fact) == (0, 1)
    assert isinstance(reading("lost_without_reason", fact), NotRead) is not known
    assert number("deals_won", fact) == 0


def test_read_late_a_deal_closed_at_an_unknown_time_may_have_been_open_at_the_cutoff() -> None:
    late = CUTOFF + timedelta(hours=1)
    assert number("deals_open", won(at=None)) == 0
    for key in ("deals_open", "deals_without_task", "stale_deals"):
        assert ends(key, won(at=None), read_at=late) == (0, 1)
    assert number("overdue_tasks", won(at=None), read_at=late) == 0


# Whose, and what is left out


EVENTS: dict[str, Fact] = {
    "companies_added": company(),
    "meetings_held": meeting(held_at=CUTOFF - SECOND),
    "calls_held": call(),
    "missed_calls": missed(),
    "deals_won": won(),
    "deals_lost": lost(),
    "lost_without_reason": lost(),
}


@pytest.mark.parametrize("key", EVENTS)
def test_an_event_is_credited_to_its_manager_and_to_nobody_else(key: str) -> None:
    assert number(key, EVENTS[key], user="7") == 1
    assert number(key, EVENTS[key], user="12") == 0


@pytest.mark.parametrize("owner", [STRANGER, ""])
def test_deals_and_calls_of_people_outside_the_team_do_not_count(owner: str) -> None:
    facts: list[Any] = [won("1", manager=owner), deal("2", manager=owner), call(manager=owner), company(manager=owner)]
    for user in ("7", "12"):
        for key in ("deals_won", "deals_open", "calls_held", "talk_minutes", "companies_added"):
            assert number(key, *facts, user=user) == 0


def test_the_facts_of_a_second_account_are_credited_to_the_first() -> None:
    aliases = {"45": "7", "46": "7"}
    facts: list[Any] = [
        call("1", manager="45"),
        call("2", manager="46"),
        call("3"),
        won(manager="45", amount=money("5")),
    ]
    assert number("calls_held", *facts, aliases=aliases) == 3
    assert number("won_amount", *facts, aliases=aliases) == {"RUB": Decimal(5)}
    assert number("calls_held", *facts) == 1


@pytest.mark.parametrize("state", list(DealState))
def test_a_deal_in_an_excluded_pipeline_counts_in_neither_way(state: DealState) -> None:
    closed_at = None if state is DealState.OPEN else CUTOFF - SECOND
    settings = KpiSettings(excluded_pipelines=frozenset({"warming"}))
    fact = deal(state=state, closed_at=closed_at, pipeline="warming", missing_fields=("budget",), amount=money("9"))
    for key in CATALOGUE:
        assert number(key, fact, settings=settings) in (0, {})
    assert any(number(key, fact) for key in ("deals_open", "deals_won", "deals_lost"))


def test_a_lost_deal_moved_to_the_warming_funnel_is_neither_lost_twice_nor_a_new_deal() -> None:
    settings = KpiSettings(excluded_pipelines=frozenset({"warming"}))
    facts: list[Any] = [lost("1", pipeline="sales"), deal("2", pipeline="warming")]
    assert ids("deals_lost", *facts, settings=settings) == ["1"]
    assert number("deals_open", *facts, settings=settings) == 0


def test_companies_that_were_merged_are_one_company() -> None:
    assert number("companies_added", company("1"), company("1", title="Ромашка-Пример (объединена)")) == 1


# Evidence


def test_every_counted_thing_keeps_its_id_title_and_link() -> None:
    [item] = value("deals_won", won(amount=money("1200.00"))).items
    assert item == Evidence(
        "deal",
        "1",
        "Поставка фильтров",
        "https://crm.example/deal/1",
        money("1200.00"),
        (CUTOFF - timedelta(hours=3)).astimezone(UTC),
    )
    assert item.key == "deal:1"


def test_evidence_stands_from_the_oldest_to_the_newest() -> None:
    facts: list[Any] = [
        call(str(n), ended_at=CUTOFF - timedelta(minutes=minutes)) for n, minutes in enumerate((5, 50, 20))
    ]
    assert ids("calls_held", *facts) == ["1", "2", "0"]


def test_what_nobody_asked_for_is_not_in_the_snapshot() -> None:
    snapshot = tally([call(), won(), *completed()], kpis=("calls_held",))["7"]
    assert set(snapshot.readings) == {"calls_held"}


def test_a_kpi_that_this_crm_cannot_state_is_absent_although_records_came() -> None:
    capabilities = {"calls_held": Capability.REBUILDABLE}
    assert number("calls_held", call(), capabilities=capabilities) == 1
    assert not hasattr(reading("missed_calls", missed(), capabilities=capabilities), "number")


def test_the_shared_window_of_two_teams_does_not_widen_a_teams_own() -> None:
    wide = WINDOW.union(Window(LONG_AGO, CUTOFF))
    assert wide.start < WINDOW.start
    assert number("companies_added", company(created_at=LONG_AGO)) == 0
