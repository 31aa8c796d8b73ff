"""Days that are told later, in a line each: the points of a manager's day, or that there are none."""

from __future__ import annotations

from bot.screens.evening import earlier_points, points_of
from bot.texts import texts
from tests.reports.people import ANNA, BROKEN, KEPT, NO_DATA, NOVEMBER, Ledger, days_of

DAY, NEXT = days_of(NOVEMBER)[:2]


def told(ledger: Ledger) -> str:
    return earlier_points(texts("en"), DAY, points_of(ledger.rows, DAY))


def test_the_points_of_the_day_alone_are_added_up():
    ledger = Ledger()
    ledger.day(ANNA, DAY, [KEPT, KEPT, BROKEN])
    ledger.day(ANNA, NEXT, [KEPT])
    assert points_of(ledger.rows, DAY) == 0
    assert told(ledger) == "November 2: 0 points"


def test_a_day_without_data_or_without_entries_is_not_scored():
    ledger = Ledger()
    assert points_of(ledger.rows, DAY) is None
    ledger.day(ANNA, DAY, [NO_DATA])
    assert told(ledger) == "November 2: not scored, it costs nothing"


def test_a_day_whose_points_an_absence_took_back_is_not_scored():
    ledger = Ledger()
    ledger.reverse(ledger.score(ANNA, DAY, BROKEN))
    assert told(ledger) == "November 2: not scored, it costs nothing"
