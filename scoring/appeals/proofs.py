"""Judge a disputed record by what the CRM tells of the cutoff: in order, not in order, or not told.

Nothing is guessed: a record changed since the cutoff in a field without history is not told (docs/product.md §13).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from scoring.kpi import Kpi, Scope, Subject
from scoring.kpis import CATALOGUE
from scoring.records import Change, Comment, Deal, DealState, Owned, RecordKind, Task

_WHOSE = frozenset({Change.OWNER, Change.COMPLETION})
"""Changes that leave the record as counted, and decide whose record, or whether done."""


class Verdict(StrEnum):
    """Name how a disputed record stood at the cutoff, by the CRM's own times."""

    IN_ORDER = "in_order"
    NOT_IN_ORDER = "not_in_order"
    NOT_TOLD = "not_told"
    """The CRM keeps no history that would tell."""


class ProofReason(StrEnum):
    """Name why a record was in order at the cutoff."""

    DONE = "done"
    DEADLINE = "deadline"
    """The deadline had been moved to a later day."""
    TASK = "task"
    """A task was bound to the deal."""
    COMMENT = "comment"
    FILLED = "filled"
    STAGE = "stage"
    """The deal had come to another stage."""
    CLOSED = "closed"
    OWNER = "owner"
    """Another user was responsible."""
    DELETED = "deleted"
    MERGED = "merged"
    UNCOUNTED = "uncounted"
    """By the record as it reads now, the KPI does not count it."""


@dataclass(frozen=True, slots=True)
class Disputed:
    """Name a record that broke a rule, for a re-check."""

    kpi: str
    kind: str
    """deal, task, company, meeting or call, as in the evidence."""
    id: str
    users: frozenset[str]
    """CRM users whose records count for the manager."""

    @property
    def key(self) -> str:
        """Return `kind:id`, as the evidence does."""
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class Recalled:
    """Hold what a CRM tells today about a disputed record as at the cutoff."""

    record: Owned | None = None
    """The record as at the cutoff; `changed` names what is uncertain. None: the CRM does not show the record."""
    changed_at: datetime | None = None
    """Last change of the record, as far as told."""
    exempting: Sequence[Task | Comment] = ()
    """Tasks and comments of the deal, where the KPI exempts a deal with such."""
    gone: ProofReason | None = None
    """DELETED or MERGED, where the CRM tells when."""
    gone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proof:
    """State how a disputed record stood at the cutoff."""

    key: str
    """Evidence key, `kind:id`."""
    verdict: Verdict
    reason: ProofReason | None = None
    """Given for a record in order."""
    at: datetime | None = None
    """Instant by which the record was in order, where told."""
    field: str = ""
    """The CRM's field that tells."""


def prove(item: Disputed, told: Recalled, scope: Scope) -> Proof:
    """Judge a disputed record."""
    cutoff = scope.window.cutoff
    if told.record is None:
        if told.gone is not None and told.gone_at is not None and told.gone_at < cutoff:
            return Proof(item.key, Verdict.IN_ORDER, told.gone, told.gone_at)
        return Proof(item.key, Verdict.NOT_TOLD)
    kpi = CATALOGUE[item.kpi]
    for reason, at in _reasons(kpi, item, told, told.record, scope):
        return Proof(item.key, Verdict.IN_ORDER, reason, at)
    is_doubtful = bool(told.record.changed & (kpi.doubted_by | _WHOSE)) or any(
        _exempts(kpi, item, each, scope) is None for each in told.exempting
    )
    return Proof(item.key, Verdict.NOT_TOLD if is_doubtful else Verdict.NOT_IN_ORDER)


def _reasons(
    kpi: Kpi[Any], item: Disputed, told: Recalled, record: Owned, scope: Scope
) -> Iterator[tuple[ProofReason, datetime | None]]:
    """Yield why a record was in order at the cutoff."""
    changed = record.changed
    if isinstance(record, Task) and Change.COMPLETION not in changed and _is_before(record.done_at, scope):
        yield ProofReason.DONE, record.done_at
    if isinstance(record, Deal) and Change.STAGE not in changed and not _has_state(kpi, record, scope):
        yield (ProofReason.CLOSED if kpi.counts is Subject.OPEN_DEALS else ProofReason.STAGE), record.closed_at
    for each in told.exempting:
        if _exempts(kpi, item, each, scope):
            yield _why_uncounted(kpi), each.created_at
    if not changed & (kpi.doubted_by - _WHOSE) and kpi.is_counted(record, scope) is False:
        yield _why_uncounted(kpi), told.changed_at
    if Change.OWNER not in changed and record.manager not in item.users:
        yield ProofReason.OWNER, told.changed_at


def _is_before(at: datetime | None, scope: Scope) -> bool:
    return at is not None and at < scope.window.cutoff


def _has_state(kpi: Kpi[Any], deal: Deal, scope: Scope) -> bool:
    """Tell whether a deal had at the cutoff the state that the KPI counts."""
    is_closed = deal.state is not DealState.OPEN and _is_before(deal.closed_at, scope)
    if kpi.counts is Subject.OPEN_DEALS:
        return not is_closed
    was_lost = kpi.counts is Subject.LOST_DEALS and _is_before(deal.lost_at, scope)
    return was_lost or (is_closed and deal.state is kpi.counts.state)


def _exempts(kpi: Kpi[Any], item: Disputed, record: Task | Comment, scope: Scope) -> bool | None:
    """Tell whether a task or comment exempts the disputed deal; None: the CRM does not tell for the cutoff."""
    exemption = kpi.exempted_by
    if exemption is None or not isinstance(record, exemption.by) or item.id not in exemption.deals(record, scope):
        return False
    if record.created_at is not None and not _is_before(record.created_at, scope):
        return False
    if isinstance(record, Comment):
        return True
    if _is_before(record.done_at, scope) and Change.COMPLETION not in record.changed:
        return False
    return None if record.changed & exemption.doubted_by else True


def _why_uncounted(kpi: Kpi[Any]) -> ProofReason:
    """Name why a record does not count, by the changes that would make the KPI doubtful."""
    if kpi.exempted_by is not None:
        return ProofReason.TASK if kpi.exempted_by.by is Task else ProofReason.COMMENT
    by_change = {
        Change.DEADLINE: ProofReason.DEADLINE,
        Change.FIELD: ProofReason.FILLED,
        Change.LOSS_REASON: ProofReason.FILLED,
    }
    named = (reason for change, reason in by_change.items() if change in kpi.doubted_by)
    return next(named, ProofReason.STAGE if kpi.counts.record is RecordKind.DEALS else ProofReason.UNCOUNTED)
