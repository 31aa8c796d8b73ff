"""Hold the CRM's own names of what the settings name by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CrmNames:
    """Hold names as people read them in the CRM; an id without a name is shown as the settings spell it."""

    pipelines: Mapping[str, str] = field(default_factory=dict)
    stages: Mapping[str, str] = field(default_factory=dict)
    """By `PIPELINE/STAGE`, as in `required_fields`."""
    fields: Mapping[str, str] = field(default_factory=dict)
    """Of deals, by each spelling that the settings may use."""
    meeting_types: Mapping[str, str] = field(default_factory=dict)
