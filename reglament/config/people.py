"""Read how people work and how a team begins: `[teams.T.people."ID"]`, `[teams.T.launch]` (docs/product.md §12)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from reglament.config.problems import quoted
from reglament.config.section import Date, Section, Title
from scoring.terms.employment import Cycle, Employment
from scoring.terms.launch import CarriedOver, Launch

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
_ROLE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$")


def _role(value: str) -> str:
    if value and not _ROLE.fullmatch(value):
        raise ValueError(f"role {quoted(value)}: at most 40 of A-Z, a-z, 0-9, _ . -")
    return value


RoleProfile = Annotated[str, AfterValidator(_role)]
"""Name of a role that rules may name, such as `closer`."""


class CycleSettings(Section):
    """Read a cycle of shifts: `{ from = "2026-11-02", on = 2, off = 2 }`."""

    start: Date = Field(alias="from")
    on: int = Field(ge=1, le=60)
    off: int = Field(ge=0, le=60)


class PersonSettings(Section):
    """Read `[teams.T.people."ID"]`: the terms on which a CRM user is judged, and how documents name the person."""

    weekdays: list[Weekday] | None = None
    cycle: CycleSettings | None = None
    share: Annotated[Decimal, Field(gt=0, le=1, decimal_places=4)] = Decimal(1)
    since: Date | None = None
    role_profile: RoleProfile = ""
    personnel_number: str = Field(default="", max_length=40)
    full_name: Title = ""

    @model_validator(mode="after")
    def _one_schedule(self) -> PersonSettings:
        if self.weekdays is not None and self.cycle is not None:
            raise ValueError("weekdays and cycle: write only one of both")
        if self.weekdays == []:
            raise ValueError(f"weekdays: at least one of {', '.join(WEEKDAYS)}")
        return self

    def employment(self) -> Employment:
        """Convert the table to the terms of a rulebook."""
        cycle, days = self.cycle, self.weekdays
        return Employment(
            weekdays=None if days is None else tuple(sorted({WEEKDAYS.index(day) for day in days})),
            cycle=None if cycle is None else Cycle(cycle.start, cycle.on, cycle.off),
            share=self.share,
            since=self.since,
            role=self.role_profile,
        )


class LaunchSettings(Section):
    """Read `[teams.T.launch]`: observation, ignored backlog, debt judged daily or once."""

    observe_until: Date | None = None
    ignore_before: Date | None = None
    carried_over: CarriedOver = CarriedOver.DAILY

    def launch(self) -> Launch:
        """Convert the table to the terms of a rulebook."""
        return Launch(self.observe_until, self.ignore_before, self.carried_over)
