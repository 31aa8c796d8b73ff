"""Read the facts of a request from an account of Template."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from crm_clients.shared.kind_reading import KindReading
from crm_clients.shared.pacing import Clock
from crm_clients.template.deals import read_deals
from crm_clients.template.events import read_calls, read_comments, read_companies, read_meetings
from crm_clients.template.session import ReadSession
from crm_clients.template.tasks import read_tasks
from scoring.records import Fact, RecordKind

_READERS: dict[RecordKind, Callable[[ReadSession], AsyncIterator[Fact]]] = {
    RecordKind.COMPANIES: read_companies,
    RecordKind.MEETINGS: read_meetings,
    RecordKind.CALLS: read_calls,
    RecordKind.TASKS: read_tasks,
    RecordKind.COMMENTS: read_comments,
    RecordKind.DEALS: read_deals,
}
"""Tasks and comments come before the deals that both belong to: the tally needs less memory so."""


async def read_facts(session: ReadSession, clock: Clock) -> AsyncIterator[Fact]:
    """Yield the records of the requested kinds, and a mark for each kind; a kind that fails leaves others whole."""
    for kind, reader in _READERS.items():
        if kind in session.request.kinds:
            reading = KindReading(kind, clock.now())
            async for record in reading.guard(reader(session)):
                yield record
            yield reading.mark()
