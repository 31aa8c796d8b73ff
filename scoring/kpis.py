"""List the KPIs: an object each, the only place that says how a KPI is counted (docs/product.md §3).

A new KPI is an object here, a title in each file of `reports/locales`, a line in `docs/kpis.md`, a test, and a line in
the capabilities of each CRM's `client.py`. `tests/test_kpi_recipe.py` fails while a part is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from scoring.kpi import Exemption, Kpi, KpiKind, KpiSettings, Listed, Scope, Subject, Unit
from scoring.records import Call, Change, Comment, Company, Deal, Meeting, RecordKind, Task

__all__ = [
    "CATALOGUE",
    "DEALS_LOST",
    "DEALS_MISSING_FIELDS",
    "DEALS_OPEN",
    "DEALS_WITHOUT_COMMENT",
    "DEALS_WITHOUT_TASK",
    "DEALS_WON",
    "DEFAULT_OBSERVE",
    "LOST_WITHOUT_REASON",
    "MEETINGS_HELD",
    "MISSED_CALLS",
    "OVERDUE_TASKS",
    "STALE_DEALS",
    "WON_AMOUNT",
    "Capability",
    "Kpi",
    "KpiKind",
    "KpiSettings",
    "Unit",
    "record_kinds",
]


MEETINGS_HELD, MISSED_CALLS = "meetings_held", "missed_calls"
DEALS_WON, WON_AMOUNT = "deals_won", "won_amount"
DEALS_LOST, LOST_WITHOUT_REASON = "deals_lost", "lost_without_reason"
DEALS_OPEN = "deals_open"
OVERDUE_TASKS, DEALS_WITHOUT_TASK = "overdue_tasks", "deals_without_task"
DEALS_WITHOUT_COMMENT, DEALS_MISSING_FIELDS = "deals_without_comment", "deals_missing_fields"
STALE_DEALS = "stale_deals"
"""Keys that a rule, a screen, a document or a client must name: import the constant, never repeat the string."""


class Capability(StrEnum):
    """Tell how well a CRM can state a KPI (docs/decisions/0001-capability-per-kpi.md)."""

    REBUILDABLE = "rebuildable"
    """Also for a past instant: a snapshot read late is as good as a snapshot read in time."""
    PRESENT = "present"
    """Only as of the reading."""
    UNAVAILABLE = "unavailable"
    """Never: the CRM lacks the records, or the connection lacks a setting."""


def _always(_record: object, _scope: Scope) -> bool:
    return True


def _created(record: Company | Deal, _scope: Scope) -> datetime:
    return record.created_at


def _closed(deal: Deal, _scope: Scope) -> datetime | None:
    return deal.closed_at


def _held_at(meeting: Meeting, _scope: Scope) -> datetime | None:
    """Take the start for the completion where the CRM keeps none (docs/product.md §11)."""
    return meeting.held_at or meeting.started_at


def _was_answered(call: Call, scope: Scope) -> bool | None:
    if call.answered is None or (call.answered and call.seconds is None):
        return None
    return call.answered and (call.seconds or 0) >= scope.settings.min_call_seconds


def _was_missed(call: Call, scope: Scope) -> bool | None:
    """Count only calls within working hours of which the CRM says that nobody answered (docs/product.md §11, §19)."""
    if not call.incoming or not scope.is_working(call.ended_at):
        return False
    return None if call.answered is None else not call.answered


def _is_overdue(task: Task, scope: Scope) -> bool:
    return not task.awaits_approval and scope.is_past(task.deadline)


def _lacks_comment(deal: Deal, scope: Scope) -> bool:
    return not deal.has_comment and deal.created_at < scope.comment_before


def _is_stale(deal: Deal, scope: Scope) -> bool | None:
    if deal.created_at >= scope.stale_before:
        return False
    if deal.stage_since is None or deal.stage_since >= scope.window.cutoff:
        return None
    return deal.stage_since < scope.stale_before


def _commented(comment: Comment, scope: Scope) -> tuple[str, ...]:
    in_time = comment.created_at is None or comment.created_at < scope.window.cutoff
    return (comment.deal,) if in_time else ()


_OF_ANY = frozenset({Change.OWNER})
_OF_DEAL = frozenset({Change.OWNER, Change.STAGE})

_KPIS: tuple[Kpi[Any], ...] = (
    Kpi[Company](
        key="companies_added",
        counts=Subject.COMPANIES,
        is_counted=_always,
        since=_created,
        doubted_by=_OF_ANY,
    ),
    Kpi[Meeting](
        key=MEETINGS_HELD,
        counts=Subject.MEETINGS,
        is_counted=_always,
        since=_held_at,
        doubted_by=_OF_ANY | {Change.COMPLETION},
    ),
    Kpi[Call](
        key="calls_held",
        counts=Subject.CALLS,
        is_counted=_was_answered,
        since=lambda call, _: call.ended_at,
        doubted_by=_OF_ANY,
    ),
    Kpi[Call](
        key="talk_minutes",
        counts=Subject.CALLS,
        is_counted=_was_answered,
        since=lambda call, _: call.ended_at,
        doubted_by=_OF_ANY,
        unit=Unit.MINUTES,
        listed=Listed.NONE,
        measure=lambda call: call.seconds or 0,
    ),
    Kpi[Call](
        key=MISSED_CALLS,
        counts=Subject.CALLS,
        is_counted=_was_missed,
        since=lambda call, _: call.ended_at,
        doubted_by=_OF_ANY,
    ),
    Kpi[Deal](
        key=DEALS_WON,
        counts=Subject.WON_DEALS,
        is_counted=_always,
        since=_closed,
        doubted_by=_OF_DEAL,
    ),
    Kpi[Deal](
        key=WON_AMOUNT,
        counts=Subject.WON_DEALS,
        is_counted=_always,
        since=_closed,
        doubted_by=_OF_DEAL | {Change.AMOUNT},
        unit=Unit.MONEY,
    ),
    Kpi[Deal](
        key=DEALS_LOST,
        counts=Subject.LOST_DEALS,
        is_counted=_always,
        since=_closed,
        loss_reason=lambda deal: " ".join(deal.loss_reason.split()),
        doubted_by=_OF_DEAL,
    ),
    Kpi[Deal](
        key=LOST_WITHOUT_REASON,
        counts=Subject.LOST_DEALS,
        is_counted=lambda deal, _: not deal.loss_reason.strip(),
        since=_closed,
        doubted_by=_OF_DEAL | {Change.LOSS_REASON},
    ),
    Kpi[Deal](
        key=DEALS_OPEN,
        counts=Subject.OPEN_DEALS,
        is_counted=_always,
        since=_created,
        doubted_by=_OF_DEAL,
        listed=Listed.NAMED,
    ),
    Kpi[Task](
        key=OVERDUE_TASKS,
        is_dated_by_state=True,
        counts=Subject.TASKS,
        is_counted=_is_overdue,
        since=lambda task, scope: scope.instant(task.deadline),
        doubted_by=_OF_ANY | {Change.DEADLINE, Change.COMPLETION},
        has_deal_sum=True,
    ),
    Kpi[Deal](
        key=DEALS_WITHOUT_TASK,
        counts=Subject.OPEN_DEALS,
        is_counted=lambda deal, _: not deal.has_task,
        since=lambda deal, _: deal.stage_since,
        doubted_by=_OF_DEAL | {Change.BINDING},
        exempted_by=Exemption[Task](
            Task,
            RecordKind.TASKS,
            lambda task, _: task.deals,
            doubted_by=frozenset({Change.BINDING, Change.COMPLETION}),
        ),
    ),
    Kpi[Deal](
        key=DEALS_WITHOUT_COMMENT,
        counts=Subject.OPEN_DEALS,
        is_counted=_lacks_comment,
        since=_created,
        doubted_by=_OF_DEAL,
        exempted_by=Exemption[Comment](Comment, RecordKind.COMMENTS, _commented),
    ),
    Kpi[Deal](
        key=DEALS_MISSING_FIELDS,
        counts=Subject.OPEN_DEALS,
        is_counted=lambda deal, _: bool(deal.missing_fields),
        since=_created,
        doubted_by=_OF_DEAL | {Change.AMOUNT, Change.FIELD},
        missing_fields=lambda deal: deal.missing_fields,
    ),
    Kpi[Deal](
        key=STALE_DEALS,
        is_dated_by_state=True,
        counts=Subject.OPEN_DEALS,
        is_counted=_is_stale,
        since=lambda deal, _: deal.stage_since,
        doubted_by=_OF_DEAL,
    ),
)

CATALOGUE: Mapping[str, Kpi[Any]] = MappingProxyType({kpi.key: kpi for kpi in _KPIS})
"""All KPIs by key, in the order of showing."""

DEFAULT_OBSERVE = KpiSettings().observe
"""The nine KPIs of the idea (docs/product.md §4)."""


def record_kinds(kpis: Iterable[str]) -> frozenset[RecordKind]:
    """Return the kinds of record that must be read to count `kpis`."""
    return frozenset().union(*(CATALOGUE[key].needs for key in kpis))
