"""Read the course of a point: `[teams.T.money]`."""

from __future__ import annotations

from decimal import Decimal

from pydantic import Field, model_validator

from reglament.config.section import Amount, Section
from scoring.payout import MoneyTerms


class MoneySettings(Section):
    """Read `[teams.T.money]`: base, course, floor and cap of the bonus (docs/product.md §7)."""

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
        """Convert the table to the terms that payouts are computed by."""
        return MoneyTerms(self.currency, self.base, self.per_point, self.per_penalty_point, self.floor, self.cap)
