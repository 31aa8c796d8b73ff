"""Read the course of a point: `[teams.T.money]`."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator, model_validator

from reglament.config.section import Section
from reports.currency import decimals_of, to_minor_unit
from scoring.payout import MoneyTerms

Sum = Annotated[Decimal, Field(max_digits=16, decimal_places=4, allow_inf_nan=False)]
"""Sum in a currency; no currency has more than four decimals."""


class MoneySettings(Section):
    """Read `[teams.T.money]`: base, course, floor and cap of the bonus (docs/product.md §7)."""

    currency: str = Field(default="RUB", pattern=r"^[A-Z]{3}$")
    base: Sum = Decimal(0)
    per_point: Sum = Field(default=Decimal(100), ge=0)
    per_penalty_point: Sum = Field(default=Decimal(100), ge=0)
    floor: Sum = Decimal(0)
    cap: Sum | None = None

    @field_validator("base", "per_point", "per_penalty_point", "floor", "cap")
    @classmethod
    def _in_minor_units(cls, value: Decimal | None, info: ValidationInfo) -> Decimal | None:
        """Refuse parts of the minor unit: nobody can be paid them, and no message could show them."""
        currency = info.data.get("currency", "RUB")
        if value is not None and value != to_minor_unit(value, currency):
            raise ValueError(f"{currency} has no more than {decimals_of(currency)} decimal places")
        return value

    @model_validator(mode="after")
    def _floor_below_cap(self) -> MoneySettings:
        if self.cap is not None and self.cap < self.floor:
            raise ValueError(f"cap = {self.cap} is below floor = {self.floor}")
        return self

    def terms(self) -> MoneyTerms:
        """Convert the table to the terms that payouts are computed by."""
        return MoneyTerms(self.currency, self.base, self.per_point, self.per_penalty_point, self.floor, self.cap)
