"""What amoCRM's events tell of disputed records, and what no event tells."""

from __future__ import annotations

import pytest

from scoring.appeals.proofs import Disputed, ProofReason, Verdict
from scoring.kpi import KpiSettings, Scope
from tests.crm_clients.amocrm.account_rows import WON
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import ANNA, BORIS, CUTOFF, DAY, HOUR, LONG_AGO, NEW, WINDOW, client_of
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")
TOLD = Verdict.IN_ORDER


async def test_changes_are_told_by_the_events_before_and_after_the_cutoff(world: World) -> None:
    def late(due: int = CUTOFF - HOUR):
        return world.add_task(ANNA, LONG_AGO, due)

    moved, moved_after, given, given_after, gone, gone_after, undone, again = (late() for _ in range(8))
    world.postpone_task(moved, CUTOFF - 60, CUTOFF + DAY)
    world.postpone_task(moved_after, CUTOFF + 60, CUTOFF + DAY)
    world.give_task(given, CUTOFF - 60, BORIS)
    world.give_task(given_after, CUTOFF + 60, BORIS)
    world.delete_task(gone, CUTOFF - 60)
    world.delete_task(gone_after, CUTOFF + 60)
    for task, at in ((undone, CUTOFF - 60), (again, CUTOFF - 120)):
        world.finish_task(task, at)
    world.reopen_task(undone, CUTOFF + 60)
    world.reopen_task(again, CUTOFF - 60)
    lead, won, sold = (world.add_lead(ANNA, LONG_AGO, NEW) for _ in range(3))
    world.delete_lead(lead, CUTOFF - 60)
    world.move_lead(won, CUTOFF - 60, (NEW[0], WON))
    world.move_lead(sold, CUTOFF + 60, (NEW[0], WON))
    expected = {
        moved.id: (TOLD, ProofReason.DEADLINE),
        moved_after.id: (Verdict.NOT_IN_ORDER, None),
        given.id: (TOLD, ProofReason.OWNER),
        given_after.id: (Verdict.NOT_IN_ORDER, None),
        gone.id: (TOLD, ProofReason.DELETED),
        gone_after.id: (Verdict.NOT_TOLD, None),
        undone.id: (Verdict.NOT_TOLD, None),
        again.id: (Verdict.NOT_IN_ORDER, None),
        lead.id: (TOLD, ProofReason.DELETED),
        won.id: (TOLD, ProofReason.CLOSED),
        sold.id: (Verdict.NOT_IN_ORDER, None),
    }
    leads = {lead.id, won.id, sold.id}
    items = [
        Disputed(
            *(("deals_without_task", "deal") if key in leads else ("overdue_tasks", "task")),
            str(key),
            frozenset({str(ANNA)}),
        )
        for key in expected
    ]
    client = client_of(FakeAmocrm(world), CUTOFF + DAY)
    proofs = await client.recheck(items, Scope(WINDOW, world.zone, KpiSettings()))
    assert {int(proof.key.partition(":")[2]): (proof.verdict, proof.reason) for proof in proofs} == expected
    await client.aclose()
