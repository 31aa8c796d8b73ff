"""Read the KPI settings and rules of a team: `[teams.T.kpis]` and `[[teams.T.rules]]`."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Literal

from pydantic import Field, field_validator, model_validator

from reglament.config.people import RoleProfile
from reglament.config.problems import quoted
from reglament.config.section import Amount, CrmIds, Date, Section
from reports.currency import decimals_of
from scoring.kpis import CATALOGUE, DEALS_OPEN, DEFAULT_OBSERVE, KpiSettings, Unit
from scoring.rules import Bound, Rule

_IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")


class KpiTable(Section):
    """Read `[teams.T.kpis]`: how the team counts."""

    min_call_seconds: int = Field(default=30, ge=0, le=86_400)
    observe: list[str] | Literal["all"] = list(DEFAULT_OBSERVE)
    excluded_pipelines: CrmIds = []
    stale_days: int = Field(default=14, ge=1, le=365)
    comment_grace_hours: int = Field(default=24, ge=0, le=8_760)
    grace_minutes: int = Field(default=60, ge=0, le=10_080)

    @field_validator("observe")
    @classmethod
    def _known(cls, value: list[str] | str) -> list[str] | str:
        for key in value if isinstance(value, list) else ():
            _known_kpi(key)
        return value

    def settings(self, work_hours: str) -> KpiSettings:
        """Convert the table, and the team's working hours, to the settings of the tally."""
        return KpiSettings(
            min_call_seconds=self.min_call_seconds,
            observe=tuple(CATALOGUE) if self.observe == "all" else tuple(self.observe),
            excluded_pipelines=frozenset(self.excluded_pipelines),
            stale_days=self.stale_days,
            comment_grace_hours=self.comment_grace_hours,
            work_hours=work_hours,
            grace_minutes=self.grace_minutes,
        )


def _known_kpi(key: str) -> str:
    if key not in CATALOGUE:
        raise ValueError(f"unknown KPI {quoted(key)}; allowed: {', '.join(CATALOGUE)}")
    return key


class RuleSettings(Section):
    """Read a rule of `[[teams.T.rules]]`."""

    id: str = ""
    kpi: str
    at_least: Amount | None = None
    at_most: Amount | None = None
    reward: int = Field(default=1, ge=0, le=1000)
    penalty: int = Field(default=2, ge=0, le=1000)
    per_deals: int | None = Field(default=None, ge=1, le=1_000_000)
    currency: str = Field(default="", pattern=r"^([A-Z]{3})?$")
    roles: list[RoleProfile] = []
    """Role profiles that the rule judges; empty: everybody."""
    observe_until: Date | None = None
    """Last day on which the rule is in observation."""
    observe: bool = False
    """Whether the rule is in observation: shown, not scored."""
    why: str = Field(default="", max_length=300)
    """Reason for the rule, as people read it in `/rules`; no part of the rulebook."""

    @field_validator("kpi")
    @classmethod
    def _known(cls, value: str) -> str:
        return _known_kpi(value)

    @model_validator(mode="after")
    def _one_bound(self) -> RuleSettings:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"rule on {self.kpi}: exactly one bound is needed, at_least or at_most")
        if self.kpi == DEALS_OPEN and self.at_least is not None:
            raise ValueError(
                f"rule on {DEALS_OPEN}: at_least is no rule here, many open deals are no merit; take at_most, or the "
                f"KPI for which the deals are kept (deals_won, calls_held …)"
            )
        if min(bound for bound in (self.at_least, self.at_most) if bound is not None) < 0:
            raise ValueError(f"rule on {self.kpi}: a bound is 0 or more")
        if self.per_deals is not None and self.at_most is None:
            raise ValueError(f"rule on {self.kpi}: per_deals goes with at_most")
        if self.currency and CATALOGUE[self.kpi].unit is not Unit.MONEY:
            raise ValueError(f"rule on {self.kpi}: currency belongs to a money KPI")
        if self.id and not _IDENTIFIER.fullmatch(self.id):
            raise ValueError(f"rule id {quoted(self.id)}: at most 40 of A-Z, a-z, 0-9, _ . -")
        self.id = self.id or self.kpi
        return self

    def rule(self, team_currency: str) -> Rule:
        """Convert the table to a rule; a money rule without `currency` compares the team's currency."""
        bound, limit = (Bound.AT_LEAST, self.at_least) if self.at_least is not None else (Bound.AT_MOST, self.at_most)
        currency = (self.currency or team_currency) if CATALOGUE[self.kpi].unit is Unit.MONEY else None
        return Rule(
            id=self.id,
            kpi=self.kpi,
            bound=bound,
            limit=Decimal(limit or 0).normalize() + 0,
            reward=self.reward,
            penalty=self.penalty,
            per_deals=self.per_deals,
            currency=currency,
            observed_only=self.observe,
            observe_until=self.observe_until,
            roles=tuple(sorted(set(self.roles))),
            decimals=decimals_of(currency) if currency else 2,
        )


DEFAULT_RULES = [
    RuleSettings(kpi="companies_added", at_least=Decimal(1)),
    RuleSettings(kpi="meetings_held", at_least=Decimal(1)),
    RuleSettings(kpi="calls_held", at_least=Decimal(10)),
    RuleSettings(kpi="overdue_tasks", at_most=Decimal(0)),
    RuleSettings(kpi="deals_without_task", at_most=Decimal(0)),
]
"""Rules of a team without rules in the settings (docs/product.md §4)."""
