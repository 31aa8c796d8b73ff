"""Describe the settings of the made-up company."""

from __future__ import annotations

from datetime import date, time
from typing import Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator

from crm_clients.base import CrmConfig


class DemoConfig(CrmConfig):
    """Check a `[crm.…]` table of kind `demo`."""

    kind: Literal["demo"] = "demo"
    seed: int = 7
    """Another seed is another company; the same seed is the same company forever."""
    managers: int = Field(default=7, ge=1, le=500)
    timezone: str = "Europe/Moscow"
    """The time zone of the office."""
    fail_on: dict[date, time] = {}
    """Days on which the CRM is down, from midnight until the given local time."""
    away_on: dict[str, list[date]] = {}
    """Days on which a manager (by CRM user) does nothing."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("unknown time zone; use an IANA name such as Europe/Moscow")
        return value
