"""Tell which records of states belong to the backlog that a launch ignores (docs/product.md §19, Launch)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Backlog:
    """Hold the records that broke a rule in the first reading under the launch, and whose first reading is to come."""

    before: datetime | None = None
    """Begin of the day `ignore_before`; None: nothing is ignored."""
    ignored: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Ids of the records that were ignored in the reading before, by KPI: in order since, a record counts again."""
    unread: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """CRM users of whom the KPI was not read yet since the launch, by KPI."""

    def is_ignored(self, kpi: str, user: str, record: str, at: datetime | None) -> bool:
        """Tell whether a record is ignored; `at` is the deadline, the stage entry or the creation."""
        if record in self.ignored.get(kpi, ()):
            return True
        return self.before is not None and at is not None and at < self.before and user in self.unread.get(kpi, ())
