"""Judge a manager's day: take snapshot and rulebook, give outcomes and points (docs/product.md §4)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

import msgspec

from scoring.kpis import CATALOGUE, KpiKind, Unit
from scoring.rules import Bound, Rule, Rulebook
from scoring.snapshot import Cause, Evidence, Manager, NotAvailable, NotRead, Snapshot, Spared, Value, evidence_of
from scoring.terms.bounds import HALF, bounds_of, is_divisible, part_of, why_unknown
from scoring.terms.circumstances import NONE, Circumstances, EvidenceKeys, Excuse, Half
from scoring.terms.employment import FULL
from scoring.terms.uncounted import Uncounted


class Outcome(StrEnum):
    """Name the result of a rule on a day. Only `kept` and `broken` make points."""

    KEPT = "kept"
    BROKEN = "broken"
    EXCUSED = "excused"
    """The manager was absent, or not at work by the schedule, for the whole day or the part that the rule needs."""
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
    excuse: Excuse | None = None
    """Reason of `excused`."""
    appeared: frozenset[str] = frozenset()
    """Evidence keys that appeared during an absence and do not count on the first day back."""
    used: frozenset[str] = frozenset()
    """Evidence keys that broke the rule before and do not break the rule again."""

    @property
    def marked_items(self) -> Sequence[Evidence]:
        """Return the evidence, with the reason for each record that does not count."""
        if not (self.appeared or self.used):
            return self.items
        reasons = dict.fromkeys(self.appeared, Spared.APPEARED) | dict.fromkeys(self.used, Spared.USED)
        return [
            msgspec.structs.replace(item, spared=reasons[item.key]) if item.key in reasons and not item.spared else item
            for item in self.items
        ]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """Hold the results of all rules on a manager's day, and the snapshot behind."""

    snapshot: Snapshot
    lines: tuple[ScoreLine, ...]
    excuse: Excuse | None = None
    """Why no rule of the day is judged; None for a day of work."""
    circumstances: Circumstances = NONE

    @property
    def manager(self) -> Manager:
        """Return the scored manager."""
        return self.snapshot.manager

    @property
    def points(self) -> int:
        """Return the points of the day."""
        return sum(line.points for line in self.lines)

    @property
    def newcomer(self) -> bool:
        """Tell whether the manager is on probation."""
        return self.circumstances.newcomer

    def count(self, outcome: Outcome) -> int:
        """Count the rules with an outcome."""
        return sum(line.outcome is outcome for line in self.lines)


def score(
    snapshot: Snapshot,
    rulebook: Rulebook,
    day: date,
    circumstances: Circumstances = NONE,
    *,
    absent: bool = False,
    last: EvidenceKeys | None = None,
) -> Scorecard:
    """Judge every rule: excused before not applicable before no data before kept or broken.

    `last` are the evidence keys to compare with, for the marks new and carried over.
    """
    user = snapshot.manager.crm_user
    excuse = _excuse_of_day(rulebook, user, day, circumstances, absent=absent)
    judge = _Judge(snapshot, rulebook, day, circumstances, excuse, last or {})
    return Scorecard(snapshot, tuple(map(judge.line, rulebook.rules_for(user))), excuse, circumstances)


def _excuse_of_day(
    rulebook: Rulebook, user: str, day: date, circumstances: Circumstances, *, absent: bool
) -> Excuse | None:
    """Tell why a whole day is excused; None for a day of work."""
    terms = rulebook.employment(user)
    if absent:
        return Excuse.ABSENT
    if not terms.is_at_work(day):
        return Excuse.OFF
    is_begun = circumstances.begun if terms.since is None else day >= terms.since
    return None if is_begun else Excuse.NOT_BEGUN


@dataclass(frozen=True, slots=True)
class _Judge:
    """Judge the rules on a manager's day."""

    snapshot: Snapshot
    rulebook: Rulebook
    day: date
    circumstances: Circumstances
    excuse: Excuse | None
    """Why the whole day is excused."""
    last: EvidenceKeys

    def line(self, rule: Rule) -> ScoreLine:
        """Judge a rule, and tell what the judgement is about."""
        own = self.snapshot.readings.get(rule.kpi, NotRead(Cause.NOT_ASKED))
        items = evidence_of(own)
        uncounted, bounds = Uncounted.of(rule, items, self.circumstances), self._bounds(rule)
        told = ScoreLine(
            rule,
            Outcome.NO_DATA,
            0,
            uncounted.counted(rule, own) if isinstance(own, Value) else None,
            bounds[0] if bounds is not None and len(bounds) == 1 else None,
            items,
            _new(rule, items, self.last),
            appeared=uncounted.appeared,
            used=uncounted.used,
        )
        if excuse := self._excuse(rule):
            return replace(told, outcome=Outcome.EXCUSED, excuse=excuse)
        if self.rulebook.is_observed(rule, self.day) or isinstance(own, NotAvailable):
            return replace(told, outcome=Outcome.NOT_APPLICABLE)
        return self._judged(told, own, uncounted, bounds)

    def _judged(
        self, told: ScoreLine, own: Value | NotRead, uncounted: Uncounted, bounds: tuple[Decimal, ...] | None
    ) -> ScoreLine:
        """Compare with the bound; what comes out differently at the ends of a range is without data."""
        rule = told.rule
        values = uncounted.ends(rule, own)
        if values is None and isinstance(own, NotRead):
            return replace(told, cause=own.cause)
        if bounds is None:
            return replace(told, cause=why_unknown(self.snapshot))
        assert values is not None  # noqa: S101  # a reading is a Value or has a range here
        results = {self._result(rule, value, bound, len(uncounted.used)) for value in values for bound in bounds}
        if len(results) > 1:
            return replace(told, cause=own.cause if isinstance(own, NotRead) else why_unknown(self.snapshot))
        result = results.pop()
        if isinstance(result, Excuse):
            return replace(told, outcome=Outcome.EXCUSED, excuse=result)
        kept = result is Outcome.KEPT
        # Of a range the end closest to the bound is told: what is claimed against or for a person is certain.
        is_highest = kept == (rule.bound is Bound.AT_MOST)
        value, bound = (max(values), min(bounds)) if is_highest else (min(values), max(bounds))
        return replace(told, outcome=result, points=self._points(rule, kept), value=value, bound=bound)

    def _excuse(self, rule: Rule) -> Excuse | None:
        """Tell why a rule is excused before anything is compared; None if it is not."""
        is_over = self.circumstances.half is Half.PM and rule.bound is Bound.AT_MOST
        return self.excuse or (Excuse.HALF_DAY if is_over else None)

    def _bounds(self, rule: Rule) -> tuple[Decimal, ...] | None:
        """Return the bound or the two ends of an allowance; the full bound where a part comes to nothing."""
        if not is_divisible(rule):
            return bounds_of(rule, self.snapshot)
        return (part_of(rule, self._part) or rule.limit,)

    @property
    def _part(self) -> Decimal:
        """Return the part of a full day that the manager was to work."""
        share = self.rulebook.employment(self.snapshot.manager.crm_user).share
        return share * (HALF if self.circumstances.half else FULL)

    def _result(self, rule: Rule, value: Decimal, bound: Decimal, used: int) -> Outcome | Excuse:
        """Compare a number with a bound; `used` records broke the rule before and are not in the number."""
        if not _is_kept(rule, value, bound):
            is_nothing_left = is_divisible(rule) and not part_of(rule, self._part)
            return Excuse.SMALL_PART if is_nothing_left else Outcome.BROKEN
        return Outcome.KEPT if _is_kept(rule, value + used, bound) or not used else Excuse.CARRIED_OVER

    def _points(self, rule: Rule, kept: bool) -> int:
        """Return the points of a rule; a newcomer on probation loses none."""
        if kept:
            return rule.reward
        return 0 if self.circumstances.newcomer else -rule.penalty


def _is_kept(rule: Rule, value: Decimal, bound: Decimal) -> bool:
    return value >= bound if rule.bound is Bound.AT_LEAST else value <= bound


def _new(rule: Rule, items: Iterable[Evidence], last: EvidenceKeys) -> frozenset[str] | None:
    if rule.kpi not in last or CATALOGUE[rule.kpi].kind is not KpiKind.STATE:
        return None
    return frozenset(item.key for item in items) - last[rule.kpi]


def is_money(rule: Rule) -> bool:
    """Tell whether a rule compares a sum of money."""
    return CATALOGUE[rule.kpi].unit is Unit.MONEY
