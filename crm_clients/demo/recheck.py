"""Look up disputed records of the made-up company, which keeps its whole history."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec

from crm_clients.demo.deal_life import DealLife
from crm_clients.demo.world import World
from scoring.appeals.proofs import ProofReason, Recalled
from scoring.records import Task

FIELDS: Mapping[ProofReason, str] = {
    ProofReason.DONE: "done_at",
    ProofReason.TASK: "created_at",
    ProofReason.COMMENT: "created_at",
    ProofReason.CLOSED: "closed_at",
    ProofReason.STAGE: "stage_since",
    ProofReason.FILLED: "filled_at",
}
"""Field that tells, by reason."""


class RecordLookup:
    """Look records up by id."""

    def __init__(self, world: World, cutoff: datetime) -> None:
        self._world, self._cutoff = world, cutoff

    async def tasks(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look tasks up."""
        planned = (each for life in self._lives() for each in life.tasks if each.task.id in ids)
        return {each.task.id: Recalled(msgspec.structs.replace(each.task, done_at=each.done_at)) for each in planned}

    async def deals(self, ids: AbstractSet[str]) -> Mapping[str, Recalled]:
        """Look deals up."""
        lives = [life for life in self._lives() if life.deal.id in ids]
        return {life.deal.id: Recalled(life.deal_at(self._cutoff, ())) for life in lives}

    async def tasks_of(self, deals: AbstractSet[str]) -> list[Task]:
        """List the tasks of deals."""
        return [task for life in self._lives() if life.deal.id in deals for task in life.tasks_at(self._cutoff)]

    def _lives(self) -> list[DealLife]:
        """List the deals that were in work at the cutoff."""
        return list(self._world.lives(self._cutoff, self._cutoff))
