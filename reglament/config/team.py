"""A `[teams.…]` table: its settings, and the values of the core they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from reglament.config.official_days import official_days
from scoring.kpis import CATALOGUE, DEFAULT_OBSERVE, KpiSettings, Unit
from scoring.payout import MoneyTerms
from scoring.rules import Bound, Rule, Rulebook, WindowKind
from scoring.workdays import WorkCalendar

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_CLOCK = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_IDENTIFIER = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")


def _wall_time(value: Any) -> Any:
    if isinstance(value, time):
        return value
    match = _CLOCK.match(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError('must be a time of day like "18:00"')
    return time(int(match[1]), int(match[2]))


def _day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError('must be a date like "2026-04-30"') from None


WallTime = Annotated[time, BeforeValidator(_wall_time)]
Day = Annotated[date, BeforeValidator(_day)]
Amount = Annotated[Decimal, Field(max_digits=14, decimal_places=2, allow_inf_nan=False)]


def read_secret_files(model: type[BaseModel], data: Mapping[str, Any]) -> dict[str, Any]:
    """Replace `NAME_file = path` by `NAME = content` for every setting NAME of `model`."""
    result = dict(data)
    for key in list(result):
        name = key.removesuffix("_file")
        if name == key or key in model.model_fields or name not in model.model_fields:
            continue
        path = Path(str(result.pop(key)))
        try:
            result[name] = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise ValueError(f"{key} = {str(path)!r}: the file cannot be read") from None
    return result


class Section(BaseModel):
    """A table of the settings: nothing unknown in it, secrets may come from files."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _secret_files(cls, data: Any) -> Any:
        return read_secret_files(cls, data) if isinstance(data, dict) else data


class MemberSettings(Section):
    """Who is scored: listed CRM users, a department, or everyone."""

    users: list[str] = []
    department: str = ""
    everyone: bool = False

    @field_validator("users", mode="before")
    @classmethod
    def _ids_are_text(cls, value: Any) -> Any:
        return [str(user) for user in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> MemberSettings:
        if sum((bool(self.users), bool(self.department), self.everyone)) != 1:
            raise ValueError(
                'a team needs members: { users = ["7", "12"] }, { department = "5" } or { everyone = true }'
            )
        if len(set(self.users)) != len(self.users):
            raise ValueError("a user is listed twice")
        return self


class KpiTable(Section):
    """`[teams.….kpis]`: how the team counts."""

    min_call_seconds: int = Field(default=30, ge=0)
    observe: list[str] | Literal["all"] = list(DEFAULT_OBSERVE)
    excluded_pipelines: list[str] = []
    stale_days: int = Field(default=14, ge=1, le=365)
    comment_grace_hours: int = Field(default=24, ge=0)

    @field_validator("excluded_pipelines", mode="before")
    @classmethod
    def _ids_are_text(cls, value: Any) -> Any:
        return [str(pipeline) for pipeline in value] if isinstance(value, list) else value

    @field_validator("observe")
    @classmethod
    def _known(cls, value: list[str] | str) -> list[str] | str:
        for key in value if isinstance(value, list) else ():
            _known_kpi(key)
        return value

    def settings(self) -> KpiSettings:
        """As the core wants them."""
        return KpiSettings(
            min_call_seconds=self.min_call_seconds,
            observe=tuple(CATALOGUE) if self.observe == "all" else tuple(self.observe),
            excluded_pipelines=frozenset(self.excluded_pipelines),
            stale_days=self.stale_days,
            comment_grace_hours=self.comment_grace_hours,
        )


def _known_kpi(key: str) -> str:
    if key not in CATALOGUE:
        raise ValueError(f"unknown KPI {key!r}; allowed: {', '.join(CATALOGUE)}")
    return key


class RuleSettings(Section):
    """`[[teams.….rules]]`: one rule."""

    id: str = ""
    kpi: str
    at_least: Amount | None = None
    at_most: Amount | None = None
    reward: int = Field(default=1, ge=0, le=1000)
    penalty: int = Field(default=2, ge=0, le=1000)
    per_deals: int | None = Field(default=None, ge=1)
    currency: str = ""
    observe: bool = False
    """In observation: shown, not scored."""

    @field_validator("kpi")
    @classmethod
    def _known(cls, value: str) -> str:
        return _known_kpi(value)

    @model_validator(mode="after")
    def _one_bound(self) -> RuleSettings:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"rule on {self.kpi}: exactly one bound is needed, at_least or at_most")
        if min(bound for bound in (self.at_least, self.at_most) if bound is not None) < 0:
            raise ValueError(f"rule on {self.kpi}: a bound is 0 or more")
        if self.per_deals is not None and self.at_most is None:
            raise ValueError(f"rule on {self.kpi}: per_deals goes with at_most")
        if self.currency and CATALOGUE[self.kpi].unit is not Unit.MONEY:
            raise ValueError(f"rule on {self.kpi}: currency belongs to a money KPI")
        if self.id and not _IDENTIFIER.match(self.id):
            raise ValueError(f"rule id {self.id!r}: at most 40 of A-Z, a-z, 0-9, _ . -")
        self.id = self.id or self.kpi
        return self

    def rule(self, team_currency: str) -> Rule:
        """As the core wants it; a money rule compares the team's currency unless it names its own."""
        bound, limit = (Bound.AT_LEAST, self.at_least) if self.at_least is not None else (Bound.AT_MOST, self.at_most)
        money = CATALOGUE[self.kpi].unit is Unit.MONEY
        return Rule(
            id=self.id,
            kpi=self.kpi,
            bound=bound,
            limit=Decimal(limit or 0).normalize() + 0,
            reward=self.reward,
            penalty=self.penalty,
            per_deals=self.per_deals,
            currency=(self.currency or team_currency) if money else None,
            observed_only=self.observe,
        )


DEFAULT_RULES = [
    RuleSettings(kpi="companies_added", at_least=Decimal(1)),
    RuleSettings(kpi="meetings_held", at_least=Decimal(1)),
    RuleSettings(kpi="calls_held", at_least=Decimal(10)),
    RuleSettings(kpi="overdue_tasks", at_most=Decimal(0)),
    RuleSettings(kpi="deals_without_task", at_most=Decimal(0)),
]
"""The shipped default (docs/product.md §4)."""


class MoneySettings(Section):
    """`[teams.….money]`: the course of a point."""

    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    base: Amount = Decimal(0)
    per_point: Amount = Field(default=Decimal(100), ge=0)
    per_penalty_point: Amount = Field(default=Decimal(100), ge=0)
    floor: Amount = Decimal(0)
    cap: Amount | None = None

    @model_validator(mode="after")
    def _floor_below_cap(self) -> MoneySettings:
        if self.cap is not None and self.cap < self.floor:
            raise ValueError(f"cap = {self.cap} is below floor = {self.floor}")
        return self

    def terms(self) -> MoneyTerms:
        """As the core wants them."""
        return MoneyTerms(self.currency, self.base, self.per_point, self.per_penalty_point, self.floor, self.cap)


class TeamSettings(Section):
    """One team."""

    title: str = ""
    crm: str
    members: MemberSettings
    timezone: str = "Europe/Moscow"
    cutoff: WallTime = time(18)
    weekdays: list[Weekday] = ["mon", "tue", "wed", "thu", "fri"]
    holidays: str = "RU"
    days_off: list[Day] = []
    extra_workdays: list[Day] = []
    short_days: dict[Day, WallTime] = {}
    aliases: dict[str, str] = {}
    window: WindowKind = WindowKind.CUTOFF_TO_CUTOFF
    reminder_minutes: int = Field(default=30, ge=0, le=600)
    late_tolerance_minutes: int = Field(default=15, ge=0, le=600)
    retry_minutes: int = Field(default=120, ge=1, le=1440)
    heads: list[int] = []
    hr: list[int] = []
    chat_id: int | None = None
    thread_id: int | None = None
    board: Literal["top3", "full", "off"] = "top3"
    kpis: KpiTable = KpiTable()
    rules: list[RuleSettings] = DEFAULT_RULES
    money: MoneySettings | None = None

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("unknown time zone; use an IANA name such as Europe/Moscow")
        return value

    @field_validator("holidays")
    @classmethod
    def _known_country(cls, value: str) -> str:
        official_days(value)
        return value

    @field_validator("weekdays")
    @classmethod
    def _some_weekday(cls, value: list[str]) -> list[str]:
        if not value:
            raise ValueError(f"at least one of {', '.join(WEEKDAYS)}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> TeamSettings:
        both = set(self.days_off) & set(self.extra_workdays)
        if both:
            raise ValueError(f"{min(both)} is in days_off and in extra_workdays; it can be only one")
        ids = [rule.id for rule in self.rules]
        twice = next((name for name in ids if ids.count(name) > 1), None)
        if twice:
            raise ValueError(f"rules: two rules have the id {twice!r}; give each an id of its own")
        circular = set(self.aliases) & set(self.aliases.values())
        if circular:
            raise ValueError(f"aliases: {min(circular)} stands on both sides")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The team's IANA zone."""
        return ZoneInfo(self.timezone)

    @property
    def currency(self) -> str:
        """The team's currency."""
        return self.money.currency if self.money else "RUB"

    def rulebook(self) -> Rulebook:
        """The rules as the core wants them."""
        return Rulebook(tuple(rule.rule(self.currency) for rule in self.rules), self.kpis.settings(), self.window)

    def calendar(self) -> WorkCalendar:
        """The working days as the core wants them."""
        return WorkCalendar(
            zone=self.zone,
            cutoff=self.cutoff,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            days_off=frozenset(self.days_off),
            extra_workdays=frozenset(self.extra_workdays),
            short_days=dict(self.short_days),
            official=official_days(self.holidays),
        )
