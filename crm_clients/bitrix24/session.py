"""Hold the state that the parts of a Bitrix24 read share: request, portal, deadline, and the way of the facts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Any

from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.bitrix24.api import Bitrix24Api, refused
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.lists import ListQuery, QueryProgress
from crm_clients.bitrix24.rows import PortalRow, owner_of, portal_row
from crm_clients.bitrix24.stages import Stages
from crm_clients.bitrix24.values import Row, number
from crm_clients.errors import CrmError, CrmNonsense
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.rows import Sifted, sifted_rows
from scoring.records import Fact, RecordKind


@dataclass(slots=True)
class ReadSession:
    """Hold a read: the request, the portal, the deadline, and the stream that takes the facts."""

    api: Bitrix24Api
    config: Bitrix24Config
    memory: ClientMemory
    request: ReadRequest
    deadline: Deadline
    stream: Stream
    stages: Stages = field(default_factory=Stages)
    currency: str = ""
    """The portal's own currency, in which sums without a currency are; empty where the portal does not tell."""
    scheduler: BatchScheduler = field(init=False)

    def __post_init__(self) -> None:
        """Have pages folded where the facts are taken."""
        self.scheduler = BatchScheduler(self.api, self.deadline, self._take)

    def wants(self, *kpis: str) -> bool:
        """Tell whether any of the KPIs is asked for."""
        return not self.request.kpis.isdisjoint(kpis)

    def concerns(self, user: str) -> bool:
        """Tell whether the read is about this user; a hint that only saves work."""
        return not self.request.members or user in self.request.members

    async def fetch(self, lists: Sequence[QueryProgress]) -> None:
        """Read lists to the end; the rows are folded in turn, before the rows of any list read later.

        Raises CrmRefused where the portal refuses everything.
        """
        await self.scheduler.read(lists)
        _raise_refusal(lists)

    async def read(self, lists: Sequence[QueryProgress]) -> None:
        """Read lists to the end and have every row folded. Raises as `fetch`."""
        await self.fetch(lists)
        await self.stream.drained()

    async def read_filler(self, lists: Sequence[QueryProgress]) -> None:
        """Read the rest of the scheduler's filler, which `lists` are, as `read` does."""
        await self.scheduler.finish()
        await self.stream.drained()
        _raise_refusal(lists)

    async def _take(self, progress: QueryProgress, rows: Sequence[Row]) -> None:
        await self.stream.put(partial(_folded, progress, rows, self.api.clock.now()))


def _raise_refusal(lists: Sequence[QueryProgress]) -> None:
    for progress in lists:
        if progress.problem is not None and refused(progress.problem):
            raise progress.problem


def _folded(progress: QueryProgress, rows: Sequence[Row], now: datetime) -> Iterable[Fact]:
    """Make the page's facts; a row of an undocumented form fails the list, never the whole read."""
    with rows_checked(progress):
        if progress.problem is None:
            if progress.query.see is not None:
                progress.query.see(number(row[progress.query.key]) for row in rows)
            sifted = _sifted(progress.query, rows, now)
            noted = list(progress.query.fold(sifted.rows))
            facts = noted if progress.query.make is None else _made(progress, noted)
            return chain(sifted.unreadable, facts) if sifted.unreadable else facts
    return ()


def _sifted(query: ListQuery, rows: Sequence[Row], now: datetime) -> Sifted[Any]:
    """Decode the rows of a page. Raises MalformedRow for a bad row of nobody known."""
    if query.row is None:
        return Sifted(list(rows))
    row_type, check = query.row, query.check

    def convert(raw: Row) -> PortalRow:
        row = portal_row(raw, row_type, query.what, now)
        if check is not None:
            check(row)
        return row

    owner = query.owner or row_type.owner
    if not owner:
        return Sifted([convert(row) for row in rows])
    return sifted_rows(rows, convert, query.what, RecordKind(query.group), owner_of(owner))


def _made(progress: QueryProgress, noted: Sequence[Any]) -> Iterator[Fact]:
    with rows_checked(progress):
        if progress.query.make is not None:
            yield from progress.query.make(noted)


@contextmanager
def rows_checked(progress: QueryProgress) -> Iterator[None]:
    """Make an error in a row a problem of the row's list."""
    try:
        yield
    except CrmError as error:
        progress.problem = error
    except (AttributeError, KeyError, TypeError, ValueError, ArithmeticError) as error:
        progress.problem = CrmNonsense(f"{progress.query.what}: a row of an unexpected form ({type(error).__name__})")
