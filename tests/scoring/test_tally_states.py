"""What was so at the cutoff: docs/product.md §3 S, §11."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from scoring.earlier_runs import EarlierRuns
from scoring.kpis import KpiSettings
from scoring.records import Change, DealState, Doubtful, Fact, RecordKind
from scoring.workdays import Window, WorkCalendar
from tests.scoring.builders import (
    CUTOFF,
    LONG_AGO,
    MOSCOW,
    SECOND,
    STRANGER,
    comment,
    company,
    deal,
    ends,
    ids,
    money,
    number,
    task,
    value,
    won,
)

TODAY = CUTOFF.date()
ON_DEAL: dict[str, Any] = {"deals": frozenset({"1"})}


# Open deals


def test_open_deals_are_evidence_one_by_one_only_of_those_who_are_named() -> None:
    facts = (deal("1", created_at=LONG_AGO + SECOND), deal("2"), won("3"))
    assert (number("deals_open", *facts), ids("deals_open", *facts)) == (2, [])
    named = {"named": frozenset({"7"})}
    assert (number("deals_open", *facts, **named), ids("deals_open", *facts, **named)) == (2, ["2", "1"])


# Overdue tasks


@pytest.mark.parametrize(
    ("deadline", "overdue"),
    [
        pytest.param(CUTOFF - SECOND, 1, id="a second before the cutoff"),
        pytest.param(CUTOFF, 0, id="on the cutoff: not strictly before"),
        pytest.param(CUTOFF + SECOND, 0, id="after it"),
        pytest.param(None, 0, id="no deadline"),
        pytest.param(TODAY, 0, id="today, no time: has the whole day"),
        pytest.param(TODAY - timedelta(days=1), 1, id="yesterday, no time"),
        pytest.param(TODAY + timedelta(days=1), 0, id="tomorrow, no time"),
        pytest.param(datetime(9999, 12, 31, tzinfo=UTC), 0, id="the end of time"),
    ],
)
def test_a_task_is_overdue_when_its_deadline_is_strictly_before_the_cutoff(
    deadline: datetime | date | None, overdue: int
) -> None:
    assert number("overdue_tasks", task(deadline=deadline)) == overdue


def test_a_date_without_time_is_over_by_the_teams_calendar_not_by_utc() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    cutoff = datetime(2025, 11, 20, 8, tzinfo=tokyo)  # still the 19th in UTC
    window = Window(cutoff - timedelta(days=1), cutoff)
    assert number("overdue_tasks", task(deadline=date(2025, 11, 19)), window=window, zone=tokyo) == 1
    assert number("overdue_tasks", task(deadline=date(2025, 11, 20)), window=window, zone=tokyo) == 0


def test_a_cutoff_at_midnight_ends_yesterdays_dates() -> None:
    window = Window(datetime(2025, 11, 18, tzinfo=MOSCOW), datetime(2025, 11, 19, tzinfo=MOSCOW))
    early = datetime(2025, 10, 1, tzinfo=MOSCOW)
    assert number("overdue_tasks", task(deadline=date(2025, 11, 18), created_at=early), window=window) == 1


@pytest.mark.parametrize(
    ("changes", "overdue"),
    [
        pytest.param({"done_at": CUTOFF - SECOND}, 0, id="done before the cutoff"),
        pytest.param({"done_at": CUTOFF}, 1, id="done on the cutoff: was open at it"),
        pytest.param({"done_at": CUTOFF + timedelta(minutes=3)}, 1, id="done after the cutoff"),
        pytest.param({"created_at": CUTOFF}, 0, id="created on the cutoff"),
        pytest.param({"created_at": None}, 1, id="creation unknown"),
        pytest.param({"awaits_approval": True}, 0, id="waits for somebody else's approval"),
        pytest.param({"manager": STRANGER}, 0, id="a stranger's"),
        pytest.param({"manager": "45"}, 0, id="another account"),
    ],
)
def test_only_what_was_open_at_the_cutoff_and_asks_something_of_him_is_overdue(
    changes: dict[str, Any], overdue: int
) -> None:
    assert number("overdue_tasks", task(deadline=CUTOFF - timedelta(hours=1), **changes)) == overdue


def test_the_tasks_of_a_second_account_are_his_too() -> None:
    late = task(deadline=CUTOFF - SECOND, manager="45")
    assert number("overdue_tasks", late, aliases={"45": "7"}) == 1


def test_a_task_bound_to_three_deals_and_read_three_times_is_overdue_once() -> None:
    rows = [task(deadline=CUTOFF - SECOND, deals=frozenset({str(n)})) for n in (1, 2, 3)]
    deals = [deal(str(n)) for n in (1, 2, 3)]
    assert ids("overdue_tasks", *rows, *deals) == ["1"]
    assert number("deals_without_task", *rows, *deals) == 0


def test_an_overdue_task_is_explained_with_its_deadline() -> None:
    deadline = datetime(2025, 11, 19, 9, tzinfo=MOSCOW)
    [item] = value("overdue_tasks", task(deadline=deadline)).items
    assert (item.kind, item.key, item.since) == ("task", "task:1", deadline)
    [of_date] = value("overdue_tasks", task(deadline=date(2025, 11, 18))).items
    assert of_date.since == datetime(2025, 11, 18, tzinfo=MOSCOW)


# Deals without a task


@pytest.mark.parametrize(
    ("facts", "bare"),
    [
        pytest.param([], 1, id="no task at all"),
        pytest.param([task(**ON_DEAL)], 0, id="a task without a deadline"),
        pytest.param([task(deadline=CUTOFF - SECOND, **ON_DEAL)], 0, id="an overdue task is a task"),
        pytest.param([task(manager=STRANGER, **ON_DEAL)], 0, id="whoever is responsible for it"),
        pytest.param([task(awaits_approval=True, **ON_DEAL)], 0, id="one that awaits approval"),
        pytest.param([task(deals=frozenset({"8", "1"}))], 0, id="bound to it by a further binding"),
        pytest.param([task(deals=frozenset({"2"}))], 1, id="bound to another deal"),
        pytest.param([task()], 1, id="bound to its contact or company only"),
        pytest.param([task(done_at=CUTOFF - SECOND, **ON_DEAL)], 1, id="done before the cutoff"),
        pytest.param([task(done_at=CUTOFF, **ON_DEAL)], 0, id="done after the cutoff"),
        pytest.param([task(created_at=CUTOFF, **ON_DEAL)], 1, id="set after the cutoff"),
    ],
)
def test_a_deal_has_a_task_when_an_open_one_is_bound_to_the_deal_itself(facts: list[Fact], bare: int) -> None:
    assert number("deals_without_task", deal(), *facts) == bare
    assert number("deals_without_task", *facts, deal()) == bare


@pytest.mark.parametrize(("says", "bare"), [(True, 0), (False, 1), (None, 1)])
def test_the_crms_own_word_that_a_deal_has_a_task_is_believed(says: bool | None, bare: int) -> None:
    assert number("deals_without_task", deal(has_task=says)) == bare


@pytest.mark.parametrize("says", [True, False, None])
def test_a_task_that_was_open_at_the_cutoff_is_believed_before_the_crms_word_of_now(says: bool | None) -> None:
    done_since = task(done_at=CUTOFF + SECOND, **ON_DEAL)
    known: list[Any] = [deal(has_task=says), done_since]
    for facts in permutations(known):
        assert number("deals_without_task", *facts) == 0


def test_a_deal_created_after_the_cutoff_is_tomorrows() -> None:
    fact = deal(created_at=CUTOFF)
    assert number("deals_open", fact) == number("deals_without_task", fact) == 0
    assert number("deals_open", deal(created_at=CUTOFF - SECOND)) == 1


def test_open_deals_are_observed_as_a_number_alone() -> None:
    found = value("deals_open", deal("1"), deal("2"), deal("3", manager="12"))
    assert (found.number, found.items) == (2, ())


# Comments, fields, stages


@pytest.mark.parametrize(
    ("created", "facts", "mute"),
    [
        pytest.param(CUTOFF - timedelta(hours=24), [], 0, id="not older than the grace"),
        pytest.param(CUTOFF - timedelta(hours=24, seconds=1), [], 1, id="older than the grace"),
        pytest.param(LONG_AGO, [comment()], 0, id="commented"),
        pytest.param(LONG_AGO, [comment(at=None)], 0, id="commented nobody knows when"),
        pytest.param(LONG_AGO, [comment(at=CUTOFF - SECOND)], 0, id="commented just before the cutoff"),
        pytest.param(LONG_AGO, [comment(at=CUTOFF)], 1, id="commented after the cutoff"),
        pytest.param(LONG_AGO, [comment("2")], 1, id="another deal commented"),
    ],
)
def test_an_old_enough_open_deal_needs_a_human_comment(created: datetime, facts: list[Fact], mute: int) -> None:
    fact = deal(created_at=created)
    assert number("deals_without_comment", fact, *facts) == mute
    assert number("deals_without_comment", *facts, fact) == mute


@pytest.mark.parametrize(("says", "mute"), [(True, 0), (False, 1), (None, 1)])
def test_the_clients_own_word_that_a_deal_was_commented_is_believed(says: bool | None, mute: int) -> None:
    assert number("deals_without_comment", deal(has_comment=says)) == mute


def test_the_grace_is_a_setting() -> None:
    fact = deal(created_at=CUTOFF - timedelta(hours=30))
    assert number("deals_without_comment", fact, settings=KpiSettings(comment_grace_hours=48)) == 0


def test_an_empty_required_field_counts_the_deal_once() -> None:
    facts: list[Any] = [deal("1", missing_fields=("budget", "source")), deal("2")]
    assert ids("deals_missing_fields", *facts) == ["1"]


@pytest.mark.parametrize(
    ("stage_since", "stale"),
    [
        (CUTOFF - timedelta(days=14, seconds=1), 1),
        (CUTOFF - timedelta(days=14), 0),
        (CUTOFF - timedelta(days=1), 0),
    ],
)
def test_a_deal_is_stale_when_longer_than_the_days_in_one_stage(stage_since: datetime, stale: int) -> None:
    assert number("stale_deals", deal(stage_since=stage_since)) == stale


def test_a_deal_younger_than_the_days_cannot_be_stale_whatever_is_known() -> None:
    young = deal(created_at=CUTOFF - timedelta(days=14), stage_since=None)
    assert number("stale_deals", young) == 0


def test_an_old_deal_of_unknown_stage_makes_staleness_unknown_for_its_manager_alone() -> None:
    fact = deal(stage_since=None)
    assert ends("stale_deals", fact) == (0, 1)
    assert number("stale_deals", fact, user="12") == 0


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=1)])
def test_a_stage_that_changed_after_the_cutoff_is_unknown_however_soon_it_was_read(after: timedelta) -> None:
    assert ends("stale_deals", deal(stage_since=CUTOFF + after)) == (0, 1)


def test_a_state_counts_for_whoever_is_responsible_at_the_cutoff() -> None:
    moved_at_noon = deal(manager="12")
    assert number("deals_without_task", moved_at_noon, user="12") == 1
    assert number("deals_without_task", moved_at_noon, user="7") == 0


def test_states_and_events_of_one_id_but_different_kinds_do_not_meet() -> None:
    facts: list[Any] = [deal("1"), task("1", deadline=CUTOFF - SECOND), company("1")]
    assert number("deals_open", *facts) == number("overdue_tasks", *facts) == number("companies_added", *facts) == 1


# What overdue tasks put at risk


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_overdue_task_shows_the_sum_of_its_open_deal_whichever_comes_first(order):
    facts: list[Any] = [task(deadline=CUTOFF - SECOND, **ON_DEAL), deal(amount=money("1200.50"))]
    [item] = value("overdue_tasks", *(facts[at] for at in order)).items
    assert (item.deal, item.amount) == ("1", money("1200.50"))


def test_the_deal_of_an_overdue_task_may_be_a_colleagues_but_not_a_strangers_or_a_closed_one():
    for other, at_stake in (({"manager": "12"}, True), ({"manager": STRANGER}, False), ({"pipeline": "9"}, False)):
        settings = KpiSettings(excluded_pipelines=frozenset({"9"}))
        late = task(deadline=CUTOFF - SECOND, **ON_DEAL)
        [item] = value("overdue_tasks", late, deal(amount=money("5"), **other), settings=settings).items
        assert bool(item.deal) is at_stake
    [item] = value("overdue_tasks", task(deadline=CUTOFF - SECOND, **ON_DEAL), won(amount=money("5"))).items
    assert item.amount is None


# Grace (docs/product.md §19)

CALENDAR = WorkCalendar(MOSCOW)
"""CUTOFF is 18:00 on a Wednesday."""
YOUNG = CUTOFF - timedelta(minutes=60)


@pytest.mark.parametrize("key", ["deals_without_task", "deals_missing_fields"])
def test_a_deal_younger_than_an_hour_of_working_time_is_shown_and_not_counted(key: str) -> None:
    facts: list[Any] = [
        deal("1", created_at=YOUNG, missing_fields=("city",)),
        deal("2", created_at=YOUNG + SECOND, missing_fields=("city",)),
    ]
    found = value(key, *facts, calendar=CALENDAR)
    assert found.number == 1
    assert [(item.id, item.spared) for item in found.items] == [("1", ""), ("2", "young")]
    assert number("deals_open", *facts, calendar=CALENDAR) == 2


def test_open_deals_are_all_told_and_a_rule_leaves_out_the_young_ones() -> None:
    facts = [deal("1", created_at=YOUNG), deal("2", created_at=YOUNG + SECOND)]
    found = value("deals_open", *facts, calendar=CALENDAR, listed=frozenset({"deals_open"}))
    assert (found.number, found.spared) == (2, 1)
    assert [(item.id, item.spared) for item in found.items] == [("1", ""), ("2", "young")]
    assert value("deals_open", *facts, calendar=CALENDAR).items == ()
    of_departed = value("deals_open", *facts, calendar=CALENDAR, named=frozenset({"7"}))
    assert [(item.id, item.spared) for item in of_departed.items] == [("1", ""), ("2", "")]


def test_the_hour_of_grace_runs_only_in_working_time() -> None:
    monday = CUTOFF - timedelta(days=2, hours=8, minutes=30)  # 9:30 on Monday
    window = Window(monday - timedelta(days=3), monday)
    friday = monday - timedelta(days=3) + timedelta(hours=8)  # 17:30 on Friday
    for created, counted in ((friday, 1), (friday + SECOND, 0)):
        found = number("deals_without_task", deal(created_at=created), window=window, calendar=CALENDAR)
        assert found == counted


def test_no_grace_is_given_where_the_settings_give_none() -> None:
    settings = KpiSettings(grace_minutes=0)
    assert number("deals_without_task", deal(created_at=CUTOFF - SECOND), settings=settings, calendar=CALENDAR) == 1


def test_a_young_deal_of_an_uncertain_owner_is_no_doubt_about_what_it_would_only_be_shown_for() -> None:
    young = deal("5", manager="12", created_at=CUTOFF - SECOND)
    doubt = Doubtful(RecordKind.DEALS, frozenset({"7"}), Change.OWNER, DealState.OPEN, young)
    assert number("deals_without_task", doubt, calendar=CALENDAR) == 0


HANDED = EarlierRuns(holders={key: {"1": "12"} for key in ("overdue_tasks", "deals_without_task", "stale_deals")})
"""Record 1 broke the rules for another member in the team's last snapshot."""


@pytest.mark.parametrize(
    ("key", "fact"),
    [
        ("overdue_tasks", task("1", deadline=CUTOFF - SECOND)),
        ("deals_without_task", deal("1")),
        ("stale_deals", deal("1", stage_since=LONG_AGO)),
    ],
)
def test_what_was_broken_with_somebody_else_does_not_count_on_the_new_owners_first_day(key: str, fact: Fact) -> None:
    found = value(key, fact, earlier_runs=HANDED)
    assert (found.number, [item.spared for item in found.items]) == (0, ["inherited"])
    assert number(key, fact, earlier_runs=HANDED, user="12") == 0


def test_a_record_of_an_account_joined_since_is_not_inherited_from_oneself() -> None:
    earlier_runs = EarlierRuns(holders={"deals_without_task": {"1": "45"}})
    assert number("deals_without_task", deal("1"), earlier_runs=earlier_runs, aliases={"45": "7"}) == 1
    assert number("deals_without_task", deal("1"), earlier_runs=earlier_runs) == 0


def test_a_record_is_spared_once_per_person() -> None:
    spared = EarlierRuns(holders=HANDED.holders, spared=frozenset({("deals_without_task", "7", "1")}))
    assert number("deals_without_task", deal("1"), earlier_runs=spared) == 1


def test_who_broke_the_rule_himself_before_is_not_spared() -> None:
    own = EarlierRuns(holders={"deals_without_task": {"1": "7"}})
    assert number("deals_without_task", deal("1"), earlier_runs=own) == 1


@pytest.mark.parametrize(("seconds", "stale"), [(0, 0), (1, 1)])
def test_a_stage_grows_stale_in_working_days_only(seconds: int, stale: int) -> None:
    since = CUTOFF - timedelta(days=21, seconds=seconds)  # three weeks: 15 working days
    settings = KpiSettings(stale_days=15)
    facts = deal(stage_since=since)
    assert number("stale_deals", facts, settings=settings, calendar=CALENDAR) == stale


def test_a_comment_may_wait_over_the_weekend() -> None:
    monday = CUTOFF - timedelta(days=2)
    window = Window(monday - timedelta(days=3), monday)
    friday = monday - timedelta(days=3)
    for created, counted in ((friday, 0), (friday - SECOND, 1)):
        found = number("deals_without_comment", deal(created_at=created), window=window, calendar=CALENDAR)
        assert found == counted
