"""The catalogue of KPIs: what can be counted and what must be read for it (docs/product.md §3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType

from scoring.records import Change, DealState, RecordKind


class KpiKind(StrEnum):
    """Whether a KPI counts what happened in the window or what is so at the cutoff."""

    EVENT = "event"
    STATE = "state"


class Unit(StrEnum):
    """What a KPI's value is."""

    COUNT = "count"
    MINUTES = "minutes"
    MONEY = "money"


class Subject(Enum):
    """Name the records that a KPI counts, by kind and, for deals, by the state at the cutoff."""

    COMPANIES = (RecordKind.COMPANIES, None)
    MEETINGS = (RecordKind.MEETINGS, None)
    CALLS = (RecordKind.CALLS, None)
    WON_DEALS = (RecordKind.DEALS, DealState.WON)
    LOST_DEALS = (RecordKind.DEALS, DealState.LOST)
    OPEN_DEALS = (RecordKind.DEALS, DealState.OPEN)
    TASKS = (RecordKind.TASKS, None)

    def __init__(self, kind: RecordKind, state: DealState | None) -> None:
        self.kind = kind
        self.state = state


@dataclass(frozen=True, slots=True)
class Kpi:
    """One entry of the catalogue."""

    key: str
    kind: KpiKind
    counts: Subject
    doubted_by: frozenset[Change]
    """Changes of a record after the cutoff that make the value at the cutoff uncertain."""
    needs: frozenset[RecordKind]
    unit: Unit = Unit.COUNT

    def is_doubted(self, change: Change, kind: RecordKind, state: DealState | None) -> bool:
        """Tell whether a change of such a record matters: also where the state of the deal itself is uncertain."""
        is_counted = self.counts.kind is kind and (state in (None, self.counts.state) or change is Change.STAGE)
        return is_counted and change in self.doubted_by


class Capability(StrEnum):
    """How well a CRM can state a KPI (docs/crm/README.md)."""

    REBUILDABLE = "rebuildable"
    """Also for a past instant: a snapshot read late is as good as one read in time."""
    PRESENT = "present"
    """Only as of the reading."""
    UNAVAILABLE = "unavailable"
    """Never: the KPI is not available in this CRM, or the connection lacks a setting for it."""


_OWNER, _STAGE = Change.OWNER, Change.STAGE


def _event(key: str, counts: Subject, *doubted_by: Change, unit: Unit = Unit.COUNT) -> Kpi:
    return Kpi(key, KpiKind.EVENT, counts, frozenset(doubted_by), frozenset({counts.kind}), unit)


def _state(key: str, counts: Subject, *doubted_by: Change, with_kind: RecordKind | None = None) -> Kpi:
    needs = frozenset({counts.kind, with_kind or counts.kind})
    return Kpi(key, KpiKind.STATE, counts, frozenset(doubted_by), needs)


CATALOGUE: MappingProxyType[str, Kpi] = MappingProxyType(
    {
        kpi.key: kpi
        for kpi in (
            _event("companies_added", Subject.COMPANIES, _OWNER),
            _event("meetings_held", Subject.MEETINGS, _OWNER, Change.COMPLETION),
            _event("calls_held", Subject.CALLS, _OWNER),
            _event("talk_minutes", Subject.CALLS, _OWNER, unit=Unit.MINUTES),
            _event("missed_calls", Subject.CALLS, _OWNER),
            _event("deals_won", Subject.WON_DEALS, _OWNER, _STAGE),
            _event("won_amount", Subject.WON_DEALS, _OWNER, _STAGE, Change.AMOUNT, unit=Unit.MONEY),
            _event("deals_lost", Subject.LOST_DEALS, _OWNER, _STAGE),
            _event("lost_without_reason", Subject.LOST_DEALS, _OWNER, _STAGE, Change.LOSS_REASON),
            _state("deals_open", Subject.OPEN_DEALS, _OWNER, _STAGE),
            _state("overdue_tasks", Subject.TASKS, _OWNER, Change.DEADLINE, Change.COMPLETION),
            _state(
                "deals_without_task",
                Subject.OPEN_DEALS,
                _OWNER,
                _STAGE,
                Change.BINDING,
                with_kind=RecordKind.TASKS,
            ),
            _state("deals_without_comment", Subject.OPEN_DEALS, _OWNER, _STAGE, with_kind=RecordKind.COMMENTS),
            _state("deals_missing_fields", Subject.OPEN_DEALS, _OWNER, _STAGE, Change.AMOUNT, Change.FIELD),
            _state("stale_deals", Subject.OPEN_DEALS, _OWNER, _STAGE),
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
