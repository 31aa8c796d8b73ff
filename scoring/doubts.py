"""Keep which managers' KPIs are uncertain, and which kinds of record were read in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from scoring.counting import Doubt, Kpi
from scoring.kpis import Capability
from scoring.records import Change, Completed, DealState, Failed, RecordKind, Unreadable
from scoring.snapshot import Cause, NotAvailable, NotRead


class Doubts:
    """Hold, by KPI, the CRM users with an uncertain value."""

    def __init__(self) -> None:
        self._users: dict[Doubt, dict[str, set[str]]] = {doubt: defaultdict(set) for doubt in Doubt}

    def add(self, kpi: str, user: str, doubt: Doubt) -> None:
        """Note that a user's value is uncertain."""
        self._users[doubt][kpi].add(user)

    def add_changes(
        self, kpis: Iterable[Kpi[Any]], user: str, changes: Iterable[Change], kind: RecordKind, state: DealState | None
    ) -> None:
        """Doubt the KPIs that a change of a record of the user matters to."""
        for kpi in kpis:
            if any(kpi.is_doubted(change, kind, state) for change in changes):
                self.add(kpi.key, user, Doubt.MOVED_ON)

    def holds(self, kpi: str, user: str, *, late: bool) -> bool:
        """Tell whether the value is uncertain when the records were read in time, or late."""
        return user in self._users[Doubt.UNTOLD][kpi] or (late and user in self._users[Doubt.MOVED_ON][kpi])


class UnreadableRows:
    """Hold, by KPI and CRM user, the first row that may touch the value and could not be understood."""

    def __init__(self) -> None:
        self._obstacles: dict[tuple[str, str], NotRead] = {}

    def add(self, kpis: Iterable[Kpi[Any]], users: Collection[str], row: Unreadable, every: Collection[str]) -> None:
        """Note a row: KPIs that count its kind are touched for `users`, KPIs that it exempts from for `every` user."""
        for kpi in kpis:
            if row.kind not in kpi.needs or (row.kpis and kpi.key not in row.kpis):
                continue
            for user in users if kpi.counts.record is row.kind and row.users else every:
                self._obstacles.setdefault((kpi.key, user), NotRead(row.cause, row.reason))

    def obstacle(self, kpi: str, user: str) -> NotRead | None:
        """Tell why a user's value is not known; None if no such row touches the value."""
        return self._obstacles.get((kpi, user))


class KindMarks:
    """Hold which kinds of record were read in full, and when the reading started."""

    def __init__(self, late_after: datetime) -> None:
        self._late_after = late_after
        self._completed: dict[RecordKind, datetime] = {}
        self._failed: dict[RecordKind, NotRead] = {}

    def add(self, mark: Completed | Failed) -> None:
        """Note the end of a kind; of a kind read twice the later reading counts."""
        if isinstance(mark, Failed):
            self._failed.setdefault(mark.kind, NotRead(mark.cause, mark.reason))
        else:
            self._completed[mark.kind] = max(mark.started_at, self._completed.get(mark.kind, mark.started_at))

    def is_late(self, kinds: Iterable[RecordKind]) -> bool:
        """Tell whether the reading of any of the kinds started after the tolerance."""
        return any(self._completed[kind] > self._late_after for kind in kinds)

    def obstacle(self, kpi: Kpi[Any], capabilities: Mapping[str, Capability]) -> NotAvailable | NotRead | None:
        """Tell why a KPI is known for no manager; None if nothing stands against the KPI."""
        capability = capabilities.get(kpi.key, Capability.UNAVAILABLE)
        if capability is Capability.UNAVAILABLE:
            return NotAvailable()
        for kind in sorted(kpi.needs):
            if kind in self._failed or kind not in self._completed:
                return self._failed.get(kind, NotRead(Cause.INCOMPLETE))
        if capability is not Capability.REBUILDABLE and self.is_late(kpi.needs):
            return NotRead(Cause.LATE)
        return None
