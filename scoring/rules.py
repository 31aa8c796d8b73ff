"""Rules and the rulebook: what a team agreed to keep, and the version a day is judged by."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiSettings, Unit
from scoring.workdays import WindowKind


class Bound(StrEnum):
    """Which side of the bound keeps the rule."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Rule:
    """A KPI, a bound, and what keeping or breaking it is worth.

    `per_deals` makes the bound an allowance that grows with the open deals. `observed_only` shows the rule without
    scoring it. `currency` names the sum that a money rule compares.
    """

    id: str
    kpi: str
    bound: Bound
    limit: Decimal
    reward: int = 1
    penalty: int = 2
    per_deals: int | None = None
    currency: str | None = None
    observed_only: bool = False

    @property
    def needs(self) -> frozenset[str]:
        """The KPIs that must be counted to judge it."""
        return frozenset({self.kpi, DEALS_OPEN} if self.per_deals else {self.kpi})

    def allowed(self, deals_open: int) -> Decimal:
        """The bound for a manager with so many open deals: limit × max(1, ⌈deals_open / per_deals⌉)."""
        if self.per_deals is None:
            return self.limit
        return self.limit * max(1, -(-deals_open // self.per_deals))

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back, stored with every run that used it."""
        return {
            "id": self.id,
            "kpi": self.kpi,
            self.bound.value: format(self.limit.normalize(), "f"),
            "reward": self.reward,
            "penalty": self.penalty,
            "per_deals": self.per_deals,
            "currency": self.currency,
            "observed_only": self.observed_only,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The rule that `to_json` wrote."""
        bound = Bound.AT_LEAST if Bound.AT_LEAST in data else Bound.AT_MOST
        plain = {key: data[key] for key in data if key not in (Bound.AT_LEAST, Bound.AT_MOST)}
        return cls(bound=bound, limit=Decimal(data[bound]), **plain)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """All that decides how a team's day is counted and judged."""

    rules: tuple[Rule, ...]
    kpis: KpiSettings = field(default_factory=KpiSettings)
    window: WindowKind = WindowKind.CUTOFF_TO_CUTOFF

    def __post_init__(self) -> None:
        """Refuse what the settings should have refused."""
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise ValueError("two rules have the same id")
        for rule in self.rules:
            _check(rule)

    @property
    def counted(self) -> tuple[str, ...]:
        """The KPIs to count, in catalogue order: the rules' and the observed ones."""
        wanted = frozenset(self.kpis.observe).union(*(rule.needs for rule in self.rules))
        return tuple(key for key in CATALOGUE if key in wanted)

    @property
    def version(self) -> str:
        """A hash of the content: the same rules give the same version anywhere."""
        canonical = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def to_json(self) -> dict[str, Any]:
        """Plain data that `from_json` reads back."""
        return {
            "rules": [rule.to_json() for rule in self.rules],
            "kpis": {
                "min_call_seconds": self.kpis.min_call_seconds,
                "observe": sorted(self.kpis.observe),
                "excluded_pipelines": sorted(self.kpis.excluded_pipelines),
                "stale_days": self.kpis.stale_days,
                "comment_grace_hours": self.kpis.comment_grace_hours,
            },
            "window": self.window.value,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The rulebook that `to_json` wrote."""
        kpis = data["kpis"]
        return cls(
            rules=tuple(Rule.from_json(rule) for rule in data["rules"]),
            kpis=KpiSettings(
                min_call_seconds=kpis["min_call_seconds"],
                observe=tuple(kpis["observe"]),
                excluded_pipelines=frozenset(kpis["excluded_pipelines"]),
                stale_days=kpis["stale_days"],
                comment_grace_hours=kpis["comment_grace_hours"],
            ),
            window=WindowKind(data["window"]),
        )


def _check(rule: Rule) -> None:
    if rule.kpi not in CATALOGUE:
        raise ValueError(f"rule {rule.id}: no KPI is called {rule.kpi}")
    if rule.reward < 0 or rule.penalty < 0:
        raise ValueError(f"rule {rule.id}: reward and penalty are written without a sign")
    if not rule.limit.is_finite() or rule.limit < 0:
        raise ValueError(f"rule {rule.id}: the bound must be a number not below 0")
    if rule.per_deals is not None and rule.per_deals < 1:
        raise ValueError(f"rule {rule.id}: per_deals must be 1 or more")
    if (CATALOGUE[rule.kpi].unit is Unit.MONEY) != (rule.currency is not None):
        raise ValueError(f"rule {rule.id}: a currency belongs to a money KPI, and only there")
