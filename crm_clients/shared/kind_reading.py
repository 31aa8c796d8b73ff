"""Tell for each kind of record whether all records were read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from crm_clients.errors import CrmError
from scoring.causes import Cause
from scoring.records import Completed, Failed, RecordKind

T = TypeVar("T")


@dataclass(slots=True)
class KindReading:
    """Track the reading of a kind of record, from the start to the mark."""

    kind: RecordKind
    started_at: datetime
    problem: str = ""
    """The reason why the reading failed; empty so far."""
    cause: Cause = Cause.INCOMPLETE
    """The cause of the failure: a missing right, or else."""

    async def guard(self, records: AsyncIterator[T]) -> AsyncIterator[T]:
        """Yield `records`; end and keep the reason where a CrmError interrupts."""
        try:
            async for record in records:
                yield record
        except CrmError as error:
            self.fail(error)

    def fail(self, error: CrmError) -> None:
        """Keep the first failure of the reading."""
        if not self.problem:
            self.problem, self.cause = str(error), error.cause

    def mark(self) -> Completed | Failed:
        """Make the mark that follows the records of the kind."""
        if self.problem:
            return Failed(self.kind, self.problem, self.cause)
        return Completed(self.kind, self.started_at)
