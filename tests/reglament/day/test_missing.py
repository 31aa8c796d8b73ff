"""Which KPIs a reading lacks, and how that is said."""

from __future__ import annotations

from reglament.day.missing import missing, still_missing, unread_snapshot
from scoring.snapshot import Cause, Manager, NotAvailable, NotRead, Reading, Snapshot, Value

ANNA, PETR = Manager("11", "Анна Примерова"), Manager("12", "Пётр Образцов")


def test_a_reason_for_everybody_names_nobody_and_one_for_some_names_them():
    late = NotRead(Cause.LATE)
    snapshots = [
        Snapshot(ANNA, {"calls_held": Value(3), "overdue_tasks": late, "talk_minutes": NotAvailable()}),
        Snapshot(PETR, {"calls_held": NotRead(Cause.CHANGED, "the owner"), "overdue_tasks": late}),
    ]
    assert missing(snapshots) == {
        "calls_held": "changed after the cutoff in a field without history: the owner (12)",
        "overdue_tasks": "read too late after the cutoff, and this CRM does not tell how it was then",
        "talk_minutes": "not available in this CRM (11)",
    }


def test_only_an_unfinished_reading_is_worth_a_further_attempt():
    causes: dict[str, Reading] = {cause.value: NotRead(cause) for cause in Cause}
    read: dict[str, Reading] = {"calls_held": Value(3), "talk_minutes": NotAvailable()}
    assert still_missing([Snapshot(ANNA, causes | read)]) == (Cause.INCOMPLETE.value,)


def test_a_manager_without_data_lacks_every_kpi_for_the_same_reason():
    snapshot = unread_snapshot(PETR, ("calls_held", "overdue_tasks"), NotRead(Cause.UNKNOWN_USER))
    assert missing([snapshot]) == dict.fromkeys(("calls_held", "overdue_tasks"), "the CRM does not know this user")
