"""Judge a manager's day: take snapshot and rulebook, give outcomes and points (docs/product.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiKind, Unit
from scoring.rules import Bound, Rule, Rulebook
from scoring.snapshot import (
    Cause,
    Evidence,
    Manager,
    NotAvailable,
    NotRead,
    Number,
    Reading,
    Snapshot,
    Value,
    evidence_of,
)

_NO_END = Decimal("Infinity")

EvidenceKeys = Mapping[str, frozenset[str]]
"""Evidence keys by KPI, from the manager's last snapshot in the team in which the KPI was read."""


class Outcome(StrEnum):
    """Name the result of a rule on a day. Only `kept` and `broken` make points."""

    KEPT = "kept"
    BROKEN = "broken"
    EXCUSED = "excused"
    """The manager was absent."""
    NOT_APPLICABLE = "not_applicable"
    """This CRM cannot state the KPI, or the rule is in observation."""
    NO_DATA = "no_data"
    """The CRM did not answer fully, or the value is uncertain. Never a minus."""

    @property
    def scored(self) -> bool:
        """Tell whether the outcome counts for discipline %."""
        return self in (Outcome.KEPT, Outcome.BROKEN)


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """Hold the result of a rule on a manager's day."""

    rule: Rule
    outcome: Outcome
    points: int
    value: Decimal | None = None
    """Value compared with the bound; None if the KPI was not read."""
    bound: Decimal | None = None
    """Bound in force on the day, allowance included; None if unknown."""
    items: Sequence[Evidence] = ()
    new: frozenset[str] | None = None
    """Evidence keys that the last reading lacked; None: no earlier reading, or not a state KPI."""
    cause: Cause | None = None
    """Cause of `no_data`."""


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Hold the results of all rules on a manager's day, and the snapshot behind."""

    snapshot: Snapshot
    lines: tuple[ScoreLine, ...]

    @property
    def manager(self) -> Manager:
        """Return the scored manager."""
        return self.snapshot.manager

    @property
    def points(self) -> int:
        """Return the points of the day."""
        return sum(line.points for line in self.lines)

    def count(self, outcome: Outcome) -> int:
        """Count the rules with an outcome."""
        return sum(line.outcome is outcome for line in self.lines)


def score(
    snapshot: Snapshot, rulebook: Rulebook, *, absent: bool = False, last: EvidenceKeys | None = None
) -> Scorecard:
    """Judge every rule: excused before not applicable before no data before kept or broken.

    `last` are the evidence keys to compare with, for the marks new and carried over.
    """
    return Scorecard(snapshot, tuple(_judge(rule, snapshot, absent, last or {}) for rule in rulebook.rules))


def _judge(rule: Rule, snapshot: Snapshot, absent: bool, last: EvidenceKeys) -> ScoreLine:
    own = _reading(snapshot, rule.kpi)
    value = _counted(rule, own) if isinstance(own, Value) else None
    bound = _bound(rule, snapshot)
    items = evidence_of(own)
    new = _new(rule, items, last)

    def line(outcome: Outcome, points: int = 0, cause: Cause | None = None) -> ScoreLine:
        return ScoreLine(rule, outcome, points, value, bound, items, new, cause)

    if absent:
        return line(Outcome.EXCUSED)
    if rule.observed_only or isinstance(own, NotAvailable):
        return line(Outcome.NOT_APPLICABLE)
    values, bounds = _ends(rule, own), _bounds(rule, snapshot)
    if values is None and isinstance(own, NotRead):
        return line(Outcome.NO_DATA, cause=own.cause)
    if bounds is None:
        return line(Outcome.NO_DATA, cause=_why_no_bound(snapshot))
    assert values is not None  # noqa: S101  # a reading is a Value or has a range here
    results = {_is_kept(rule, value, bound) for value in values for bound in bounds}
    if len(results) > 1:
        return line(Outcome.NO_DATA, cause=own.cause if isinstance(own, NotRead) else _why_no_bound(snapshot))
    kept = results.pop()
    # Of a range the end closest to the bound is told: what is claimed against or for a person is certain.
    closest = max if kept == (rule.bound is Bound.AT_MOST) else min
    value, bound = closest(values), (min if kept == (rule.bound is Bound.AT_MOST) else max)(bounds)
    return line(Outcome.KEPT, rule.reward) if kept else line(Outcome.BROKEN, -rule.penalty)


def _is_kept(rule: Rule, value: Decimal, bound: Decimal) -> bool:
    return value >= bound if rule.bound is Bound.AT_LEAST else value <= bound


def _reading(snapshot: Snapshot, key: str) -> Reading:
    return snapshot.readings.get(key, NotRead(Cause.NOT_ASKED))


def _ends(rule: Rule, reading: Reading) -> tuple[Decimal, ...] | None:
    """Return the numbers to compare with the bound: one, the two ends of a range, or None if nothing is known."""
    if isinstance(reading, Value):
        return (_counted(rule, reading),)
    if isinstance(reading, NotRead) and reading.range is not None:
        high = reading.range.high
        return _counted(rule, reading.range.low), _NO_END if high is None else _compared(rule, high)
    return None


def _counted(rule: Rule, value: Value) -> Decimal:
    """Return the number to compare with the bound, for `at_most` without spared records."""
    number = _compared(rule, value.number)
    return max(number - value.spared, Decimal(0)) if rule.bound is Bound.AT_MOST else number


def _compared(rule: Rule, number: Number) -> Decimal:
    """Return the number to compare with the bound; of money the sum in the rule's currency."""
    return Decimal(number) if isinstance(number, int) else number.get(rule.currency or "", Decimal(0))


def _bound(rule: Rule, snapshot: Snapshot) -> Decimal | None:
    bounds = _bounds(rule, snapshot)
    return bounds[0] if bounds is not None and len(bounds) == 1 else None


def _bounds(rule: Rule, snapshot: Snapshot) -> tuple[Decimal, ...] | None:
    """Return the bound, or the two ends of an allowance by an uncertain number of open deals; None if unknown."""
    if rule.per_deals is None:
        return (rule.limit,)
    open_deals = _reading(snapshot, DEALS_OPEN)
    if isinstance(open_deals, Value) and isinstance(open_deals.number, int):
        return (rule.allowed(open_deals.number),)
    found = open_deals.range if isinstance(open_deals, NotRead) else None
    if found is None or not isinstance(found.low.number, int) or not isinstance(found.high, int):
        return None
    return rule.allowed(found.low.number), rule.allowed(found.high)


def _why_no_bound(snapshot: Snapshot) -> Cause:
    """Tell why the allowance is unknown; a CRM that cannot count open deals makes the day incomplete."""
    open_deals = _reading(snapshot, DEALS_OPEN)
    return open_deals.cause if isinstance(open_deals, NotRead) else Cause.INCOMPLETE


def _new(rule: Rule, items: Iterable[Evidence], last: EvidenceKeys) -> frozenset[str] | None:
    if rule.kpi not in last or CATALOGUE[rule.kpi].kind is not KpiKind.STATE:
        return None
    return frozenset(item.key for item in items) - last[rule.kpi]


def is_money(rule: Rule) -> bool:
    """Tell whether a rule compares a sum of money."""
    return CATALOGUE[rule.kpi].unit is Unit.MONEY
