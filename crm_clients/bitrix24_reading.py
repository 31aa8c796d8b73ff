"""One read of a Bitrix24 portal, from the first request to the last mark.

What is planned is read before the deals, so that of a deal it is known whether it has a next step when it comes; the
lists of one step share their requests.
"""

from __future__ import annotations

from collections.abc import Sequence

from crm_clients.bitrix24_bindings import BindingReader
from crm_clients.bitrix24_comments import CommentReader
from crm_clients.bitrix24_deals import DealReader, Names
from crm_clients.bitrix24_events import EventReader
from crm_clients.bitrix24_fields import Fields
from crm_clients.bitrix24_job import DEAL, Job, Once, problem_of
from crm_clients.bitrix24_lists import Listing
from crm_clients.bitrix24_sight import is_ordinary, prove_sight
from crm_clients.bitrix24_tasks import TaskReader
from crm_clients.errors import CrmError
from scoring.records import Completed, Failed, RecordKind

PEOPLE = 20
"""Expected where the read does not say who is asked about."""
PAGES_EACH = 2
"""Pages of open deals, and of what is planned, that a manager is expected to have; a guess costs little."""
CALLS, EVENTS = 3, 40
"""What part of that his calls of a day are expected to fill, and his meetings or new companies."""


class Reading:
    """Reads what the job asks for; every kind gets its mark, and none takes another with it."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._kinds = job.request.kinds
        self._started = job.api.clock.now()
        self._pages = PAGES_EACH * (len(job.request.members) or PEOPLE) + 1
        self._tasks = TaskReader(job)
        self._comments = CommentReader(job)
        self._deals: DealReader | None = None

    async def run(self) -> None:
        """Read everything. Raises CrmError if the portal refuses, or nothing at all could be read."""
        events = EventReader(self._job)
        lists: dict[RecordKind, list[Listing]] = {}
        if RecordKind.TASKS in self._kinds:
            lists[RecordKind.TASKS] = self._tasks.listings(self._pages)
        if RecordKind.CALLS in self._kinds:
            lists[RecordKind.CALLS] = events.calls(self._pages // CALLS + 1)
        if RecordKind.MEETINGS in self._kinds:
            lists[RecordKind.MEETINGS] = events.meetings(self._pages // EVENTS + 1)
        if RecordKind.COMPANIES in self._kinds:
            lists[RecordKind.COMPANIES] = events.companies(self._pages // EVENTS + 1)
        fields, stages = self._fields(), self._job.stages.listing(RecordKind.DEALS)
        asked = [listing for several in lists.values() for listing in several]
        about = self._about_deals(fields, stages)
        profile = Once("profile", {}, what="the webhook's user", group="profile")
        await self._job.read([profile, *about, *asked])
        if is_ordinary(profile.value):
            await prove_sight(self._job.read, self._job.request.members)
        for kind in (RecordKind.COMPANIES, RecordKind.MEETINGS, RecordKind.CALLS):
            if kind in lists:
                await self._mark(kind, problem_of(lists[kind]))
        await self._read_deals(about, fields, lists.get(RecordKind.TASKS, ()))

    def _fields(self) -> Once:
        return Once("crm.item.fields", {"entityTypeId": DEAL}, what="fields of deals", group=RecordKind.DEALS)

    def _about_deals(self, fields: Once, stages: Listing) -> list[Listing]:
        if not self._kinds & {RecordKind.DEALS, RecordKind.COMMENTS}:
            return []
        config = self._job.config
        return [stages, fields] if config.loss_reason_field or any(config.required_fields.values()) else [stages]

    async def _read_deals(self, about: Sequence[Listing], fields: Once, planned: Sequence[Listing]) -> None:
        """Deals, then what hangs on those that seem to have nothing."""
        kinds = self._kinds
        since = self._tasks.done_since() if RecordKind.TASKS in kinds else []
        problem = ""
        if kinds & {RecordKind.DEALS, RecordKind.COMMENTS}:
            problem = problem_of(about) or await self._deals_problem(fields, since)
        if RecordKind.TASKS in kinds:
            await self._job.read(since)
            await self._mark(RecordKind.TASKS, problem_of([*planned, *since]) or await self._bindings_problem(problem))
        if RecordKind.DEALS in kinds:
            await self._mark(RecordKind.DEALS, problem)
        if RecordKind.COMMENTS in kinds:
            if problem or self._deals is None:
                await self._mark(RecordKind.COMMENTS, problem or "comments: the deals could not be read")
            else:
                await self._mark(RecordKind.COMMENTS, await self._comments.read(self._deals.without_comment))

    async def _deals_problem(self, fields: Once, beside: Sequence[Listing]) -> str:
        job = self._job
        if not job.stages.states:
            return "stages: the portal names none, so nobody knows which deals are won"
        try:
            names = Names.learn(job, Fields(fields.value)) if fields.value is not None else Names()
        except CrmError as error:
            return str(error)
        if RecordKind.COMMENTS in self._kinds:
            await self._comments.recall()
        self._deals = DealReader(job, names, self._tasks.has_task, self._comments.knows)
        return await self._deals.read(self._pages, beside)

    async def _bindings_problem(self, deals_problem: str) -> str:
        """What is left to learn of tasks once everything planned and all deals are known."""
        job = self._job
        await job.stream.give(list(self._tasks.leftovers()))
        if self._deals is None or deals_problem or not job.wants("deals_without_task"):
            return ""
        return await BindingReader(job, self._tasks).read(sorted(set(self._deals.without_task)))

    async def _mark(self, kind: RecordKind, problem: str) -> None:
        mark = Failed(kind, problem) if problem else Completed(kind, self._started)
        await self._job.stream.give([mark])
