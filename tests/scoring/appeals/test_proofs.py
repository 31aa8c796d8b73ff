"""A record is in order only by what the CRM tells of the cutoff; every uncertainty leaves it not told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from scoring.appeals.proofs import Disputed, ProofReason, Recalled, Verdict, prove
from scoring.kpi import KpiSettings, Scope
from scoring.records import Call, Change, Comment, Deal, DealState, Task
from scoring.workdays import Window

CUTOFF = datetime(2026, 11, 18, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
SCOPE = Scope(Window(CUTOFF - 24 * HOUR, CUTOFF), ZoneInfo("Europe/Moscow"), KpiSettings())
ANNA = frozenset({"7"})
TASK = Task("1", "Позвонить", "7", CUTOFF - HOUR, CUTOFF - 99 * HOUR)
DEAL = Deal("5", "Сделка", "7", DealState.OPEN, CUTOFF - 999 * HOUR, stage_since=CUTOFF - 900 * HOUR)


def standing(kpi: str, told: Recalled) -> tuple[Verdict, ProofReason | None]:
    kind, key = ("task", "1") if isinstance(told.record, Task) else ("deal", "5")
    proof = prove(Disputed(kpi, kind, key, ANNA), told, SCOPE)
    return proof.verdict, proof.reason


@pytest.mark.parametrize("change", [Change.OWNER, Change.DEADLINE, Change.COMPLETION])
def test_a_task_changed_since_in_a_field_that_decides_is_not_told(change: Change) -> None:
    changed = msgspec.structs.replace(TASK, changed=frozenset({change}))
    assert standing("overdue_tasks", Recalled(changed)) == (Verdict.NOT_TOLD, None)


def test_an_uncertain_owner_hides_no_proof_of_the_deadline() -> None:
    moved = msgspec.structs.replace(TASK, deadline=CUTOFF, changed=frozenset({Change.OWNER}))
    assert standing("overdue_tasks", Recalled(moved)) == (Verdict.IN_ORDER, ProofReason.DEADLINE)


def test_a_record_deleted_after_the_cutoff_proves_nothing() -> None:
    late = Recalled(gone=ProofReason.DELETED, gone_at=CUTOFF)
    assert standing("deals_without_task", late) == (Verdict.NOT_TOLD, None)
    before = Recalled(gone=ProofReason.DELETED, gone_at=CUTOFF - HOUR)
    assert standing("deals_without_task", before) == (Verdict.IN_ORDER, ProofReason.DELETED)


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (Task("9", "Шаг", "7", None, CUTOFF - HOUR, deals=frozenset({"5"})), (Verdict.IN_ORDER, ProofReason.TASK)),
        (Task("9", "Поздний", "7", None, CUTOFF, deals=frozenset({"5"})), (Verdict.NOT_IN_ORDER, None)),
        (Task("9", "Другой", "7", None, CUTOFF - HOUR, deals=frozenset({"6"})), (Verdict.NOT_IN_ORDER, None)),
        (
            Task("9", "Сделан", "7", None, CUTOFF - 9 * HOUR, CUTOFF - HOUR, deals=frozenset({"5"})),
            (Verdict.NOT_IN_ORDER, None),
        ),
        (
            Task("9", "?", "7", None, CUTOFF - HOUR, deals=frozenset({"5"}), changed=frozenset({Change.BINDING})),
            (Verdict.NOT_TOLD, None),
        ),
    ],
)
def test_a_task_covers_its_deal_if_it_was_open_and_bound_at_the_cutoff(
    task: Task, expected: tuple[Verdict, ProofReason | None]
) -> None:
    assert standing("deals_without_task", Recalled(DEAL, exempting=[task])) == expected


def test_a_comment_counts_by_its_date() -> None:
    early, late = Comment("5", CUTOFF - HOUR), Comment("5", CUTOFF + HOUR)
    assert standing("deals_without_comment", Recalled(DEAL, exempting=[late])) == (Verdict.NOT_IN_ORDER, None)
    assert standing("deals_without_comment", Recalled(DEAL, exempting=[late, early])) == (
        Verdict.IN_ORDER,
        ProofReason.COMMENT,
    )


def test_a_stale_deal_is_in_order_if_it_had_moved_lately() -> None:
    assert standing("stale_deals", Recalled(DEAL)) == (Verdict.NOT_IN_ORDER, None)
    moved = msgspec.structs.replace(DEAL, stage_since=CUTOFF - HOUR)
    assert standing("stale_deals", Recalled(moved)) == (Verdict.IN_ORDER, ProofReason.STAGE)


def test_a_loss_stands_unless_the_deal_was_not_lost_at_the_cutoff() -> None:
    lost = msgspec.structs.replace(DEAL, state=DealState.LOST, closed_at=CUTOFF - HOUR)
    assert standing("deals_lost", Recalled(lost)) == (Verdict.NOT_IN_ORDER, None)
    assert standing("deals_lost", Recalled(DEAL)) == (Verdict.IN_ORDER, ProofReason.STAGE)
    told = msgspec.structs.replace(lost, loss_reason="Цена")
    assert standing("lost_without_reason", Recalled(told)) == (Verdict.IN_ORDER, ProofReason.FILLED)


def test_a_missed_call_that_reads_as_answered_is_in_order() -> None:
    call = Call("3", "Входящий", "7", CUTOFF - HOUR, 40, incoming=True, answered=True)
    proof = prove(Disputed("missed_calls", "call", "3", ANNA), Recalled(call), SCOPE)
    assert (proof.verdict, proof.reason) == (Verdict.IN_ORDER, ProofReason.UNCOUNTED)
