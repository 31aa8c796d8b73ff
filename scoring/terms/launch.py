"""Describe how a team begins with the rules: observation, ignored backlog, debt judged once (docs/product.md §12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any


class CarriedOver(StrEnum):
    """Name how often a stuck record breaks a rule."""

    DAILY = "daily"
    ONCE = "once"


@dataclass(frozen=True, slots=True)
class Launch:
    """Hold the terms of a team's beginning."""

    observe_until: date | None = None
    """Last day on which all rules are in observation."""
    ignore_before: date | None = None
    """Day before which the records of the backlog lie that break no rule."""
    carried_over: CarriedOver = CarriedOver.DAILY

    def to_json(self) -> dict[str, Any]:
        """Write plain data that msgspec converts back."""
        return {
            "observe_until": self.observe_until and self.observe_until.isoformat(),
            "ignore_before": self.ignore_before and self.ignore_before.isoformat(),
            "carried_over": self.carried_over.value,
        }
