"""Recheck disputed records: look each up by id, and read the window again where the history of deals is needed.

What a record is judged by, `scoring.appeals.proofs` says; a CRM's folder only looks records up (`recheck.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Protocol

from crm_clients.base import ReadRequest
from crm_clients.errors import CrmUnavailable
from scoring.appeals.proofs import Disputed, Proof, ProofReason, Recalled, Verdict, prove
from scoring.kpi import Scope
from scoring.kpis import CATALOGUE
from scoring.records import Call, Comment, Company, Deal, Fact, Failed, Meeting, RecordKind, Task

Read = Callable[[ReadRequest], AsyncIterator[Fact]]
Recall = Mapping[str, Recalled]
"""Records as at the cutoff, by id; a record that the CRM does not show may be missing."""


class LooksUpRecords(Protocol):
    """Look records up by id, each as at the cutoff as far as its own row and history tell. Raises CrmError."""

    async def tasks(self, ids: AbstractSet[str]) -> Recall:
        """Look tasks up."""

    async def deals(self, ids: AbstractSet[str]) -> Recall:
        """Look deals up, for owner and state."""

    async def tasks_of(self, deals: AbstractSet[str]) -> Sequence[Task]:
        """List the tasks bound to deals, tasks done before the cutoff left out where the CRM tells."""


async def recheck(
    lookup: LooksUpRecords, read: Read, items: Sequence[Disputed], scope: Scope, fields: Mapping[ProofReason, str]
) -> list[Proof]:
    """Prove how each record stood at the cutoff; `fields` names the CRM's field behind each reason. Raises CrmError."""
    told: dict[tuple[str, str], Recalled] = {}
    by_kpi: dict[str, list[Disputed]] = defaultdict(list)
    for item in items:
        by_kpi[item.kpi].append(item)
    for kpi, disputed in by_kpi.items():
        recalled = await _recall(lookup, read, kpi, disputed, scope)
        told |= {(kpi, key): each for key, each in recalled.items()}
    proofs = [prove(item, told.get((item.kpi, item.id), Recalled()), scope) for item in items]
    return [_named(proof, fields) for proof in proofs]


def _named(proof: Proof, fields: Mapping[ProofReason, str]) -> Proof:
    if proof.verdict is not Verdict.IN_ORDER or proof.reason is None:
        return proof
    return replace(proof, field=fields.get(proof.reason, ""))


async def _recall(
    lookup: LooksUpRecords, read: Read, key: str, items: Sequence[Disputed], scope: Scope
) -> Mapping[str, Recalled]:
    kpi, ids = CATALOGUE[key], {item.id for item in items}
    if kpi.counts.record is RecordKind.TASKS:
        return await lookup.tasks(ids)
    if kpi.counts.record is not RecordKind.DEALS:
        return (await _read_again(read, key, items, scope)).records
    shown = await lookup.deals(ids)
    if kpi.exempted_by is not None and kpi.exempted_by.by is Task:
        tasks = await lookup.tasks_of(ids)
        return {deal: replace(each, exempting=[t for t in tasks if deal in t.deals]) for deal, each in shown.items()}
    again = await _read_again(read, key, items, scope)
    joined = {deal: replace(again.records.get(deal, each), changed_at=each.changed_at) for deal, each in shown.items()}
    return {deal: replace(each, exempting=again.comments[deal]) for deal, each in joined.items()}


@dataclass(slots=True)
class _Again:
    """Hold the disputed records of a late read, with the comments of deals."""

    records: dict[str, Recalled] = field(default_factory=dict)
    comments: dict[str, list[Comment]] = field(default_factory=lambda: defaultdict(list))


async def _read_again(read: Read, key: str, items: Sequence[Disputed], scope: Scope) -> _Again:
    """Read the window once more, as a late cutoff would. Raises CrmError, also for a kind that is not whole."""
    keys, deals = {item.key for item in items}, {item.id for item in items}
    users = frozenset[str]().union(*(item.users for item in items))
    found = _Again()
    async for fact in read(ReadRequest(scope.window, frozenset({key}), users, scope.stale_calendar_days)):
        match fact:
            case Failed():
                raise CrmUnavailable(fact.reason)
            case Comment() if fact.deal in deals:
                found.comments[fact.deal].append(fact)
            case Deal() | Company() | Meeting() | Call() if f"{type(fact).__name__.lower()}:{fact.id}" in keys:
                found.records.setdefault(fact.id, Recalled(fact))
            case _:
                pass
    return found
