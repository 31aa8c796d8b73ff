"""Read every requested kind of record side by side, so that a failing kind fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress

from crm_clients.amocrm.account import read_account, read_rights
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.calls import read_calls
from crm_clients.amocrm.comments import CommentReader
from crm_clients.amocrm.companies import read_companies
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.amocrm.control.empty_lists import ControlQuestions
from crm_clients.amocrm.deals import DealReader
from crm_clients.amocrm.history.change_feed import ChangeFeed
from crm_clients.amocrm.meetings import read_meetings
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.tasks import TaskReader
from crm_clients.base import ClientMemory, ReadRequest
from crm_clients.errors import CrmError, CrmUnavailable
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.pacing import Deadline
from scoring.causes import Cause
from scoring.records import Completed, Fact, Failed, RecordKind

QUEUE = 4
"""Portions of facts that may wait to be folded."""


async def read_facts(
    api: AmocrmApi, config: AmocrmConfig, memory: ClientMemory, request: ReadRequest, deadline: Deadline
) -> AsyncIterator[Fact]:
    """Yield the facts of the requested kinds, and a mark for each kind.

    Raises CrmError if the account or the rights of the token's owner cannot be read.
    """
    account = await read_account(api, deadline)
    rights = await read_rights(api, account, deadline)
    stream = Stream(QUEUE)
    session = ReadSession(api, config, memory, request, account, deadline, stream.give)
    hidden = {kind: text for kind in request.kinds if (text := rights.missing(kind))}
    async for fact in stream.run(AccountRead(session, hidden).run):
        yield fact


class AccountRead:
    """Read all requested kinds at once; comments and the mark of the tasks wait for the deals."""

    def __init__(self, session: ReadSession, hidden: Mapping[RecordKind, str]) -> None:
        self._session, self._hidden = session, hidden
        """Kinds that the token's owner sees in part only, with the reason."""
        self._kinds = session.request.kinds
        self._feed = ChangeFeed(session, self._kinds - hidden.keys())
        self._comments = CommentReader(session)
        self._control = ControlQuestions(session)
        self._deals: DealReader | None = None
        """Set once all deals are read."""
        self._deals_problem = ""
        """The reason why deals could not be read."""
        self._deals_over = asyncio.Event()

    async def run(self) -> None:
        """Read every requested kind, and mark each as completed or failed."""
        readers: dict[RecordKind, Callable[[], Awaitable[None]]] = {
            RecordKind.CALLS: lambda: read_calls(self._session),
            RecordKind.COMPANIES: lambda: read_companies(self._session),
            RecordKind.MEETINGS: lambda: read_meetings(self._session, self._feed),
            RecordKind.TASKS: self._read_tasks,
            RecordKind.DEALS: self._read_deals,
            RecordKind.COMMENTS: self._read_comments,
        }
        async with asyncio.TaskGroup() as group:
            for kind in sorted(self._kinds, key=list(readers).index):
                group.create_task(self._read_kind(kind, readers[kind]), name=f"amocrm-{kind}")

    async def _read_kind(self, kind: RecordKind, read: Callable[[], Awaitable[None]]) -> None:
        started = self._session.api.http.clock.now()
        mark: Completed | Failed
        if kind in self._hidden:
            mark = Failed(kind, self._hidden[kind], Cause.RIGHTS)
        else:
            try:
                await read()
                await self._control.ensure(kind)
                mark = Completed(kind, started)
            except CrmError as error:
                mark = Failed(kind, str(error), error.cause)
            except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
                # A row of an undocumented form: this kind cannot be counted, the others can.
                mark = Failed(kind, f"{kind}: amoCRM answered in an unexpected form ({type(error).__name__})")
        self._feed.leave(kind)
        if kind is RecordKind.DEALS:
            self._deals_problem = mark.reason if isinstance(mark, Failed) else ""
            self._deals_over.set()
        await self._session.put([mark])

    async def _read_tasks(self) -> None:
        """Read tasks; complete only after the deals, for the deals' refreshes may still fail on changed tasks."""
        await TaskReader(self._session, self._feed).read()
        if RecordKind.DEALS in self._kinds:
            await self._deals_over.wait()
        self._feed.tasks.ensure_known()

    async def _read_deals(self) -> None:
        if RecordKind.COMMENTS in self._kinds and RecordKind.COMMENTS not in self._hidden:
            with suppress(CrmError):  # then no deal is known to be commented, and the notes of all are read
                await self._comments.load()
        deals = DealReader(self._session, self._feed, self._comments.is_known)
        await deals.read()
        self._deals = deals

    async def _read_comments(self) -> None:
        if RecordKind.DEALS in self._kinds:
            await self._deals_over.wait()
        if self._deals is None:
            raise CrmUnavailable(f"comments: the deals that they belong to could not be read: {self._deals_problem}")
        await self._comments.read(self._deals.open_leads)
