"""What every CRM client must tell of disputed records: in order only by the CRM's own times, never by a guess."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from scoring.appeals.proofs import Disputed, Proof, ProofReason, Verdict
from scoring.kpi import KpiSettings, Scope
from tests.crm_clients.client_under_test import MOSCOW, PLAIN, ClientUnderTest
from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    LOST,
    TODAY,
    FakeClock,
    Move,
    World,
    WorldComment,
    WorldDeal,
    WorldTask,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATER = CUTOFF + DAY

Case = tuple[str, str, Verdict, ProofReason | None]
CASES: dict[str, Case] = {
    "an overdue task that nobody touched": ("overdue_tasks", "2001", Verdict.NOT_IN_ORDER, None),
    "a task done before the cutoff": ("overdue_tasks", "2002", Verdict.IN_ORDER, ProofReason.DONE),
    "a task done after the cutoff": ("overdue_tasks", "2003", Verdict.NOT_IN_ORDER, None),
    "a task of a colleague": ("overdue_tasks", "2004", Verdict.IN_ORDER, ProofReason.OWNER),
    "a task that is not overdue": ("overdue_tasks", "2005", Verdict.IN_ORDER, ProofReason.DEADLINE),
    "a task that the CRM does not show": ("overdue_tasks", "2999", Verdict.NOT_TOLD, None),
    "a deal without a task": ("deals_without_task", "1001", Verdict.NOT_IN_ORDER, None),
    "a deal with a task": ("deals_without_task", "1002", Verdict.IN_ORDER, ProofReason.TASK),
    "a deal whose task came after the cutoff": ("deals_without_task", "1003", Verdict.NOT_IN_ORDER, None),
    "a deal closed before the cutoff": ("deals_without_task", "1004", Verdict.IN_ORDER, ProofReason.CLOSED),
    "a deal commented before the cutoff": ("deals_without_comment", "1002", Verdict.IN_ORDER, ProofReason.COMMENT),
    "a deal commented after the cutoff": ("deals_without_comment", "1003", Verdict.NOT_IN_ORDER, None),
    "a deal with its fields filled": ("deals_missing_fields", "1001", Verdict.IN_ORDER, ProofReason.FILLED),
    "a deal with an empty field": ("deals_missing_fields", "1003", Verdict.NOT_IN_ORDER, None),
    "a deal that the CRM does not show": ("deals_without_task", "1999", Verdict.NOT_TOLD, None),
}


def disputed_world() -> World:
    """The company a day after the cutoff."""
    soon, yesterday = CUTOFF + 5 * DAY, TODAY - DAY
    return World(
        deals=[
            WorldDeal("1001", "Без задачи", ANNA),
            WorldDeal("1002", "С задачей", ANNA),
            WorldDeal("1003", "Поздняя", ANNA, filled=False),
            WorldDeal("1004", "Проиграна", ANNA, moves=(Move(CUTOFF - HOUR, LOST, reason="Цена"),)),
        ],
        tasks=[
            WorldTask("2001", "Просрочена", ANNA, yesterday),
            WorldTask("2002", "Сделана", ANNA, yesterday, done_at=CUTOFF - HOUR),
            WorldTask("2003", "Сделана после", ANNA, yesterday, done_at=CUTOFF + HOUR),
            WorldTask("2004", "Чужая", BORIS, yesterday),
            WorldTask("2005", "В срок", ANNA, soon.date()),
            WorldTask("2006", "Шаг", ANNA, soon.date(), deals=("1002",)),
            WorldTask("2007", "Поздний шаг", ANNA, soon.date(), created_at=CUTOFF + HOUR, deals=("1003",)),
        ],
        comments=[
            WorldComment("6001", "1002", ANNA, CUTOFF - HOUR),
            WorldComment("6002", "1003", ANNA, CUTOFF + HOUR),
        ],
        now=LATER,
    )


class RecheckTests(ClientUnderTest):
    """Re-check disputed records of a company a day later."""

    untold: ClassVar[frozenset[str]] = frozenset()
    """Cases of which the CRM keeps no history."""

    def task_id(self, key: str) -> str:
        """The id that the client gives to a task of the world."""
        return key

    async def test_disputed_records_are_in_order_only_by_the_crms_own_times(self) -> None:
        world = disputed_world()
        scope = Scope(world.window, MOSCOW, KpiSettings(grace_minutes=0))
        items = {name: self._disputed(*case[:2]) for name, case in CASES.items()}
        proofs: dict[str, Proof] = {}
        async with self.opened(self.server(world, PLAIN), FakeClock(world.now)) as client:
            found = await client.recheck(list(items.values()), scope)
            proofs = dict(zip(items, found, strict=True))
        assert [proof.key for proof in found] == [item.key for item in items.values()]
        expected = {name: case[2:] for name, case in CASES.items()}
        expected |= dict.fromkeys(self.untold, (Verdict.NOT_TOLD, None))
        told = {name: (proof.verdict, proof.reason) for name, proof in proofs.items()}
        unlike = {name: each for name, each in told.items() if each != expected[name]}
        assert not unlike, unlike
        for name, proof in proofs.items():
            if proof.verdict is Verdict.IN_ORDER:
                assert proof.field, name
                assert proof.at is None or proof.at < CUTOFF, name

    def _disputed(self, kpi: str, key: str) -> Disputed:
        kind = "task" if key.startswith("2") else "deal"
        return Disputed(kpi, kind, self.task_id(key) if kind == "task" else key, frozenset({ANNA}))
