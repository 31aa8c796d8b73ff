"""Turn points into money: a bonus earned from zero, held between floor and cap (docs/product.md §7)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class MoneyTerms:
    """Hold a team's course of a point, in units of `currency`."""

    currency: str = "RUB"
    base: Decimal = Decimal(0)
    per_point: Decimal = Decimal(100)
    per_penalty_point: Decimal = Decimal(100)
    floor: Decimal = Decimal(0)
    cap: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Payout:
    """Hold the money that the points of a period come to."""

    bonus: Decimal
    """per_point × plus points."""
    penalty: Decimal
    """per_penalty_point × minus points; lowers the bonus, never the salary."""
    total: Decimal
    """base + bonus − penalty, held between floor and cap."""


def payout(terms: MoneyTerms, plus: int, minus: int) -> Payout:
    """Compute the payout for `plus` points earned and `minus` points taken away (net, either may be negative)."""
    bonus = terms.per_point * plus
    penalty = terms.per_penalty_point * minus
    total = max(terms.floor, terms.base + bonus - penalty)
    if terms.cap is not None:
        total = min(terms.cap, total)
    return Payout(bonus, penalty, total)
