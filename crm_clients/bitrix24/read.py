"""Read a Bitrix24 portal, from the first request to the last mark.

Planned activities are folded before the deals, so that each deal can say at once whether a next step is planned.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from crm_clients.bitrix24.bindings import BindingLookup
from crm_clients.bitrix24.comments import CommentReader
from crm_clients.bitrix24.control.known_records import KnownRecords
from crm_clients.bitrix24.control.questions import known_deals
from crm_clients.bitrix24.control.visibility import require_full_visibility
from crm_clients.bitrix24.deals import DealReader
from crm_clients.bitrix24.events import EventReader
from crm_clients.bitrix24.fields import MOVER, DealFields, Fields
from crm_clients.bitrix24.history.stage_history import ClosingLog
from crm_clients.bitrix24.lists import CallProgress, QueryProgress, problem_of, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.tasks import TaskReader
from crm_clients.bitrix24.users import UserDirectory
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.shared.rows import Currency
from scoring.causes import Cause
from scoring.kpis import DEALS_LOST, DEALS_MISSING_FIELDS, DEALS_WON, LOST_WITHOUT_REASON, WON_AMOUNT
from scoring.records import Completed, Fact, Failed, RecordKind, Unreadable

CLOSINGS = (DEALS_WON, WON_AMOUNT, DEALS_LOST, LOST_WITHOUT_REASON)
"""KPIs that count deals closed in the window."""
MEMBERS = 20
"""Members expected where the read does not say who is asked about."""
PAGES_EACH = 2
"""Pages of open deals, and of planned activities, expected for a member; a wrong guess costs little."""


def read_facts(session: ReadSession, users: UserDirectory) -> AsyncIterator[Fact]:
    """Yield the facts of the requested kinds, and a mark for each kind. Raises CrmError if no kind could be read."""
    return session.stream.run(PortalRead(session, users).run)


class PortalRead:
    """Read the kinds of record that a session asks for; each kind gets a mark, independent of the other kinds."""

    def __init__(self, session: ReadSession, users: UserDirectory) -> None:
        self._session = session
        self._kinds = session.request.kinds
        self._started = session.api.clock.now()
        self._pages = PAGES_EACH * (len(session.request.members) or MEMBERS) + 1
        self._tasks, self._events = TaskReader(session), EventReader(session)
        self._known_deals = known_deals(session)
        self._comments = CommentReader(session, users)
        self._closings = ClosingLog(session)
        self._deals: DealReader | None = None

    async def run(self) -> None:
        """Read all kinds. Raises CrmError if the portal refuses everything."""
        session, scheduler = self._session, self._session.scheduler
        for known in self._known:
            await known.recall()
        events = self._events.start(self._pages)
        scheduler.add_filler(progress for lists in events.values() for progress in lists)
        planned = self._tasks.start(self._pages) if RecordKind.TASKS in self._kinds else []
        scheduler.prefetch([*(known.newest for known in self._known), *planned])
        problem = await self._learn_portal()
        scheduler.prefetch(self._deals.lists if self._deals is not None else ())
        await session.fetch(planned)
        if self._deals is not None:
            problem = problem or await self._deals.read()
        problem = await self._read_dependent(planned, problem)
        await session.read_filler([progress for lists in events.values() for progress in lists])
        for kind, lists in events.items():
            await self._mark(kind, problem_of(lists) or await self._lacking(self._events.known.get(kind)))
        if RecordKind.COMMENTS in self._kinds:
            await self._mark(RecordKind.COMMENTS, problem or await self._comments_problem())

    async def _learn_portal(self) -> CrmError | None:
        """Ask who the webhook's user is, and learn fields and stages; return the problem if deals cannot be read."""
        session = self._session
        profile = single_call("profile", {}, what="the webhook's user", group="profile")
        if not self._needs_deals:
            await session.fetch([profile])
            await require_full_visibility(session, profile.value)
            return None
        stages = session.stages.start(RecordKind.DEALS)
        fields = single_call("crm.item.fields", {"entityTypeId": DEAL}, what="fields of deals", group=RecordKind.DEALS)
        about: list[QueryProgress] = [stages, fields] if self._needs_fields else [stages]
        if session.wants(*CLOSINGS):
            about.append(self._closings.start())
        currency = single_call("crm.currency.base.get", {}, what="the portal's currency", group=RecordKind.DEALS)
        funnels = session.stages.start_funnels(RecordKind.DEALS)
        await session.read([profile, currency, funnels, *about])
        session.currency = _currency(currency.value)
        if funnels.problem is not None:
            session.stages.funnels.clear()
        await require_full_visibility(session, profile.value)
        if problem := problem_of(about):
            return problem
        if not session.stages.states:
            return CrmNonsense("stages: the portal names none, so nobody knows which deals are won")
        return await self._prepare_deals(fields)

    @property
    def _needs_deals(self) -> bool:
        return not self._kinds.isdisjoint({RecordKind.DEALS, RecordKind.COMMENTS})

    @property
    def _known(self) -> list[KnownRecords[Any]]:
        """List the known records that the lists of this read must show."""
        deals = [self._known_deals] if self._needs_deals else []
        tasks = self._tasks.known if RecordKind.TASKS in self._kinds else []
        return [*deals, *tasks, *self._events.known.values()]

    @property
    def _needs_fields(self) -> bool:
        config = self._session.config
        asks_mover = config.deals_credit == "mover"
        return asks_mover or bool(config.loss_reason_field) or any(config.required_fields.values())

    async def _prepare_deals(self, fields: CallProgress) -> CrmError | None:
        session, names = self._session, DealFields()
        if self._needs_fields:
            try:
                known = Fields(fields.value)
            except CrmNonsense as error:
                return error
            names = await self._name_fields(known)
            if session.config.deals_credit == "mover" and known.tells_mover():
                names = replace(names, mover=MOVER)
        if RecordKind.COMMENTS in self._kinds:
            await self._comments.recall()
        self._deals = DealReader(
            session,
            names,
            self._known_deals,
            self._pages,
            self._tasks.has_task,
            self._comments.knows,
            self._closings.was_lost_elsewhere,
        )
        return None

    async def _name_fields(self, known: Fields) -> DealFields:
        """Find the fields that the settings name; a field that does not exist costs its KPI alone."""
        session, config, names = self._session, self._session.config, DealFields()
        try:
            if session.wants(LOST_WITHOUT_REASON):
                names = DealFields.with_reason(known, config.loss_reason_field)
        except CrmRefused as error:
            await self._lose(LOST_WITHOUT_REASON, error)
        try:
            if session.wants(DEALS_MISSING_FIELDS):
                required = RequiredFields(config.required_fields, session.stages.order)
                names = names.with_required(known, required)
        except CrmRefused as error:
            await self._lose(DEALS_MISSING_FIELDS, error)
        return names

    async def _lose(self, kpi: str, error: CrmRefused) -> None:
        """State that a KPI of deals cannot be read until a person acts."""
        fact = Unreadable(RecordKind.DEALS, frozenset(), str(error), frozenset({kpi}), Cause.RIGHTS)
        await self._session.stream.give([fact])

    async def _read_dependent(self, planned: Sequence[QueryProgress], problem: CrmError | None) -> CrmError | None:
        """Read all that depends on the open deals: bindings, stage histories, activities done since the cutoff.

        Give the marks of tasks and deals; return the problem (`problem`, if known before) if deals could not be read.
        """
        session, kinds = self._session, self._kinds
        lookup = None if problem or problem_of(planned) else self._lookup()
        done = lookup.done if lookup else self._tasks.done_since() if RecordKind.TASKS in kinds else []
        others = lookup.lists if lookup else done
        if self._deals is not None and not problem:
            problem = await self._deals.read_set_aside(others)
        else:
            await session.read(others)
        if RecordKind.TASKS in kinds:
            await session.stream.give(list(self._tasks.unmatched_mirrors()))
            failed = problem_of([*planned, *done]) or await self._lacking(*self._tasks.known)
            await self._mark(RecordKind.TASKS, failed or (None if problem else await self._bindings_problem(lookup)))
        if self._deals is not None:
            await session.stream.taken()
            problem = problem or problem_of(self._deals.lists)
            problem = problem or await self._known_deals.settle(self._tasks.covered_deal, self._closings.closed)
        if RecordKind.DEALS in kinds:
            await self._mark(RecordKind.DEALS, problem)
        return problem

    @staticmethod
    async def _lacking(*known: KnownRecords[Any] | None) -> CrmError | None:
        """Return the problem if lists that were read whole lack a known record."""
        for records in known:
            if records is not None and (problem := await records.settle()):
                return problem
        return None

    def _lookup(self, but: Iterable[int] = ()) -> BindingLookup | None:
        """Ask for the bindings of open deals without a planned activity; None if no KPI or deal needs that."""
        if self._deals is None or not self._session.wants("deals_without_task"):
            return None
        deals = list(set(self._deals.without_task).difference(but))
        return BindingLookup(self._session, self._tasks, deals) if deals else None

    async def _bindings_problem(self, first: BindingLookup | None) -> CrmError | None:
        """Settle the lookup, and make another for the deals that were open at the cutoff and are closed now."""
        if first is not None and (problem := await first.settle()):
            return problem
        late = self._lookup(first.deals if first is not None else ())
        if late is None:
            return None
        await self._session.read(late.lists)
        return await late.settle()

    async def _comments_problem(self) -> CrmError | None:
        if self._deals is None:
            return CrmUnavailable("comments: the deals could not be read")
        return await self._comments.read(self._deals.without_comment)

    async def _mark(self, kind: RecordKind, problem: CrmError | None) -> None:
        mark = Failed(kind, str(problem), problem.cause) if problem else Completed(kind, self._started)
        await self._session.stream.give([mark])


def _currency(value: Any) -> str:
    """Read the portal's own currency; empty where the answer is no code, for a sum may need none."""
    try:
        return msgspec.convert(value, Currency)
    except msgspec.ValidationError:
        return ""
