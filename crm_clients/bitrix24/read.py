"""One read of a Bitrix24 portal, from the first request to the last mark.

What is planned is folded before the deals, so that of a deal it is known whether it has a next step when it comes; the
lists of one step share their requests, and the first deals come beside the last of what is planned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crm_clients.bitrix24.bindings import BindingLookup
from crm_clients.bitrix24.comments import CommentReader
from crm_clients.bitrix24.deals import DealReader, Names
from crm_clients.bitrix24.events import EventReader
from crm_clients.bitrix24.fields import Fields
from crm_clients.bitrix24.lists import KeysetQuery
from crm_clients.bitrix24.session import DEAL, ReadSession, SingleCall, problem_of
from crm_clients.bitrix24.tasks import TaskReader
from crm_clients.bitrix24.visibility import is_ordinary, require_full_visibility
from crm_clients.errors import CrmError
from scoring.records import Completed, Failed, RecordKind

PEOPLE = 20
"""Expected where the read does not say who is asked about."""
PAGES_EACH = 2
"""Pages of open deals, and of what is planned, that a manager is expected to have; a guess costs little."""
CALLS, EVENTS = 3, 50
"""What part of that his calls of a day are expected to fill, and his meetings or new companies."""


class Reading:
    """Reads what the session asks for; every kind gets its mark, and none takes another with it."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._kinds = session.request.kinds
        self._started = session.api.clock.now()
        self._pages = PAGES_EACH * (len(session.request.members) or PEOPLE) + 1
        self._tasks = TaskReader(session)
        self._comments = CommentReader(session)
        self._deals: DealReader | None = None
        if self._kinds & {RecordKind.DEALS, RecordKind.COMMENTS}:
            self._deals = DealReader(session, self._pages, self._tasks.has_task, self._comments.knows)

    async def run(self) -> None:
        """Read everything. Raises CrmError if the portal refuses, or nothing at all could be read.

        What happened has nothing to wait for, and nothing waits for it: it fills the requests of all the others.
        """
        try:
            await self._run()
        finally:
            await self._session.lists.stop()

    async def _run(self) -> None:
        events = self._events()
        happened = [listing for listings in events.values() for listing in listings]
        planned = self._tasks.listings(self._pages) if RecordKind.TASKS in self._kinds else []
        fields, stages = self._fields(), self._session.stages.listing(RecordKind.DEALS)
        about = self._about_deals(fields, stages)
        profile = SingleCall("profile", {}, what="the webhook's user", group="profile")
        self._session.lists.beside(happened)
        if self._deals is not None:
            self._session.lists.ahead(self._deals.lists)
        await self._session.fetch([profile, *about, *planned])
        if is_ordinary(profile.value):
            await require_full_visibility(self._session.read, self._session.request.members)
        problem = await self._read_deals(about, fields, planned)
        await self._session.read_rest(happened)
        for kind, listings in events.items():
            await self._mark(kind, problem_of(listings))
        if RecordKind.COMMENTS in self._kinds:
            await self._mark(RecordKind.COMMENTS, problem or await self._comments_problem())

    def _events(self) -> dict[RecordKind, list[KeysetQuery]]:
        reader, few = EventReader(self._session), self._pages // EVENTS + 1
        events: dict[RecordKind, list[KeysetQuery]] = {}
        if RecordKind.COMPANIES in self._kinds:
            events[RecordKind.COMPANIES] = reader.companies(few)
        if RecordKind.MEETINGS in self._kinds:
            events[RecordKind.MEETINGS] = reader.meetings(few)
        if RecordKind.CALLS in self._kinds:
            events[RecordKind.CALLS] = reader.calls(self._pages // CALLS + 1)
        return events

    def _fields(self) -> SingleCall:
        return SingleCall("crm.item.fields", {"entityTypeId": DEAL}, what="fields of deals", group=RecordKind.DEALS)

    def _about_deals(self, fields: SingleCall, stages: KeysetQuery) -> list[KeysetQuery]:
        if self._deals is None:
            return []
        config = self._session.config
        return [stages, fields] if config.loss_reason_field or any(config.required_fields.values()) else [stages]

    async def _read_deals(
        self, about: Sequence[KeysetQuery], fields: SingleCall, planned: Sequence[KeysetQuery]
    ) -> str:
        """Deals, and what those are bound to that own nothing planned; why the deals could not be read, or nothing."""
        session, kinds = self._session, self._kinds
        problem = ""
        if self._deals is not None:
            # Rows of stages are folded while the deals are read: whether all could be is known only then.
            problem = problem_of(about) or await self._deals_problem(self._deals, fields) or problem_of(about)
            session.lists.ahead(())
        question = None if problem or problem_of(planned) else self._question()
        since = question.since if question else self._tasks.done_since() if RecordKind.TASKS in kinds else []
        beside = question.listings if question else since
        if self._deals is not None and not problem:
            problem = await self._deals.read_stories(beside)
        else:
            await session.read(beside)
        if RecordKind.TASKS in kinds:
            await session.stream.give(list(self._tasks.leftovers()))
            failed = problem_of([*planned, *since])
            await self._mark(RecordKind.TASKS, failed or ("" if problem else await self._bindings_problem(question)))
        if self._deals is not None:
            await session.stream.taken()
            problem = problem or problem_of(self._deals.lists)
        if RecordKind.DEALS in kinds:
            await self._mark(RecordKind.DEALS, problem)
        return problem

    async def _deals_problem(self, deals: DealReader, fields: SingleCall) -> str:
        session = self._session
        if not session.stages.states:
            await session.stream.drained()
        if not session.stages.states:
            return "stages: the portal names none, so nobody knows which deals are won"
        try:
            names = Names.learn(session, Fields(fields.value)) if fields.value is not None else Names()
        except CrmError as error:
            return str(error)
        if RecordKind.COMMENTS in self._kinds:
            await self._comments.recall()
        return await deals.read(names)

    def _question(self, but: Iterable[int] = ()) -> BindingLookup | None:
        """What open deals that own nothing planned are bound to; None if nobody asks, or there are none."""
        if self._deals is None or not self._session.wants("deals_without_task"):
            return None
        deals = list(set(self._deals.without_task).difference(but))
        return BindingLookup(self._session, self._tasks, deals) if deals else None

    async def _bindings_problem(self, first: BindingLookup | None) -> str:
        """Settles the question, and asks it of the deals that were open at the cutoff and are so no more."""
        if first is not None and (problem := await first.settled()):
            return problem
        late = self._question(first.deals if first is not None else ())
        if late is None:
            return ""
        await self._session.read(late.listings)
        return await late.settled()

    async def _comments_problem(self) -> str:
        if self._deals is None:
            return "comments: the deals could not be read"
        return await self._comments.read(self._deals.without_comment)

    async def _mark(self, kind: RecordKind, problem: str) -> None:
        mark = Failed(kind, problem) if problem else Completed(kind, self._started)
        await self._session.stream.give([mark])
