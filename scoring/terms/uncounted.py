"""Leave out the records that are shown without counting against a rule (docs/product.md §12, §19)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Self

from scoring.rules import Bound, Rule
from scoring.snapshot import Evidence, NotRead, Number, Reading, Value
from scoring.terms.circumstances import Circumstances

_NO_END = Decimal("Infinity")
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Hold the evidence keys that do not count against an `at_most` rule of a state."""

    appeared: frozenset[str] = _NONE
    """Records that appeared while the manager was absent."""
    used: frozenset[str] = _NONE
    """Records that broke the rule before."""

    @classmethod
    def of(cls, rule: Rule, items: Iterable[Evidence], circumstances: Circumstances) -> Self:
        """Find the uncounted records of a rule among the evidence; spared records are left out already."""
        appeared, used = circumstances.appeared.get(rule.kpi, _NONE), circumstances.used.get(rule.id, _NONE)
        if not rule.limits_state or not (appeared or used):
            return cls()
        keys = {item.key for item in items if not item.spared}
        return cls(appeared & keys, (used & keys) - appeared)

    def ends(self, rule: Rule, reading: Reading) -> tuple[Decimal, ...] | None:
        """Return the numbers to compare with the bound: one, the ends of a range, or None if nothing is known."""
        if isinstance(reading, Value):
            return (self.counted(rule, reading),)
        if isinstance(reading, NotRead) and reading.range is not None:
            low, high = reading.range.low, reading.range.high
            return self.counted(rule, low), _NO_END if high is None else self._less(compared(rule, high))
        return None

    def counted(self, rule: Rule, value: Value) -> Decimal:
        """Return the number to compare with the bound, for `at_most` without spared and uncounted records."""
        number = compared(rule, value.number)
        return self._less(number - value.spared) if rule.bound is Bound.AT_MOST else number

    def _less(self, number: Decimal) -> Decimal:
        return max(number - len(self.appeared) - len(self.used), Decimal(0))


def compared(rule: Rule, number: Number) -> Decimal:
    """Return the number to compare with the bound; of money the sum in the rule's currency."""
    return Decimal(number) if isinstance(number, int) else number.get(rule.currency or "", Decimal(0))
