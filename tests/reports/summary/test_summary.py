"""The week and the month, as the head of sales would check them by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from reports.summary.evidence import WonDay, state_now, won_days
from reports.summary.stretches import compare_months, compare_weeks
from reports.summary.summary import Summary, Waiting, summarize
from scoring.entries import EntryKind, Month
from scoring.records import Money
from scoring.snapshot import Cause, Evidence, Manager, NotAvailable, NotRead, Snapshot, Value
from tests.reports.people import ANNA, BORIS, BROKEN, CALENDAR, EXCUSED, KEPT, NO_DATA, Ledger, sums_of, weekdays

WEEK, LAST_WEEK, WEEK_BEFORE = (weekdays(date(2026, 11, monday), 5) for monday in (16, 9, 2))
MEMBERS = (ANNA, BORIS)


def week(ledger: Ledger, until: date = WEEK[-1], **known) -> Summary:
    period = compare_weeks(CALENDAR, WEEK[0], until)
    return summarize(period, sums_of(period, ledger.rows), known.pop("members", MEMBERS), **known)


def lived(ledger: Ledger, who: tuple[str, str], days: list[date], kept: int, broken: int) -> None:
    """So many rules kept and broken over the days, one after the other."""
    outcomes = [KEPT] * kept + [BROKEN] * broken
    for index, outcome in enumerate(outcomes):
        ledger.score(who, days[index % len(days)], outcome, rule=f"rule{index // len(days)}")


def test_a_week_has_its_points_discipline_and_change():
    ledger = Ledger()
    lived(ledger, ANNA, LAST_WEEK, kept=6, broken=4)
    lived(ledger, ANNA, WEEK, kept=9, broken=1)
    found = week(ledger)
    assert (found.first, found.last, found.workdays, found.scored_days) == (WEEK[0], date(2026, 11, 22), 5, 5)
    assert (found.discipline, found.change) == (Decimal("90.0"), Decimal("30.0"))
    assert (found.plus, found.minus, found.points) == (9, 2, 7)


def test_an_empty_week_has_dashes_and_not_zeroes():
    found = week(Ledger(), until=date(2026, 11, 13))
    assert (found.workdays, found.scored_days, found.points) == (0, 0, 0)
    assert found.discipline is found.change is found.now is found.won is None
    assert found.improved == found.slides == found.rules == ()
    assert [person.name for person in found.people] == [ANNA[1], BORIS[1]]


def test_a_week_in_which_all_were_excused_has_no_discipline():
    ledger = Ledger()
    for day in WEEK:
        ledger.day(ANNA, day, [EXCUSED] * 4)
    found = week(ledger)
    assert (found.discipline, found.scored_days, found.workdays) == (None, 0, 5)
    assert found.people[0].totals.scored_days == 0
    assert not found.worst_rules


def test_a_day_without_data_is_a_working_day_but_not_a_scored_one():
    ledger = Ledger()
    ledger.score(ANNA, WEEK[0], KEPT)
    ledger.score(ANNA, WEEK[1], NO_DATA)
    assert (week(ledger).workdays, week(ledger).scored_days, week(ledger).discipline) == (5, 1, Decimal("100.0"))


def test_a_week_half_way_meets_half_of_the_week_before():
    ledger = Ledger()
    for day in LAST_WEEK:
        ledger.score(ANNA, day, KEPT if day < LAST_WEEK[2] else BROKEN)
    ledger.score(ANNA, WEEK[0], KEPT)
    ledger.score(ANNA, WEEK[1], KEPT)
    found = week(ledger, until=WEEK[1])
    assert (found.discipline_before, found.change) == (Decimal("100.0"), Decimal(0))


def test_reversed_entries_are_left_out_of_discipline_and_of_the_points():
    ledger = Ledger()
    broken = ledger.score(ANNA, WEEK[0], BROKEN)
    ledger.reverse(broken)
    ledger.add(ANNA, WEEK[0], EntryKind.CORRECTION, rule="calls_held", outcome=KEPT)
    found = week(ledger)
    assert (found.discipline, found.plus, found.minus) == (Decimal("100.0"), 1, 0)
    assert not found.worst_rules


def test_days_count_by_their_date_whatever_period_they_are_booked_in():
    ledger = Ledger(Month(2026, 12))
    ledger.score(ANNA, WEEK[0], KEPT)
    assert week(ledger).points == 1


def test_a_month_over_the_year_end_meets_december_and_november():
    ledger = Ledger()
    for first, outcome in ((date(2027, 1, 1), KEPT), (date(2026, 12, 1), BROKEN)):
        for day in weekdays(first, 4):
            ledger.score(ANNA, day, outcome)
    ledger.score(ANNA, date(2026, 12, 30), KEPT)  # beyond the like stretch
    period = compare_months(CALENDAR, Month(2027, 1), date(2027, 1, 6))
    found = summarize(period, sums_of(period, ledger.rows), MEMBERS)
    assert (found.discipline, found.discipline_before) == (Decimal("100.0"), Decimal("0.0"))
    assert found.period.month == Month(2027, 1)


def test_the_largest_rise_improved_most():
    ledger = Ledger()
    lived(ledger, ANNA, LAST_WEEK, kept=6, broken=4)
    lived(ledger, ANNA, WEEK, kept=8, broken=2)
    lived(ledger, BORIS, LAST_WEEK, kept=2, broken=8)
    lived(ledger, BORIS, WEEK, kept=6, broken=4)
    (best,) = week(ledger).improved
    assert (best.name, best.change) == (BORIS[1], Decimal("40.0"))


def test_equal_rises_are_named_together():
    ledger = Ledger()
    for who in MEMBERS:
        lived(ledger, who, LAST_WEEK, kept=6, broken=4)
        lived(ledger, who, WEEK, kept=8, broken=2)
    assert [person.name for person in week(ledger).improved] == [ANNA[1], BORIS[1]]


@pytest.mark.parametrize(("days_before", "days_now", "named"), [(3, 3, True), (2, 3, False), (3, 2, False)])
def test_a_rise_counts_only_with_three_scored_days_on_both_sides(days_before: int, days_now: int, named: bool):
    ledger = Ledger()
    for day in LAST_WEEK[:days_before]:
        ledger.score(ANNA, day, BROKEN)
    for day in WEEK[:days_now]:
        ledger.score(ANNA, day, KEPT)
    assert bool(week(ledger).improved) is named


@pytest.mark.parametrize(
    ("days_before", "days_now", "told"), [(4, 3, True), (3, 4, True), (5, 3, False), (3, 5, False), (0, 5, False)]
)
def test_stretches_with_fewer_than_three_quarters_of_the_other_scored_days_are_not_compared(
    days_before: int, days_now: int, told: bool
):
    ledger = Ledger()
    for day in LAST_WEEK[:days_before]:
        ledger.score(ANNA, day, BROKEN)
    for day in WEEK[:days_now]:
        ledger.score(ANNA, day, KEPT)
    found = week(ledger)
    own = next(person for person in found.people if person.crm_user == ANNA[0])
    change = Decimal("100.0") if told else None
    assert (found.is_comparable, found.change, own.change, bool(found.improved)) == (told, change, change, told)
    assert (found.scored_days, found.scored_days_before) == own.days == (days_now, days_before)


def test_who_was_compared_with_too_few_days_does_not_slide():
    ledger = Ledger()
    for days, kept, broken in ((WEEK_BEFORE, 9, 1), (LAST_WEEK, 7, 3), (WEEK[:3], 0, 3)):
        lived(ledger, ANNA, days, kept=kept, broken=broken)
    assert week(ledger).slides == ()


def test_points_are_compared_per_scored_day():
    ledger = Ledger()
    for day in LAST_WEEK[:4]:
        ledger.score(ANNA, day, KEPT)
        ledger.score(BORIS, day, KEPT)
    for day in WEEK[:3]:
        ledger.score(ANNA, day, BROKEN)
        ledger.score(BORIS, day, KEPT)
    found = week(ledger)
    assert (found.points, found.points_before) == (-3, 8)
    assert (found.per_day, found.per_day_before) == (Decimal("-1.00"), Decimal("2.00"))


def test_where_all_broke_a_rule_equally_often_it_tells_nobody_from_the_others():
    ledger = Ledger()
    for who in (ANNA, BORIS):
        ledger.score(who, WEEK[0], BROKEN, "calls_held")
    [rule] = week(ledger).rules
    assert (rule.judged, rule.by_all_alike) == (2, True)
    ledger.score(BORIS, WEEK[1], BROKEN, "calls_held")
    assert not week(ledger).rules[0].by_all_alike
    alone = Ledger()
    alone.score(ANNA, WEEK[0], BROKEN, "calls_held")
    assert not week(alone).rules[0].by_all_alike
    alone.score(BORIS, WEEK[0], KEPT, "calls_held")
    assert not week(alone).rules[0].by_all_alike


def test_who_did_not_rise_did_not_improve():
    ledger = Ledger()
    lived(ledger, ANNA, LAST_WEEK, kept=8, broken=2)
    lived(ledger, ANNA, WEEK, kept=8, broken=2)
    assert week(ledger).improved == ()


@pytest.mark.parametrize(
    ("earlier", "before", "now", "slides"),
    [
        (20, 19, 18, True),  # 100 → 95 → 90
        (20, 19, 19, False),  # fell only once
        (20, 20, 19, False),
        (18, 20, 19, False),  # rose before it fell
        (20, 18, 19, False),
        (20, 10, 5, True),
    ],
)
def test_who_fell_by_five_points_twice_in_a_row_slides(earlier: int, before: int, now: int, slides: bool):
    ledger = Ledger()
    for days, kept in ((WEEK_BEFORE, earlier), (LAST_WEEK, before), (WEEK, now)):
        lived(ledger, ANNA, days, kept=kept, broken=20 - kept)
    assert [person.name for person in week(ledger).slides] == ([ANNA[1]] if slides else [])


def test_a_fall_of_less_than_five_points_is_no_slide():
    ledger = Ledger()
    for days, kept in ((WEEK_BEFORE, 25), (LAST_WEEK, 24), (WEEK, 23)):  # 100 → 96 → 92
        lived(ledger, ANNA, days, kept=kept, broken=25 - kept)
    assert week(ledger).slides == ()


def test_who_was_away_in_between_does_not_slide():
    ledger = Ledger()
    lived(ledger, ANNA, WEEK_BEFORE, kept=10, broken=0)
    for day in LAST_WEEK:
        ledger.day(ANNA, day, [EXCUSED])
    lived(ledger, ANNA, WEEK, kept=0, broken=10)
    assert week(ledger).slides == ()
    assert week(ledger).change is None


def test_the_rule_broken_most_is_named_with_who_broke_it():
    ledger = Ledger()
    for who, times in ((ANNA, 1), (BORIS, 3)):
        for day in WEEK[:times]:
            ledger.score(who, day, BROKEN, "overdue_tasks")
            ledger.score(who, day, KEPT, "calls_held")
    ledger.score(ANNA, WEEK[4], BROKEN, "calls_held")
    found = week(ledger)
    [worst] = found.worst_rules
    assert (worst.rule, worst.kept, worst.broken) == ("overdue_tasks", 0, 4)
    assert worst.breakers == ((*BORIS, 3), (*ANNA, 1))
    assert [(rule.rule, rule.broken, rule.discipline) for rule in found.rules] == [
        ("overdue_tasks", 4, Decimal("0.0")),
        ("calls_held", 1, Decimal("80.0")),
    ]


def test_a_team_of_one_is_summed_up_like_any_other():
    ledger = Ledger()
    lived(ledger, ANNA, WEEK, kept=9, broken=1)
    found = week(ledger, members=(ANNA,))
    assert (len(found.people), found.discipline, found.people[0].change) == (1, Decimal("90.0"), None)


def test_people_who_need_help_come_first_and_the_unscored_last():
    ledger = Ledger()
    lived(ledger, ANNA, WEEK, kept=5, broken=5)
    lived(ledger, BORIS, WEEK, kept=2, broken=8)
    people = week(ledger, members=(*MEMBERS, ("99", "Яна Новичкова"))).people
    assert [person.crm_user for person in people] == ["12", "7", "99"]


def test_who_left_the_team_still_counts_in_the_week_he_worked():
    ledger = Ledger()
    lived(ledger, BORIS, WEEK, kept=3, broken=2)
    found = week(ledger, members=(ANNA,))
    assert found.points == -1
    assert {person.name for person in found.people} == {ANNA[1], BORIS[1]}


def test_won_deals_and_sums_stand_beside_by_currency_and_by_person():
    won = (
        WonDay("7", WEEK[0], 2, {"RUB": Decimal("100.10"), "EUR": Decimal(5)}),
        WonDay("12", WEEK[1], 1, {"RUB": Decimal("0.20")}),
        WonDay("7", LAST_WEEK[0], 4, {"RUB": Decimal(7)}),
    )
    found = week(Ledger(), won=won)
    assert found.won is not None
    assert found.won_before is not None
    assert (found.won.deals, found.won.amounts) == (3, {"EUR": Decimal(5), "RUB": Decimal("100.30")})
    assert (found.won_before.deals, found.won_before.amounts) == (4, {"RUB": Decimal(7)})
    assert {person.crm_user: person.won.deals for person in found.people if person.won} == {"7": 2, "12": 1}


def snapshot(who: tuple[str, str], **readings) -> Snapshot:
    return Snapshot(Manager(*who), readings)


def test_won_days_come_from_the_stored_snapshots():
    days = (
        (WEEK[0], snapshot(ANNA, deals_won=Value(2), won_amount=Value({"RUB": Decimal("1.50")}))),
        (WEEK[1], snapshot(ANNA, deals_won=NotRead(Cause.INCOMPLETE), won_amount=NotRead(Cause.INCOMPLETE))),
    )
    assert won_days(days) == (WonDay("7", WEEK[0], 2, {"RUB": Decimal("1.50")}),)


def test_a_crm_that_states_no_won_deals_gives_none_and_not_zero():
    assert won_days([(WEEK[0], snapshot(ANNA, deals_won=NotAvailable()))]) is None


def evidence(key: str, amount: str | None = None, currency: str = "RUB") -> Evidence:
    kind, number = key.split(":")
    money = Money(Decimal(amount), currency) if amount else None
    return Evidence(
        kind, number, f"Сделка {number}", f"https://crm.example.com/{number}", money, datetime(2026, 11, 1, tzinfo=UTC)
    )


def test_now_counts_each_thing_once_with_its_sum_by_currency():
    shared = evidence("deal:1", "10.50")
    now = state_now(
        WEEK[2],
        [
            snapshot(ANNA, overdue_tasks=Value(1, (evidence("task:5"),)), deals_without_task=Value(1, (shared,))),
            snapshot(
                BORIS,
                overdue_tasks=NotRead(Cause.LATE),
                deals_without_task=Value(3, (shared, evidence("deal:2", "0.25"), evidence("deal:3", "7", "EUR"))),
            ),
        ],
    )
    assert (now.day, len(now.overdue.items), now.overdue.amounts) == (WEEK[2], 1, {})
    assert [item.key for item in now.without_task.items] == ["deal:1", "deal:2", "deal:3"]
    assert now.without_task.amounts == {"EUR": Decimal(7), "RUB": Decimal("10.75")}
    assert now.snapshots["7"].manager.name == ANNA[1]


def test_a_deal_both_overdue_and_without_a_task_is_at_risk_once():
    deal, other = evidence("deal:1", "10.50"), evidence("deal:2", "0.25")
    tasks = [replace(evidence("task:1", "10.50"), deal="1"), replace(evidence("task:2", "7"), deal="3")]
    loose = evidence("task:4")  # of no deal
    readings = {"overdue_tasks": Value(3, (*tasks, loose)), "deals_without_task": Value(2, (deal, other))}
    at_risk = state_now(WEEK[2], [snapshot(ANNA, **readings)]).at_risk
    assert (at_risk.deals, at_risk.amounts) == (3, {"RUB": Decimal("17.75")})


def test_now_says_when_it_could_not_be_read():
    now = state_now(WEEK[2], [snapshot(ANNA, overdue_tasks=NotRead(Cause.INCOMPLETE))])
    assert not now.overdue.read
    assert not now.without_task.read


def test_what_waits_for_the_head_is_handed_through():
    assert week(Ledger(), waiting=Waiting(appeals=2, absences=1)).waiting == Waiting(2, 1)
    assert week(Ledger()).waiting == Waiting(0, 0)


def test_an_adjustment_counts_for_points_and_not_for_discipline():
    ledger = Ledger()
    ledger.score(ANNA, WEEK[0], KEPT)
    ledger.add(ANNA, WEEK[1], EntryKind.ADJUSTMENT, points=-3)
    found = week(ledger)
    assert (found.points, found.discipline, [rule.rule for rule in found.rules]) == (
        -2,
        Decimal("100.0"),
        ["calls_held"],
    )
    assert found.rules[0].kept == 1
