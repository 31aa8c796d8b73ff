"""Events that arrive late, and deals closed a second time: docs/product.md §11, §19."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import KpiSettings
from scoring.records import Change, DealState, Doubtful, RecordKind
from scoring.workdays import Window, WorkCalendar
from tests.scoring.builders import (
    BEFORE,
    CUTOFF,
    MOSCOW,
    SECOND,
    STRANGER,
    YESTERDAY,
    call,
    company,
    deal,
    lost,
    money,
    number,
    value,
    won,
)

LATE_CALL = call("5", ended_at=YESTERDAY - SECOND)


def test_a_call_that_telephony_reports_after_the_cutoff_counts_in_the_next_window_and_says_so() -> None:
    [item] = value("calls_held", LATE_CALL, earlier_runs=BEFORE).items
    assert (item.id, item.late) == ("5", True)
    [today] = value("calls_held", call("6"), earlier_runs=BEFORE).items
    assert not today.late


def test_an_event_counted_in_the_window_before_does_not_count_again() -> None:
    assert number("calls_held", call("1", ended_at=YESTERDAY - SECOND), earlier_runs=BEFORE) == 0


def test_an_event_of_the_window_before_does_not_count_where_the_kpi_was_not_read_then() -> None:
    assert number("calls_held", LATE_CALL) == 0
    of_another = call("5", manager="12", ended_at=YESTERDAY - SECOND)
    assert number("calls_held", of_another, user="12", earlier_runs=BEFORE) == 0


def test_an_event_older_than_the_window_before_counts_nowhere() -> None:
    assert number("calls_held", call("5", ended_at=YESTERDAY - timedelta(days=1, seconds=1)), earlier_runs=BEFORE) == 0


def test_a_call_too_short_for_yesterdays_rule_does_not_arrive_late_under_todays() -> None:
    short = call("5", ended_at=YESTERDAY - SECOND, seconds=20)
    eased = KpiSettings(min_call_seconds=10)
    assert number("calls_held", short, settings=eased, earlier_runs=BEFORE) == 0
    same = EarlierRuns(settings=eased, read=BEFORE.read, counted=BEFORE.counted)
    assert number("calls_held", short, settings=eased, earlier_runs=same) == 1


def test_an_event_outside_of_the_stored_window_before_does_not_arrive_late() -> None:
    earlier_runs = EarlierRuns(read=BEFORE.read, window=Window(YESTERDAY - timedelta(hours=1), YESTERDAY))
    assert number("calls_held", LATE_CALL, earlier_runs=earlier_runs) == 1
    assert number("calls_held", call("5", ended_at=YESTERDAY - timedelta(hours=2)), earlier_runs=earlier_runs) == 0


def test_a_loss_of_a_funnel_that_was_excluded_yesterday_does_not_arrive_late() -> None:
    earlier_runs = EarlierRuns(settings=KpiSettings(excluded_pipelines=frozenset({"9"})), read=BEFORE.read)
    assert number("deals_lost", lost("5", at=YESTERDAY - SECOND, pipeline="9"), earlier_runs=earlier_runs) == 0


def test_a_loss_whose_reason_is_emptied_a_day_later_was_seen_and_does_not_arrive_late() -> None:
    yesterday = value("lost_without_reason", lost("5", loss_reason="Дорого"))
    assert (yesterday.number, yesterday.ids) == (0, {"5"})
    runs = EarlierRuns(read=BEFORE.read, counted={"lost_without_reason": yesterday.ids})
    emptied = lost("5", at=YESTERDAY - SECOND, loss_reason="")
    assert number("lost_without_reason", emptied, earlier_runs=runs) == 0


def test_what_counted_before_is_no_doubt_today() -> None:
    given = company("1", manager="12", created_at=YESTERDAY - SECOND, changed=frozenset({Change.OWNER}))
    doubt = Doubtful(RecordKind.COMPANIES, frozenset({"7"}), Change.OWNER, None, given)
    assert number("companies_added", given, doubt, earlier_runs=BEFORE) == 0
    win = won("1", at=YESTERDAY - SECOND, amount=money("5"), changed=frozenset({Change.AMOUNT}))
    assert number("won_amount", win, earlier_runs=BEFORE) == {}


def test_a_change_of_the_responsible_is_no_doubt_about_a_win_credited_to_the_mover() -> None:
    win = won("5", moved_by="12", changed=frozenset({Change.OWNER}))
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7", "12"}), Change.OWNER, DealState.WON, win)
    assert number("deals_won", win, doubt, user="12") == 1
    assert number("deals_won", win, doubt) == 0


def test_a_win_a_loss_and_a_company_may_arrive_late_too() -> None:
    assert number("deals_won", won("5", at=YESTERDAY - SECOND), earlier_runs=BEFORE) == 1
    assert number("deals_lost", lost("5", at=YESTERDAY - SECOND), earlier_runs=BEFORE) == 1
    assert number("companies_added", company("5", created_at=YESTERDAY - SECOND), earlier_runs=BEFORE) == 1


def test_minutes_of_talk_keep_the_ids_of_their_calls_so_that_none_counts_twice() -> None:
    found = value("talk_minutes", LATE_CALL, call("6"), call("7", answered=False, seconds=0), earlier_runs=BEFORE)
    assert found.ids == {"5", "6"}


@pytest.mark.parametrize("key", ["deals_won", "won_amount"])
def test_a_deal_won_again_within_14_days_of_a_counted_win_does_not_count_again(key: str) -> None:
    again = won("1", amount=money("5"), reopened=True)
    assert again.closed_at is not None
    two_weeks = again.closed_at - timedelta(days=14)
    for state, at, counted in (
        (DealState.WON, two_weeks + SECOND, False),
        (DealState.WON, two_weeks, True),
        (DealState.LOST, two_weeks + SECOND, True),
    ):
        found = number(key, again, earlier_runs=EarlierRuns(closed={state: {"1": at}}))
        assert found in ((1, {"RUB": Decimal(5)}) if counted else (0, {}))


def test_a_deal_lost_again_within_14_days_counts_neither_as_lost_nor_as_lost_without_reason() -> None:
    earlier_runs = EarlierRuns(closed={DealState.LOST: {"1": YESTERDAY - SECOND}})
    assert number("deals_lost", lost("1"), earlier_runs=earlier_runs) == 0
    assert number("lost_without_reason", lost("1", loss_reason=""), earlier_runs=earlier_runs) == 0


WARMING = KpiSettings(excluded_pipelines=frozenset({"warming"}))


def test_a_deal_lost_in_the_window_and_moved_to_an_excluded_funnel_is_lost_once() -> None:
    moved = deal("1", pipeline="warming", lost_at=CUTOFF - SECOND, lost_from="sales")
    [item] = value("deals_lost", moved, settings=WARMING).items
    assert item.since == CUTOFF - SECOND
    assert number("deals_open", moved, settings=WARMING) == 0


def test_a_deal_moved_straight_into_an_excluded_funnel_is_no_loss() -> None:
    assert number("deals_lost", deal("1", pipeline="warming"), settings=WARMING) == 0


def test_inside_an_excluded_funnel_nothing_counts() -> None:
    inside = deal("1", pipeline="warming", lost_at=CUTOFF - SECOND, lost_from="warming")
    assert number("deals_lost", inside, lost("2", pipeline="warming"), settings=WARMING) == 0


def test_a_deal_reopened_in_a_counted_funnel_after_a_loss_is_not_lost() -> None:
    reopened = deal("1", pipeline="sales", lost_at=CUTOFF - SECOND, lost_from="cold")
    assert number("deals_lost", reopened, settings=WARMING) == 0


def test_a_win_is_credited_to_the_member_who_moved_the_deal_else_to_the_responsible() -> None:
    assert number("deals_won", won(moved_by="12")) == 0
    assert number("deals_won", won(moved_by="12"), user="12") == 1
    assert number("deals_won", won(moved_by=STRANGER)) == 1
    assert number("deals_open", deal(moved_by="12")) == 1


@pytest.mark.parametrize(("hour", "missed"), [(8, 0), (9, 1), (17, 1), (18, 0)])
def test_a_missed_call_counts_only_within_working_hours(hour: int, missed: int) -> None:
    at = CUTOFF.replace(hour=hour) if hour < 18 else YESTERDAY
    fact = call(incoming=True, answered=False, seconds=0, ended_at=at)
    assert number("missed_calls", fact, calendar=WorkCalendar(MOSCOW)) == missed
    assert number("missed_calls", fact) == 1
