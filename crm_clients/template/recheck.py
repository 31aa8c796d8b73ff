"""Look up disputed records of an account of Template: by id, and the tasks of a deal."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.template.api import TemplateApi
from crm_clients.template.deals import deal_at
from crm_clients.template.rows import DealRow, TaskRow
from crm_clients.template.tasks import task_of
from scoring.appeals.proofs import ProofReason, Recalled
from scoring.records import Change, Task

FIELDS: Mapping[ProofReason, str] = {
    ProofReason.DONE: "done_at",
    ProofReason.CLOSED: "closed_at",
    ProofReason.STAGE: "stage_since",
    ProofReason.FILLED: "updated_at",
    ProofReason.OWNER: "updated_at",
    ProofReason.COMMENT: "created_at",
}
"""Field of the API that tells, by reason."""
_UNTOLD_OF_TASK = frozenset({Change.OWNER, Change.DEADLINE, Change.BINDING})
"""Rows of tasks hold no time of change: only that a task was done tells an instant."""


class RecordLookup:
    """Look records up by id."""

    def __init__(self, api: TemplateApi, cutoff: datetime, deadline: Deadline) -> None:
        self._api, self._cutoff, self._deadline = api, cutoff, deadline

    async def tasks(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look tasks up."""
        rows = self._api.rows("tasks", TaskRow, self._deadline, ids=",".join(sorted(ids)))
        return {str(row.id): Recalled(_task(row)) async for row in rows}

    async def deals(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look deals up."""
        rows = self._api.rows("deals", DealRow, self._deadline, ids=",".join(sorted(ids)))
        no_fields = RequiredFields({})
        return {str(row.id): Recalled(deal_at(row, no_fields, self._cutoff), row.updated_at) async for row in rows}

    async def tasks_of(self, deals: AbstractSet[str]) -> list[Task]:
        """List the tasks of deals."""
        rows = self._api.rows("tasks", TaskRow, self._deadline, deals=",".join(sorted(deals)))
        return [_task(row) async for row in rows]


def _task(row: TaskRow) -> Task:
    return msgspec.structs.replace(task_of(row), changed=_UNTOLD_OF_TASK)
