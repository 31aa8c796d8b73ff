"""The days of a trend."""

from decimal import Decimal
from fractions import Fraction

from reports.pictures.trend import DayState, Mark, discipline_of, trend
from scoring.entries import EntryKind
from scoring.scorecard import Outcome
from tests.reports.people import ANNA, BORIS, BROKEN, EXCUSED, KEPT, NO_DATA, NOVEMBER, RULES, Ledger, days_of

DAYS = days_of(NOVEMBER)[:4]


def test_a_day_has_the_points_and_the_pooled_discipline_of_all_whose_entries_are_given():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, KEPT])
    ledger.day(BORIS, DAYS[0], [BROKEN])
    (day,) = trend(ledger.rows, DAYS[:1], read=DAYS).days
    assert (day.state, day.points, day.discipline) == (DayState.SCORED, 1, Decimal("75.0"))


def test_absence_no_data_and_no_run_are_told_apart_from_zero():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, BROKEN])
    ledger.day(ANNA, DAYS[1], [EXCUSED])
    ledger.day(ANNA, DAYS[2], [NO_DATA])
    found = trend(ledger.rows, DAYS, read=DAYS[:3]).days
    assert [(day.state, day.points) for day in found] == [
        (DayState.SCORED, 0),
        (DayState.EXCUSED, None),
        (DayState.UNSCORED, None),
        (DayState.UNSCORED, None),
    ]


def test_a_team_is_absent_only_when_everybody_is():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [EXCUSED])
    ledger.day(BORIS, DAYS[0], [NO_DATA])
    assert trend(ledger.rows, DAYS[:1], read=DAYS).days[0].state is DayState.UNSCORED


def test_a_correction_belongs_to_the_day_it_is_about_and_an_adjustment_to_none():
    ledger = Ledger()
    ledger.reverse(ledger.score(ANNA, DAYS[0], BROKEN))
    ledger.add(ANNA, DAYS[0], EntryKind.CORRECTION, rule="calls_held", outcome=KEPT)
    ledger.add(ANNA, DAYS[0], EntryKind.ADJUSTMENT, points=-9)
    (day,) = trend(ledger.rows, DAYS[:1], read=DAYS).days
    assert (day.points, day.discipline) == (1, Decimal("100.0"))


def test_the_scale_goes_from_all_rules_broken_to_all_kept_whatever_happened():
    quiet = trend([], DAYS, read=DAYS, rules=RULES)
    assert quiet.reach == (Fraction(-8), Fraction(4))
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT])
    assert trend(ledger.rows, DAYS, read=DAYS, rules=RULES).reach == quiet.reach
    ledger.score(ANNA, DAYS[1], KEPT, points=9)  # by an earlier rulebook
    assert trend(ledger.rows, DAYS, read=DAYS, rules=RULES).reach == (Fraction(-8), Fraction(9))


def test_a_strip_says_of_each_day_whether_a_rule_was_kept_broken_excused_or_not_read():
    ledger = Ledger()
    for day, outcomes in zip(DAYS, ([KEPT], [BROKEN], [EXCUSED]), strict=False):
        ledger.day(ANNA, day, outcomes)
    days = (*DAYS[:3], NOVEMBER.last)
    (strip,) = trend(ledger.rows, days, read=DAYS, rules=RULES).strips
    assert (strip.rule, strip.marks) == ("companies_added", (Mark.KEPT, Mark.BROKEN, Mark.EXCUSED, Mark.UNREAD))


def test_a_rule_that_judged_nobody_on_a_day_that_was_read_has_no_mark():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT])
    ledger.score(ANNA, DAYS[1], NO_DATA, "old_rule")
    strips = trend(ledger.rows, DAYS[:2], read=DAYS, rules=RULES).strips
    assert [(strip.rule, strip.marks) for strip in strips] == [
        ("companies_added", (Mark.KEPT, None)),
        ("old_rule", (None, Mark.UNREAD)),
    ]


def test_an_observed_rule_gets_no_strip_because_somebody_was_absent():
    ledger = Ledger()
    ledger.score(ANNA, DAYS[0], Outcome.NOT_APPLICABLE, "calls_held")
    ledger.score(BORIS, DAYS[0], EXCUSED, "calls_held")
    ledger.score(BORIS, DAYS[0], EXCUSED, "companies_added")
    strips = trend(ledger.rows, DAYS[:1], read=DAYS, rules=RULES).strips
    assert [(strip.rule, strip.marks) for strip in strips] == [("companies_added", (Mark.EXCUSED,))]


def test_a_teams_strip_counts_who_broke_the_rule_and_its_points_are_a_mean():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, BROKEN])
    ledger.day(BORIS, DAYS[0], [BROKEN, BROKEN])
    found = trend(ledger.rows, DAYS[:1], read=DAYS, rules=RULES)
    assert [(strip.marks, strip.broken) for strip in found.strips] == [((Mark.BROKEN,), (1,)), ((Mark.BROKEN,), (2,))]
    assert found.days[0].mean == Fraction(-5, 2)
    assert found.days[0].broken == {"companies_added": 1, "calls_held": 2}


def test_a_reversed_row_breaks_nothing():
    ledger = Ledger()
    ledger.reverse(ledger.score(ANNA, DAYS[0], BROKEN))
    ledger.add(ANNA, DAYS[0], EntryKind.CORRECTION, rule="calls_held", outcome=KEPT)
    (strip,) = trend(ledger.rows, DAYS[:1], read=DAYS).strips
    assert strip.marks == (Mark.KEPT,)


def test_the_period_before_is_compared_by_as_many_days_as_this_one_has():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT])
    ledger.day(ANNA, DAYS[1], [BROKEN])
    ledger.day(ANNA, DAYS[2], [KEPT, BROKEN])
    found = trend(ledger.rows, DAYS[2:3], DAYS[:2], read=DAYS)
    assert discipline_of(found.days) == Decimal("50.0")
    assert discipline_of(found.like_before) == Decimal("100.0")
    assert len(found.before) == 2
