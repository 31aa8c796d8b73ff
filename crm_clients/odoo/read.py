"""Read the facts of a request from Odoo."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from crm_clients.odoo.comments import read_comments
from crm_clients.odoo.companies import read_companies
from crm_clients.odoo.deals import DealReader
from crm_clients.odoo.meetings import read_meetings
from crm_clients.odoo.rights import Sight, require_rights
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.tasks import read_tasks
from crm_clients.shared.kind_reading import KindReading
from scoring.records import Completed, Fact, RecordKind

_READERS: dict[RecordKind, Callable[[ReadSession], AsyncIterator[Fact]]] = {
    RecordKind.TASKS: read_tasks,
    RecordKind.COMPANIES: read_companies,
    RecordKind.MEETINGS: read_meetings,
}
"""Readers of the kinds that need no other kind; tasks come before the deals that the tasks belong to."""


async def read_facts(session: ReadSession, sight: Sight) -> AsyncIterator[Fact]:
    """Yield the records of the requested kinds, and a mark for each kind. Raises CrmError without login or rights."""
    await session.api.connect(session.deadline)
    await require_rights(session.lists)
    await sight.require_all_companies(session)
    kinds = session.request.kinds
    for kind, reader in _READERS.items():
        if kind in kinds:
            reading = KindReading(kind, session.now())
            async for record in reading.guard(reader(session)):
                yield record
            yield reading.mark()
    if RecordKind.CALLS in kinds:
        yield Completed(RecordKind.CALLS, session.now())  # the community edition keeps none: all of them are read
    async for fact in _deals_and_comments(session):
        yield fact


async def _deals_and_comments(session: ReadSession) -> AsyncIterator[Fact]:
    """Yield deals and comments: comments are asked for by each page of deals, and fail with the deals."""
    started, kinds = session.now(), session.request.kinds
    deals, comments = KindReading(RecordKind.DEALS, started), KindReading(RecordKind.COMMENTS, started)
    readings = [reading for reading in (deals, comments) if reading.kind in kinds]
    if not readings:
        return
    reader = DealReader(session)
    async for page in deals.guard(reader.pages()):
        if comments in readings and not comments.problem:
            async for comment in comments.guard(read_comments(session, page)):
                yield comment
        if deals in readings:
            for fact in page:
                yield fact
    if deals in readings and not deals.problem:
        for doubt in reader.doubts():
            yield doubt
    if deals.problem and not comments.problem:
        comments.problem, comments.cause = deals.problem, deals.cause
    for reading in readings:
        yield reading.mark()
