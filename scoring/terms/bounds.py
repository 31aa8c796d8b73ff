"""Compute the bound of a rule on a day: the allowance by open deals, and the part of a day that is asked for."""

from __future__ import annotations

from decimal import ROUND_HALF_DOWN, Decimal

from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiKind, Unit
from scoring.rules import Bound, Rule
from scoring.snapshot import Cause, NotRead, Snapshot, Value
from scoring.terms.employment import FULL

HALF = Decimal("0.5")


def bounds_of(rule: Rule, snapshot: Snapshot) -> tuple[Decimal, ...] | None:
    """Return the bound, or the two ends of an allowance by an uncertain number of open deals; None if unknown."""
    if rule.per_deals is None:
        return (rule.limit,)
    open_deals = snapshot.readings.get(DEALS_OPEN)
    if isinstance(open_deals, Value) and isinstance(open_deals.number, int):
        return (rule.allowed(open_deals.number),)
    found = open_deals.range if isinstance(open_deals, NotRead) else None
    if found is None or not isinstance(found.low.number, int) or not isinstance(found.high, int):
        return None
    return rule.allowed(found.low.number), rule.allowed(found.high)


def why_unknown(snapshot: Snapshot) -> Cause:
    """Tell why an allowance is unknown; a CRM that cannot count open deals makes the day incomplete."""
    open_deals = snapshot.readings.get(DEALS_OPEN, NotRead(Cause.NOT_ASKED))
    return open_deals.cause if isinstance(open_deals, NotRead) else Cause.INCOMPLETE


def is_divisible(rule: Rule) -> bool:
    """Tell whether of a part of a day a part of the bound is asked for: `at_least` rules on events, which add up."""
    return rule.bound is Bound.AT_LEAST and CATALOGUE[rule.kpi].kind is KpiKind.EVENT


def part_of(rule: Rule, part: Decimal) -> Decimal:
    """Return the bound for a part of a day, rounded once to the nearest whole or minor unit, half down.

    `part` is share times half day (docs/product.md §19, Schedules).
    """
    if part == FULL or not is_divisible(rule):
        return rule.limit
    decimals = rule.decimals if CATALOGUE[rule.kpi].unit is Unit.MONEY else 0
    return (rule.limit * part).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_DOWN)
