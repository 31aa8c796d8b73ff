"""Look up disputed records of an amoCRM account: rows by id, rolled back to the cutoff by the events since then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.history.changes import (
    LEAD_EVENTS,
    TASK_DELETED,
    TASK_DONE,
    TASK_EVENTS,
    ChangesSinceCutoff,
    entity_of,
    is_completion,
)
from crm_clients.amocrm.history.task_history import EVENT_IDS
from crm_clients.amocrm.rows import LeadRow, TaskRow
from crm_clients.amocrm.session import ReadSession, of_entities
from crm_clients.amocrm.stages import deal_state
from crm_clients.amocrm.wire import WireEvent
from crm_clients.shared.concurrency import in_parts
from scoring.appeals.proofs import ProofReason, Recalled
from scoring.records import Change, Deal, DealState, Task

FIELDS: Mapping[ProofReason, str] = {
    ProofReason.DONE: "task_completed",
    ProofReason.DEADLINE: "complete_till",
    ProofReason.TASK: "created_at",
    ProofReason.COMMENT: "created_at",
    ProofReason.CLOSED: "closed_at",
    ProofReason.STAGE: "lead_status_changed",
    ProofReason.FILLED: "updated_at",
    ProofReason.OWNER: "entity_responsible_changed",
    ProofReason.DELETED: "task_deleted / lead_deleted",
}
"""Field or event of the account that tells, by reason."""
LEAD_DELETED = "lead_deleted"
T = TypeVar("T")


class RecordLookup:
    """Look records up by id; what the events tell of the time since the cutoff is taken back."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._changes = ChangesSinceCutoff(session.cutoff)
        self._done_before: dict[int, int] = {}
        """Second of the last completion before the cutoff, by task."""

    async def tasks(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look tasks up."""
        rows = await self._rows("tasks", "id", set(map(int, ids)), partial(TaskRow.parse, self._session))
        await self._read_task_events(rows)
        found = {str(row.id): Recalled(self._task(row), _instant(row.updated)) for row in rows if not row.deleted}
        return found | await self._deleted("task", TASK_DELETED, ids - found.keys())

    async def deals(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look leads up."""

        def parse(raw: Row) -> LeadRow:
            return LeadRow.parse(self._session, raw, frozenset())

        rows = await self._rows("leads", "id", set(map(int, ids)), parse)
        await self._read_events("lead", LEAD_EVENTS, [row.id for row in rows], self._session.cutoff, self._add)
        found = {str(row.id): Recalled(self._deal(row), _instant(row.updated)) for row in rows if not row.deleted}
        return found | await self._deleted("lead", LEAD_DELETED, ids - found.keys())

    async def tasks_of(self, deals: AbstractSet[str]) -> list[Task]:
        """List the tasks of leads; no event tells what a deleted task was bound to."""
        leads = set(map(int, deals))
        rows = await self._rows("tasks", "entity_id", leads, partial(TaskRow.parse, self._session))
        bound = [row for row in rows if row.lead in leads and not row.deleted]
        await self._read_task_events(bound)
        return [self._task(row) for row in bound]

    async def _rows(self, path: str, name: str, ids: set[int], parse: Callable[[Row], T]) -> list[T]:
        found: dict[int, T] = {}

        async def take(raws: list[Row]) -> None:
            for raw in raws:
                if raw.get(name) in ids:
                    found[raw["id"]] = parse(raw)

        filters = "filter[entity_type]=leads" if name == "entity_id" else ""
        await self._session.lists.by_ids(self._session.query(path, filters, f"disputed {path}"), name, ids, take)
        return list(found.values())

    async def _read_task_events(self, rows: Iterable[TaskRow]) -> None:
        """Read the changes of tasks since the cutoff, and the completions before."""
        tasks = list(rows)

        async def note(events: list[WireEvent]) -> None:
            for event in events:
                if is_completion(event, self._session.cutoff):
                    last = self._done_before.get(event.entity_id, 0)
                    self._done_before[event.entity_id] = max(last, event.created_at)

        ids = [row.id for row in tasks]
        await self._read_events("task", TASK_EVENTS, ids, self._session.cutoff, self._add)
        if tasks:
            await self._read_events("task", (TASK_DONE,), ids, min(row.created for row in tasks), note)

    async def _add(self, events: list[WireEvent]) -> None:
        self._changes.add(events)

    async def _read_events(
        self, kind: str, types: tuple[str, ...], ids: Iterable[int], since: int, sink: Callable[..., object]
    ) -> None:
        session = self._session

        async def read(part: list[int]) -> None:
            chosen, what = of_entities(kind, part), "changes of disputed records"
            await session.read_events(types, since, None, what, sink, filters=chosen)  # type: ignore[arg-type]

        await in_parts(ids, EVENT_IDS, read)

    async def _deleted(self, kind: str, event_type: str, ids: AbstractSet[str]) -> dict[str, Recalled]:
        """Tell when records that amoCRM no longer shows were deleted, where an event tells."""
        found: dict[str, Recalled] = {}

        async def note(events: list[WireEvent]) -> None:
            for event in events:
                key = str(entity_of(event)[1])
                found[key] = Recalled(gone=ProofReason.DELETED, gone_at=_instant(event.created_at))

        if ids:
            await self._read_events(kind, (event_type,), map(int, ids), self._session.start, note)
        return found

    def _task(self, row: TaskRow) -> Task:
        """Roll a task back to the cutoff; no event tells that a completed task was opened again."""
        changes, changed = self._changes, set[Change]()
        done_before, done_after = self._done_before.get(row.id), changes.done.get(row.id)
        done = done_after or done_before if row.done else None
        is_settled = row.updated < self._session.cutoff
        if row.done and done is None:
            done = row.updated
            changed |= set() if is_settled else {Change.COMPLETION}
        elif done_before and not is_settled and (done_after or not row.done):
            changed.add(Change.COMPLETION)  # done, and opened again at an unknown time
        due = row.due
        if row.id in changes.deadlines:
            before = changes.deadlines[row.id][1]
            due, changed = (due, changed | {Change.DEADLINE}) if before is None else (before, changed)
        if not changes.explain("task", row.id, row.updated):
            changed |= {Change.COMPLETION, Change.BINDING}
        return Task(
            id=str(row.id),
            title=row.title(self._session.account),
            manager=str(changes.owner("task", row.id, row.owner) or ""),
            deadline=self._session.account.deadline(due, row.duration),
            created_at=_instant(row.created),
            done_at=None if done is None else _instant(done),
            deals=frozenset({str(row.lead)} if row.lead else ()),
            changed=frozenset(changed),
        )

    def _deal(self, row: LeadRow) -> Deal:
        """Roll owner and stage of a lead back to the cutoff."""
        stage = self._changes.stages[row.id][1] if row.id in self._changes.stages else row.stage
        state = deal_state(stage[1])
        is_same = state is deal_state(row.stage[1])
        return Deal(
            id=str(row.id),
            title=row.name,
            manager=str(self._changes.owner("lead", row.id, row.owner) or ""),
            state=state,
            created_at=_instant(row.created),
            pipeline=str(stage[0]),
            closed_at=_instant(row.closed) if state is not DealState.OPEN and row.closed and is_same else None,
        )


def _instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
