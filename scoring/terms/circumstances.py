"""Describe what decides a day besides readings and rules: half days, first days, probation (docs/product.md §12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

import msgspec

EvidenceKeys = Mapping[str, frozenset[str]]
"""Evidence keys by KPI, from the manager's last snapshot in the team in which the KPI was read."""


class Half(StrEnum):
    """Name the halves of a day."""

    AM = "am"
    PM = "pm"


class Excuse(StrEnum):
    """Name the reasons for which a rule, or a whole day, is excused."""

    ABSENT = "absent"
    OFF = "off"
    """The schedule has the person not at work."""
    NOT_BEGUN = "not_begun"
    """The first scored day is still to come."""
    HALF_DAY = "half_day"
    """Absent at the cutoff: rules of states (`at_most`) are not judged."""
    SMALL_PART = "small_part"
    """Of the bound so little is asked for that nothing is left, and the full bound is not met."""
    CARRIED_OVER = "carried_over"
    """Only records that broke the rule before stand against the rule (`carried_over = "once"`)."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Hold what decides a manager's day besides readings and rulebook; stored with the snapshot."""

    half: Half | None = None
    """Half of the day in which the manager was absent."""
    begun: bool = True
    """Whether the manager's first scored day has come."""
    newcomer: bool = False
    """On probation: a broken rule takes nothing."""
    appeared: EvidenceKeys = field(default_factory=dict)
    """On the first day back: records of states that appeared during the absence, by KPI."""
    used: EvidenceKeys = field(default_factory=dict)
    """Records that broke a rule before and do not break the rule again, by rule id."""

    def to_json(self) -> dict[str, Any] | None:
        """Write what differs from an ordinary day as plain data; None for an ordinary day."""
        data: dict[str, Any] = {}
        for name in ("appeared", "used"):
            if found := {about: sorted(keys) for about, keys in getattr(self, name).items() if keys}:
                data[name] = found
        if self.half is not None:
            data["half"] = self.half.value
        if not self.begun:
            data["begun"] = False
        if self.newcomer:
            data["newcomer"] = True
        return data or None

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read what `to_json` wrote. Raises ValueError for data of another form."""
        try:
            return cls() if data is None else msgspec.convert(data, cls)
        except msgspec.ValidationError as error:
            raise ValueError(f"circumstances of the stored snapshot: {error}") from error


NONE = Circumstances()
"""An ordinary day."""
