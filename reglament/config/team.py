"""Read a team: `[teams.T]` with members, calendar, rules and money."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, PrivateAttr, field_validator, model_validator

from reglament.config.changing_calendar import schedule_of, with_earlier
from reglament.config.money import MoneySettings
from reglament.config.official_days import official_days
from reglament.config.people import WEEKDAYS, LaunchSettings, PersonSettings, Weekday
from reglament.config.rules import DEFAULT_RULES, KpiTable, RuleSettings
from reglament.config.section import CrmIds, Date, Hours, PersonId, Section, TelegramId, TimeOfDay, Title
from scoring.rules import CrmCounting, Rulebook, Schedule
from scoring.workdays import WindowKind, WorkCalendar


class MemberSettings(Section):
    """Select the scored members: listed CRM users, a department, or everyone."""

    users: CrmIds = []
    department: str = ""
    everyone: bool = False

    @model_validator(mode="after")
    def _exactly_one(self) -> MemberSettings:
        if sum((bool(self.users), bool(self.department), self.everyone)) != 1:
            raise ValueError(
                'a team needs members: { users = ["7", "12"] }, { department = "5" } or { everyone = true }'
            )
        if len(set(self.users)) != len(self.users):
            raise ValueError("a user is listed twice")
        return self


class TeamSettings(Section):
    """Hold the settings of a team."""

    title: Title = ""
    crm: str
    members: MemberSettings
    timezone: str = "Europe/Moscow"
    cutoff: TimeOfDay = time(18)
    work_hours: Hours = "09:00-18:00"
    weekdays: list[Weekday] = ["mon", "tue", "wed", "thu", "fri"]
    holidays: str = "RU"
    days_off: list[Date] = []
    extra_workdays: list[Date] = []
    short_days: dict[Date, TimeOfDay] = {}
    aliases: dict[str, str] = {}
    window: WindowKind = WindowKind.CUTOFF_TO_CUTOFF
    reminder_minutes: int = Field(default=30, ge=0, le=600)
    late_tolerance_minutes: int = Field(default=15, ge=0, le=600)
    retry_minutes: int = Field(default=120, ge=1, le=1440)
    heads: list[PersonId] = []
    hr: list[PersonId] = []
    chat_id: TelegramId | None = None
    thread_id: Annotated[int, Field(gt=0, lt=2**31)] | None = None
    board: Literal["top", "full", "off"] = "top"
    pin: bool = False
    """Keep a pinned message with the latest standings in the group."""
    pictures: Literal["light", "dark"] = "light"
    people: dict[str, PersonSettings] = {}
    """Terms of people by CRM user id."""
    adjust_limit: int = Field(default=10, ge=0, le=1000)
    """Points by hand that a head may move for a person in a calendar month."""
    probation_days: int = Field(default=0, ge=0, le=366)
    launch: LaunchSettings = LaunchSettings()
    kpis: KpiTable = KpiTable()
    rules: list[RuleSettings] = DEFAULT_RULES
    money: MoneySettings | None = None
    _loaded: Sequence[tuple[datetime, Schedule]] = PrivateAttr(default=())
    """Schedules in the order of loading, the present one last."""

    @field_validator("board", mode="before")
    @classmethod
    def _present_name(cls, value: object) -> object:
        """Read `top3`, the name that 0.1.0 gave to `top`."""
        return "top" if value == "top3" else value

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
        alias = next((user for user in self.people if user in self.aliases), None)
        if alias is not None:
            raise ValueError(f"people: {alias} is credited to {self.aliases[alias]} (aliases): name that user instead")
        circular = set(self.aliases) & set(self.aliases.values())
        if circular:
            raise ValueError(f"aliases: {min(circular)} stands on both sides")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """Return the team's IANA zone."""
        return ZoneInfo(self.timezone)

    @property
    def currency(self) -> str:
        """Return the team's currency."""
        return self.money.currency if self.money else "RUB"

    def rulebook(self, crm: CrmCounting | None = None) -> Rulebook:
        """Convert rules, KPI settings, window and aliases to a rulebook, with the settings of the connection."""
        return Rulebook(
            rules=tuple(rule.rule(self.currency) for rule in self.rules),
            kpis=self.kpis.settings(self.work_hours),
            window=self.window,
            aliases=dict(self.aliases),
            crm=crm,
            schedule=schedule_of(self._calendar_of_settings()),
            people={user: table.employment() for user, table in self.people.items()},
            launch=self.launch.launch(),
            probation_days=self.probation_days,
        )

    @property
    def whys(self) -> dict[str, str]:
        """Return the reasons for rules that the settings give, by rule id."""
        return {rule.id: rule.why for rule in self.rules if rule.why}

    def judged_by(self, rulebook: Rulebook) -> TeamSettings:
        """Copy the settings with the aliases of a day's rulebook."""
        if rulebook.aliases is None or rulebook.aliases == self.aliases:
            return self
        return self.model_copy(update={"aliases": dict(rulebook.aliases)})

    def calendar(self) -> WorkCalendar:
        """Convert zone, cutoff and days to the team's working calendar; a change holds from the next window."""
        return with_earlier(self._calendar_of_settings(), self._loaded)

    def learn_schedules(self, stored: Sequence[tuple[datetime, Schedule]], now: datetime) -> None:
        """Take over the schedules that were loaded before; those of the settings count as loaded at `now`."""
        self._loaded = [*stored, (now, schedule_of(self._calendar_of_settings()))]

    def _calendar_of_settings(self) -> WorkCalendar:
        return WorkCalendar(
            zone=self.zone,
            cutoff=self.cutoff,
            weekdays=frozenset(WEEKDAYS.index(day) for day in self.weekdays),
            days_off=frozenset(self.days_off),
            extra_workdays=frozenset(self.extra_workdays),
            short_days=dict(self.short_days),
            official=official_days(self.holidays),
        )
