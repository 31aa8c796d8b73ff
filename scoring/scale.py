"""Compute what a day can be worth at most and at least, and where it breaks even (docs/product.md §4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from scoring.rules import Rule


@dataclass(frozen=True, slots=True)
class Scale:
    """Hold the points of a day with all rules broken and with all kept."""

    low: int
    """0 or less."""
    high: int

    @property
    def break_even(self) -> Decimal:
        """Compute the discipline % at which plus and minus of equal rules cancel out; 0 where nothing is taken."""
        swing = self.high - self.low
        return (Decimal(-100 * self.low) / swing).quantize(Decimal(1)) if swing else Decimal(0)


def day_scale(rules: Iterable[Rule]) -> Scale:
    """Add up penalties and rewards of the rules that are scored."""
    scored = [rule for rule in rules if not rule.observed_only]
    return Scale(-sum(rule.penalty for rule in scored), sum(rule.reward for rule in scored))
