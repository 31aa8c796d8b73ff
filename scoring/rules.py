"""Define rules and the rulebook: the agreement of a team, and the version that a day is judged by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self, TypeVar

import msgspec

from scoring.kpis import CATALOGUE, DEALS_OPEN, KpiKind, KpiSettings, Unit
from scoring.terms.employment import Employment, Employments
from scoring.terms.launch import Launch
from scoring.workdays import WindowKind

P = TypeVar("P")

SCHEMA = 4
"""Number of the form in which rulebooks are stored; texts of 0.1.0 carry none and count as 1.

Older texts keep their version and are read with what `AS_BEFORE` says of a setting that they lack. Raise the number
when an older release could misread a text (docs/decisions/0013-identity-of-rulebooks.md).
"""

AS_BEFORE: dict[str, object] = {"grace_minutes": 0, "work_hours": "00:00-24:00"}
"""Values of `[kpis]` by which days were judged before there was such a setting: a stored day is judged so again."""


class Bound(StrEnum):
    """Name the side of the bound that keeps the rule."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"


@dataclass(frozen=True, slots=True)
class Rule:
    """Hold a KPI, a bound, and the points for keeping or breaking the rule.

    `per_deals` makes the bound an allowance that grows with the open deals. `observed_only` shows the rule without
    scoring it, `observe_until` up to and including a day. `currency` names the sum that a money rule compares, rounded
    to `decimals` where only a part of the bound is asked for. `roles` names the roles judged; empty: all people.
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
    observe_until: date | None = None
    roles: tuple[str, ...] = ()
    decimals: int = 2

    @property
    def needs(self) -> frozenset[str]:
        """Return the KPIs that must be counted to judge the rule."""
        return frozenset({self.kpi, DEALS_OPEN} if self.per_deals else {self.kpi})

    @property
    def limits_state(self) -> bool:
        """Tell whether the rule sets a limit to a state, so that single records break the rule."""
        return self.bound is Bound.AT_MOST and CATALOGUE[self.kpi].kind is KpiKind.STATE

    def allowed(self, deals_open: int) -> Decimal:
        """Compute the bound for a number of open deals: limit × max(1, ⌈deals_open / per_deals⌉)."""
        if self.per_deals is None:
            return self.limit
        return self.limit * max(1, -(-deals_open // self.per_deals))

    def to_json(self) -> dict[str, Any]:
        """Write plain data that `from_json` reads back."""
        return {
            "id": self.id,
            "kpi": self.kpi,
            self.bound.value: format(self.limit.normalize(), "f"),
            "reward": self.reward,
            "penalty": self.penalty,
            "per_deals": self.per_deals,
            "currency": self.currency,
            "observed_only": self.observed_only,
            "observe_until": self.observe_until and self.observe_until.isoformat(),
            "roles": sorted(self.roles),
            "decimals": self.decimals,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read a rule that `to_json` wrote."""
        bound = Bound.AT_LEAST if Bound.AT_LEAST in data else Bound.AT_MOST
        plain = {key: data[key] for key in data if key not in (Bound.AT_LEAST, Bound.AT_MOST)}
        if plain.get("observe_until"):
            plain["observe_until"] = date.fromisoformat(plain["observe_until"])
        plain["roles"] = tuple(plain.get("roles", ()))
        return cls(bound=bound, limit=Decimal(data[bound]), **plain)


@dataclass(frozen=True, slots=True)
class CrmCounting:
    """Hold the settings of a connection that decide what its client counts for whom; names as in `[crm.NAME]`.

    A later setting is added with the default that older texts mean.
    """

    companies_credit: str = "creator"
    deals_credit: str = "responsible"
    meeting_types: tuple[str, ...] = ()
    required_fields: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    loss_reason_field: str = ""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read the settings from plain data. Raises ValueError for data of another form."""
        return _read("crm", data, cls)

    def to_json(self) -> dict[str, Any]:
        """Write plain data that `from_json` reads back."""
        return _written(self)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hold what decides where a team's windows end."""

    timezone: str
    """IANA name."""
    cutoff: str
    """Wall time, `18:00`."""
    weekdays: tuple[int, ...]
    """0 is Monday."""

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a schedule from plain data. Raises ValueError for data of another form."""
        return _read("schedule", data, cls)

    def to_json(self) -> dict[str, Any]:
        """Write plain data that `from_json` reads back."""
        return _written(self)


@dataclass(frozen=True, slots=True)
class Rulebook:
    """Hold all that decides how a team's day is counted and judged."""

    rules: tuple[Rule, ...]
    kpis: KpiSettings = field(default_factory=KpiSettings)
    window: WindowKind = WindowKind.CUTOFF_TO_CUTOFF
    aliases: Mapping[str, str] | None = field(default=None, hash=False)
    """CRM users whose facts are credited to another user; None in older texts: those of the settings now."""
    crm: CrmCounting | None = None
    """Settings of the connection; None in older texts: those of the settings now."""
    schedule: Schedule | None = None
    """Zone, cutoff and weekdays; None in older texts: those of the settings now."""
    people: Employments = field(default_factory=dict, hash=False)
    launch: Launch = field(default_factory=Launch)
    probation_days: int = 0
    """Scored days of a newcomer on which a broken rule takes nothing."""
    stored_version: str = field(default="", compare=False)
    """Version of the text that the rulebook was read from; empty for a rulebook that was not stored yet."""

    def __post_init__(self) -> None:
        """Refuse rules that the settings should have refused."""
        ids = [rule.id for rule in self.rules]
        if len(set(ids)) != len(ids):
            raise ValueError("two rules have the same id")
        for rule in self.rules:
            _check(rule)

    @property
    def counted(self) -> tuple[str, ...]:
        """List the KPIs to count, in catalogue order: the KPIs of the rules and the observed KPIs."""
        wanted = frozenset(self.kpis.observe).union(*(rule.needs for rule in self.rules))
        return tuple(key for key in CATALOGUE if key in wanted)

    @property
    def version(self) -> str:
        """Return the hash of the stored text, else of the text that would be stored: the same on every machine."""
        return self.stored_version or version_of(self.to_json())

    def employment(self, crm_user: str) -> Employment:
        """Return the terms on which a person is judged."""
        return self.people.get(crm_user, Employment())

    def rules_for(self, crm_user: str) -> tuple[Rule, ...]:
        """List the rules that judge a person: those that name no role, or the person's."""
        role = self.employment(crm_user).role
        return tuple(rule for rule in self.rules if not rule.roles or role in rule.roles)

    @property
    def state_kpis(self) -> frozenset[str]:
        """Return the KPIs of the rules that set a limit to a state."""
        return frozenset(rule.kpi for rule in self.rules if rule.limits_state)

    def is_observed(self, rule: Rule, day: date) -> bool:
        """Tell whether a rule is in observation on a day: shown, not scored."""
        ends = (rule.observe_until, self.launch.observe_until)
        return rule.observed_only or any(end is not None and day <= end for end in ends)

    def is_same_as(self, other: Rulebook) -> bool:
        """Tell whether both rulebooks judge every day alike, also if written by different releases."""
        return self.to_json() == other.to_json()

    def to_json(self) -> dict[str, Any]:
        """Write plain data that `from_json` reads back."""
        return {
            "schema": SCHEMA,
            "rules": [rule.to_json() for rule in self.rules],
            "kpis": _written(self.kpis),
            "window": self.window.value,
            "aliases": None if self.aliases is None else dict(self.aliases),
            "crm": self.crm and self.crm.to_json(),
            "schedule": self.schedule and self.schedule.to_json(),
            "people": {user: terms.to_json() for user, terms in self.people.items() if terms != Employment()},
            "launch": self.launch.to_json(),
            "probation_days": self.probation_days,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read a stored rulebook of this or an earlier release; a missing setting means what held before.

        Raises ValueError for a rulebook that a later release wrote, KeyError or TypeError for data of another form.
        """
        if (schema := data.get("schema", 1)) > SCHEMA:
            raise ValueError(f"the rulebook has schema {schema}, this release reads up to {SCHEMA}: upgrade it")
        return cls(
            rules=tuple(Rule.from_json(rule) for rule in data["rules"]),
            kpis=_read("kpis", _as_before(data["kpis"]), KpiSettings),
            window=WindowKind(data["window"]),
            aliases=None if data.get("aliases") is None else _read("aliases", data["aliases"], dict[str, str]),
            crm=CrmCounting.from_json(data["crm"]) if data.get("crm") else None,
            schedule=Schedule.from_json(data["schedule"]) if data.get("schedule") else None,
            people=_read("people", data.get("people", {}), dict[str, Employment]),
            launch=_read("launch", data.get("launch", {}), Launch),
            probation_days=data.get("probation_days", 0),
            stored_version=version_of(data),
        )


def version_of(content: dict[str, Any]) -> str:
    """Return the version of a stored rulebook: a hash of the canonical text alone."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def _written(part: CrmCounting | Schedule | KpiSettings) -> dict[str, Any]:
    """Write a part of a rulebook as plain data that `_read` reads back."""
    return {each.name: _plain(getattr(part, each.name)) for each in fields(part)}


def _read(name: str, stored: object, form: type[P]) -> P:
    """Read a part of a stored rulebook. Raises ValueError for a part of another form."""
    try:
        return msgspec.convert(stored, form)
    except msgspec.ValidationError as error:
        raise ValueError(f"{name} of the stored rulebook: {error}") from error


def _as_before(kpis: object) -> object:
    """Add the settings that an older text lacks, with the values that held then."""
    return AS_BEFORE | kpis if isinstance(kpis, dict) else kpis


def _plain(setting: object) -> object:
    """Write sets and lists of names sorted: the order decides nothing."""
    if isinstance(setting, Mapping):
        return {key: _plain(value) for key, value in setting.items()}
    return sorted(setting) if isinstance(setting, tuple | frozenset) else setting


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
