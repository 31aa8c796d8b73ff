"""The days of a trend."""

from decimal import Decimal

from reports.pictures.trend import DayState, trend
from scoring.entries import EntryKind
from tests.reports.people import ANNA, BORIS, BROKEN, EXCUSED, KEPT, NO_DATA, NOVEMBER, Ledger, days_of

DAYS = days_of(NOVEMBER)[:4]


def test_a_day_has_the_points_and_the_pooled_discipline_of_all_whose_entries_are_given():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, KEPT])
    ledger.day(BORIS, DAYS[0], [BROKEN])
    (day,) = trend(ledger.rows, DAYS[:1])
    assert (day.state, day.points, day.discipline) == (DayState.SCORED, 1, Decimal("75.0"))


def test_absence_no_data_and_no_run_are_told_apart_from_zero():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, BROKEN])
    ledger.day(ANNA, DAYS[1], [EXCUSED])
    ledger.day(ANNA, DAYS[2], [NO_DATA])
    found = trend(ledger.rows, DAYS)
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
    assert trend(ledger.rows, DAYS[:1])[0].state is DayState.UNSCORED


def test_a_correction_belongs_to_the_day_it_is_about_and_an_adjustment_to_none():
    ledger = Ledger()
    ledger.reverse(ledger.score(ANNA, DAYS[0], BROKEN))
    ledger.add(ANNA, DAYS[0], EntryKind.CORRECTION, rule="calls_held", outcome=KEPT)
    ledger.add(ANNA, DAYS[0], EntryKind.ADJUSTMENT, points=-9)
    (day,) = trend(ledger.rows, DAYS[:1])
    assert (day.points, day.discipline) == (1, Decimal("100.0"))
