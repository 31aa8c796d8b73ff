"""What Bitrix24's rows tell of disputed records: what was changed since the cutoff, and bindings, are not told."""

from __future__ import annotations

from scoring.appeals.proofs import Disputed, ProofReason, Verdict
from scoring.kpi import Scope
from tests.crm_clients.bitrix24.portal import CONTACT, DEAL
from tests.crm_clients.bitrix24.team import ANNA, HOUR, Reader, deal, portal
from tests.crm_clients.client_under_test import MOSCOW, NO_GRACE
from tests.crm_clients.world import CUTOFF, LONG_AGO, WINDOW


async def test_only_what_stands_unchanged_since_the_cutoff_is_told() -> None:
    where, overdue = portal(), CUTOFF - HOUR
    for key in (1, 2, 3, 4):
        deal(where, key)
    where.add_activity(11, "Шаг", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    where.add_activity(12, "Правленый шаг", ANNA, owner=(DEAL, 2), created=LONG_AGO, updated=CUTOFF + HOUR)
    where.add_activity(13, "У контакта", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 3)], created=LONG_AGO)
    where.add_activity(14, "Письмо", ANNA, owner=(DEAL, 4), kind=4, provider="CRM_EMAIL", created=LONG_AGO)
    where.add_task(21, "Закрыта до", ANNA, deadline=overdue, created=LONG_AGO, closed=overdue, status=5)
    where.add_task(22, "Правлена", ANNA, deadline=CUTOFF + HOUR, created=LONG_AGO, changed=CUTOFF + HOUR)
    where.add_task(23, "Закрыта и правлена", ANNA, deadline=overdue, created=LONG_AGO, closed=overdue, status=5,
                   changed=CUTOFF + HOUR)  # fmt: skip
    expected = {
        "deal:1": (Verdict.IN_ORDER, ProofReason.TASK),
        "deal:2": (Verdict.NOT_TOLD, None),
        "deal:3": (Verdict.NOT_TOLD, None),
        "deal:4": (Verdict.NOT_IN_ORDER, None),
        "task:task-21": (Verdict.IN_ORDER, ProofReason.DONE),
        "task:task-22": (Verdict.NOT_TOLD, None),
        "task:task-23": (Verdict.IN_ORDER, ProofReason.DONE),
        "task:task-99": (Verdict.NOT_TOLD, None),
    }
    kpis = {"deal": "deals_without_task", "task": "overdue_tasks"}
    items = [
        Disputed(kpis[kind], kind, key, frozenset({str(ANNA)})) for kind, key in (each.split(":") for each in expected)
    ]
    reader = Reader(where)
    async with reader.client() as client:
        proofs = await client.recheck(items, Scope(WINDOW, MOSCOW, NO_GRACE))
    assert {proof.key: (proof.verdict, proof.reason) for proof in proofs} == expected
    assert client.stats.requests <= 3
