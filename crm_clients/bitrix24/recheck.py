"""Look up disputed records of a Bitrix24 portal: by id, and the activities of a deal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

import msgspec

from crm_clients.bitrix24.api import RecordMissing
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.bindings import bound_to
from crm_clients.bitrix24.control.questions import first_row_of, item_row, whole_row
from crm_clients.bitrix24.lists import CallProgress, QueryProgress, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.rows import CLOSED_TASK, ActivityRow, DealRow, R, TaskRow, portal_row
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.stages import state_of
from crm_clients.bitrix24.tasks import MIRRORED, SELECT_TASK, WHAT_ACTIVITIES, WHAT_TASKS, TaskReader, asks_something
from crm_clients.bitrix24.values import Row, is_same_change, is_yes
from crm_clients.shared.cleaning import clean_title
from scoring.appeals.proofs import ProofReason, Recalled
from scoring.records import NOTHING, Change, Deal, DealState, Task

FIELDS: Mapping[ProofReason, str] = {
    ProofReason.DONE: "CLOSED_DATE / LAST_UPDATED",
    ProofReason.TASK: "CREATED",
    ProofReason.DEADLINE: "DEADLINE",
    ProofReason.COMMENT: "CREATED",
    ProofReason.CLOSED: "movedTime",
    ProofReason.STAGE: "movedTime",
    ProofReason.FILLED: "updatedTime",
    ProofReason.OWNER: "assignedById",
}
"""Field of the portal that tells, by reason."""


class RecordLookup:
    """Look records up by id, at most fifty in a request."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._reader = TaskReader(session)
        self._cutoff = session.request.window.cutoff

    async def tasks(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look activities and tasks up."""
        own = {key: _task_call(key.removeprefix(MIRRORED)) for key in sorted(ids) if key.startswith(MIRRORED)}
        activities = {
            key: single_call("crm.activity.get", {"id": key}, what=WHAT_ACTIVITIES) for key in sorted(ids - own.keys())
        }
        await self._ask([*own.values(), *activities.values()])
        found = {key: self._own_task(row) for key, row in self._rows(own, first_row_of("tasks"), TaskRow)}
        return found | {key: self._activity(row) for key, row in self._rows(activities, whole_row, ActivityRow)}

    async def deals(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look deals up."""
        calls = {
            key: single_call("crm.item.get", {"entityTypeId": DEAL, "id": key}, what="deals") for key in sorted(ids)
        }
        await self._ask(calls.values())
        return {key: self._deal(row) for key, row in self._rows(calls, item_row, DealRow)}

    async def tasks_of(self, deals: AbstractSet[str]) -> list[Task]:
        """List the next steps bound to deals; tasks bound to a deal have an activity there."""
        found: list[Task] = []
        lists = [self._bound(int(deal), found) for deal in sorted(deals)]
        await self._ask(lists)
        return found

    def _bound(self, deal: int, found: list[Task]) -> QueryProgress:
        def fold(rows: Sequence[ActivityRow]) -> tuple[()]:
            found.extend(self._step(row, deal) for row in rows if asks_something(row))
            return ()

        return bound_to(lambda: [deal], {}, fold)

    def _step(self, row: ActivityRow, deal: int) -> Task:
        """Make the next step of a deal; since when an activity of another owner is bound to the deal, nobody tells."""
        task = self._activity(row).record
        assert isinstance(task, Task)  # noqa: S101  # made of an activity
        is_own = row.OWNER_TYPE_ID == DEAL and deal == row.OWNER_ID
        untold = frozenset({Change.BINDING}) if self._cutoff <= row.LAST_UPDATED or not is_own else NOTHING
        return msgspec.structs.replace(task, deals=frozenset({str(deal)}), changed=task.changed | untold)

    def _activity(self, row: ActivityRow) -> Recalled:
        task = self._reader.task(row, frozenset())
        if is_yes(row.COMPLETED) and task.done_at is None:
            task = msgspec.structs.replace(task, done_at=row.LAST_UPDATED)
        return Recalled(task, row.LAST_UPDATED)

    def _own_task(self, row: TaskRow) -> Recalled:
        task = self._reader.own_task(row, row.closedDate if row.status in CLOSED_TASK else None)
        if row.status in CLOSED_TASK and row.closedDate is None:
            task = msgspec.structs.replace(task, changed=task.changed | {Change.COMPLETION})
        return Recalled(task, row.changedDate)

    def _deal(self, row: DealRow) -> Recalled:
        """Make a deal of its row alone: the stage is told since `movedTime`, all else if unchanged since the cutoff."""
        is_closed, moved = is_yes(row.closed), row.movedTime or row.createdTime
        changed: frozenset[Change] = frozenset() if moved < self._cutoff else frozenset({Change.STAGE})
        if row.updatedTime >= self._cutoff and not is_same_change(moved, row.updatedTime):
            changed |= {Change.OWNER}
        state = (state_of(row.stageSemanticId) or DealState.LOST) if is_closed else DealState.OPEN
        deal = Deal(
            str(row.id), clean_title(row.title or ""), row.manager, state, row.createdTime, str(row.categoryId),
            closed_at=moved if is_closed else None, stage_since=moved, changed=changed,
        )  # fmt: skip
        return Recalled(deal, row.updatedTime)

    async def _ask(self, lists: Iterable[QueryProgress]) -> None:
        """Ask all questions; a record that the portal denies is no problem. Raises CrmError."""
        asked = list(lists)
        now = self._session.api.clock.now()

        async def take(progress: QueryProgress, rows: Sequence[Row]) -> None:
            row_type = progress.query.row
            if row_type is not None:
                progress.query.fold([portal_row(raw, row_type, progress.query.what, now) for raw in rows])

        await BatchScheduler(self._session.api, self._session.deadline, take).read(asked)
        for progress in asked:
            if progress.problem is not None and not isinstance(progress.problem, RecordMissing):
                raise progress.problem

    def _rows(
        self, calls: Mapping[str, CallProgress], shown: Callable[[Any], Row | None], row_type: type[R]
    ) -> Iterator[tuple[str, R]]:
        """Decode the rows of answers; a record that the portal does not show is left out. Raises MalformedRow."""
        for key, call in calls.items():
            raw = None if call.problem is not None else shown(call.value)
            if raw is not None:
                yield key, portal_row(raw, row_type, call.query.what, self._session.api.clock.now())


def _task_call(key: str) -> CallProgress:
    params = {"filter": {"ID": key}, "select": SELECT_TASK}
    return single_call("tasks.task.list", params, what=WHAT_TASKS)
