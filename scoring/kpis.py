"""The catalogue of KPIs: what can be counted and what must be read for it (docs/product.md §3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from scoring.records import RecordKind


class KpiKind(StrEnum):
    """Whether a KPI counts what happened in the window or what is so at the cutoff."""

    EVENT = "event"
    STATE = "state"


class Unit(StrEnum):
    """What a KPI's value is."""

    COUNT = "count"
    MINUTES = "minutes"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class Kpi:
    """One entry of the catalogue."""

    key: str
    kind: KpiKind
    needs: frozenset[RecordKind]
    unit: Unit = Unit.COUNT


class Capability(StrEnum):
    """How well a CRM can state a KPI (docs/crm/README.md)."""

    REBUILDABLE = "rebuildable"
    """Also for a past instant: a snapshot read late is as good as one read in time."""
    PRESENT = "present"
    """Only as of the reading."""
    UNAVAILABLE = "unavailable"
    """Never: the KPI is not available in this CRM, or the connection lacks a setting for it."""


_DEALS, _TASKS, _COMMENTS = RecordKind.DEALS, RecordKind.TASKS, RecordKind.COMMENTS


def _event(key: str, kind: RecordKind, unit: Unit = Unit.COUNT) -> Kpi:
    return Kpi(key, KpiKind.EVENT, frozenset({kind}), unit)


def _state(key: str, *kinds: RecordKind) -> Kpi:
    return Kpi(key, KpiKind.STATE, frozenset(kinds))


CATALOGUE: MappingProxyType[str, Kpi] = MappingProxyType(
    {
        kpi.key: kpi
        for kpi in (
            _event("companies_added", RecordKind.COMPANIES),
            _event("meetings_held", RecordKind.MEETINGS),
            _event("calls_held", RecordKind.CALLS),
            _event("talk_minutes", RecordKind.CALLS, Unit.MINUTES),
            _event("missed_calls", RecordKind.CALLS),
            _event("deals_won", _DEALS),
            _event("won_amount", _DEALS, Unit.MONEY),
            _event("deals_lost", _DEALS),
            _event("lost_without_reason", _DEALS),
            _state("deals_open", _DEALS),
            _state("overdue_tasks", _TASKS),
            _state("deals_without_task", _DEALS, _TASKS),
            _state("deals_without_comment", _DEALS, _COMMENTS),
            _state("deals_missing_fields", _DEALS),
            _state("stale_deals", _DEALS),
        )
    }
)

DEFAULT_OBSERVE = (
    "companies_added",
    "meetings_held",
    "calls_held",
    "deals_won",
    "won_amount",
    "deals_lost",
    "deals_open",
    "overdue_tasks",
    "deals_without_task",
)
"""The nine of the idea, shown also where no rule scores them."""


@dataclass(frozen=True, slots=True)
class KpiSettings:
    """How a team counts; part of its rulebook."""

    min_call_seconds: int = 30
    observe: tuple[str, ...] = DEFAULT_OBSERVE
    excluded_pipelines: frozenset[str] = frozenset()
    stale_days: int = 14
    comment_grace_hours: int = 24


def record_kinds(kpis: Iterable[str]) -> frozenset[RecordKind]:
    """What must be read to count `kpis`."""
    return frozenset().union(*(CATALOGUE[key].needs for key in kpis))
