"""Keep counted evidence and the ids of seen records in little memory: the only door of `scoring.compact`."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Sequence

from scoring.compact.deal_sums import DealSums
from scoring.compact.evidence_sequence import EvidenceEncoder, EvidenceSequence
from scoring.compact.id_map import IdMap
from scoring.records import Deal, RecordKind, Task
from scoring.snapshot import Evidence


class EvidenceStore:
    """Hold evidence by KPI and CRM user, ids of seen records, exempted deals, and sums of open deals."""

    def __init__(self) -> None:
        self._encoder = EvidenceEncoder()
        self._items: dict[str, dict[str, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("I")))
        """Places of the evidence, by KPI and CRM user."""
        self._seen: dict[RecordKind, IdMap] = defaultdict(IdMap)
        self._exempted: dict[str, IdMap] = defaultdict(IdMap)
        self._sums = DealSums()

    def add(self, kpi: str, user: str, item: Evidence) -> None:
        """Keep the evidence of a counted record."""
        self._items[kpi][user].append(self._encoder.put(item))

    def items(self, kpi: str, user: str) -> Sequence[Evidence]:
        """Return the evidence of a KPI, oldest first, without the exempted deals."""
        places = self._items[kpi].get(user)
        if not places:
            return ()
        if exempted := self._exempted.get(kpi):
            return EvidenceSequence(
                self._encoder, (place for place in places if self._encoder.identity(place) not in exempted)
            )
        return EvidenceSequence(self._encoder, places)

    def items_with_deal_sums(self, kpi: str, user: str) -> Sequence[Evidence]:
        """Return the evidence of tasks, each with the sum of the open deal that the task is bound to."""
        encoder = self._encoder
        places = self._items[kpi].get(user, ())
        return EvidenceSequence(encoder, [encoder.put(self._sums.with_sum(encoder.get(place))) for place in places])

    # Records that were seen

    def note(self, kind: RecordKind, key: str) -> bool:
        """Note the id of a record; return False if the id was noted before."""
        return self._seen[kind].put(key, 1)

    # Deals that have what a KPI misses

    def exempt(self, kpi: str, deals: Iterable[str]) -> None:
        """Leave deals out of a KPI, whether counted before or after."""
        exempted = self._exempted[kpi]
        for deal in deals:
            exempted.put(deal, 1)

    def is_exempt(self, kpi: str, deal: str) -> bool:
        """Tell whether a deal is left out of a KPI."""
        return deal in self._exempted[kpi]

    # Sums beside tasks

    def note_sum(self, deal: Deal) -> None:
        """Keep the sum of an open deal."""
        self._sums.deal(deal)

    def note_task(self, task: Task) -> None:
        """Keep the deals that a counted task is bound to."""
        self._sums.task(task)
