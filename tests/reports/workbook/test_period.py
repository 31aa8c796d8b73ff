"""What the sheets are made from: days, sums, matrices, KPIs."""

from datetime import date
from decimal import Decimal

import pytest

from reports.workbook.period import DayMark, UnscoredDay, day_matrix, kpi_totals, manager_totals
from scoring.entries import EntryKind
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Snapshot, Value
from tests.reports.people import ANNA, BORIS, BROKEN, EXCUSED, KEPT, NO_DATA, NOVEMBER, Ledger, days_of, report

DAYS = days_of(NOVEMBER)[:5]


def line(ledger: Ledger, who: tuple[str, str] = BORIS, **changes):
    made = report(ledger.rows, workdays=DAYS, **changes)
    return next(row for row in manager_totals(made) if row.crm_user == who[0])


def test_a_day_without_any_run_is_not_scored_for_everybody_in_the_team():
    ledger = Ledger()
    for day in (*DAYS[:2], *DAYS[3:]):
        ledger.score(ANNA, day, KEPT)
        ledger.score(BORIS, day, KEPT)
    row = line(ledger, unscored=(UnscoredDay(DAYS[2]),))
    assert (row.workdays, row.scored, row.unscored) == (5, 4, 1)


@pytest.mark.parametrize("missing", [0, 4])
def test_a_missing_first_or_last_day_counts_for_who_was_there(missing: int):
    ledger = Ledger()
    for day in DAYS:
        if day != DAYS[missing]:
            ledger.score(BORIS, day, KEPT)
    assert (line(ledger).scored, line(ledger).unscored) == (4, 1)


def test_who_came_in_the_middle_has_the_working_days_since_then():
    ledger = Ledger()
    for day in (DAYS[0], *DAYS[2:]):
        ledger.score(ANNA, day, KEPT)
    for day in DAYS[3:]:
        ledger.score(BORIS, day, KEPT)
    assert line(ledger, ANNA).workdays == 5
    assert line(ledger).workdays == 2


def test_who_left_has_the_working_days_until_then():
    ledger = Ledger()
    for day in DAYS[:2]:
        ledger.score(BORIS, day, KEPT)
    for day in (*DAYS[:3], DAYS[4]):
        ledger.score(ANNA, day, KEPT)
    assert line(ledger, members=(ANNA,)).workdays == 2
    assert line(ledger, ANNA, members=(ANNA,)).workdays == 5


def test_before_the_first_run_every_working_day_is_not_scored():
    row = line(Ledger())
    assert (row.workdays, row.unscored) == (5, 5)


def test_lines_are_sorted_by_name_without_regard_to_case():
    people = (("1", "борис"), ("2", "Анна"), ("3", "Борис"), ("0", "БОРИС"))
    assert [row.crm_user for row in manager_totals(report(members=people))] == ["2", "0", "1", "3"]


def test_the_matrix_tells_absence_no_data_zero_and_nothing_apart():
    ledger = Ledger()
    ledger.day(ANNA, DAYS[0], [KEPT, KEPT, BROKEN])
    ledger.day(ANNA, DAYS[1], [EXCUSED])
    ledger.day(ANNA, DAYS[2], [NO_DATA])
    matrix = day_matrix(report(ledger.rows, workdays=DAYS))
    found = [matrix.cells.get((ANNA[0], day)) for day in DAYS]
    assert found == [0, DayMark.EXCUSED, DayMark.UNSCORED, None, None]
    assert matrix.days == DAYS


def test_an_adjustment_at_a_weekend_gets_its_own_column():
    ledger = Ledger()
    ledger.add(ANNA, date(2026, 11, 7), EntryKind.ADJUSTMENT, points=2)
    matrix = day_matrix(report(ledger.rows, workdays=DAYS))
    assert matrix.days == (*DAYS, date(2026, 11, 7))
    assert matrix.cells[ANNA[0], date(2026, 11, 7)] == 2


def test_an_absence_recorded_afterwards_turns_the_day_into_one():
    ledger = Ledger()
    ledger.reverse(ledger.score(ANNA, DAYS[0], BROKEN))
    ledger.add(ANNA, DAYS[0], EntryKind.CORRECTION, rule="calls_held", outcome=EXCUSED)
    made = report(ledger.rows, workdays=DAYS[:1])
    assert day_matrix(made).cells[ANNA[0], DAYS[0]] is DayMark.EXCUSED
    assert manager_totals(made)[0].excused == 1


def test_kpis_add_events_up_and_keep_the_last_reading_of_states():
    def day(calls: int, overdue: int, won: str) -> Snapshot:
        return Snapshot(
            Manager(*ANNA),
            {
                "calls_held": Value(calls),
                "overdue_tasks": Value(overdue),
                "won_amount": Value({"RUB": Decimal(won)}),
                "talk_minutes": NotAvailable(),
            },
        )

    blind = Snapshot(Manager(*ANNA), {"calls_held": NotRead(Cause.LATE), "overdue_tasks": NotRead(Cause.LATE)})
    found = {
        kpi.kpi: kpi for kpi in kpi_totals(zip(DAYS, [day(10, 3, "0.10"), day(5, 1, "0.20"), blind], strict=False))
    }
    assert (found["calls_held"].number, found["calls_held"].days) == (15, 2)
    assert found["overdue_tasks"].number == 1
    assert found["won_amount"].number == {"RUB": Decimal("0.30")}
    assert "talk_minutes" not in found
