"""Read deals: leads that were open at the cutoff, and leads that were won or lost in the window."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from heapq import nlargest
from itertools import chain

from crm_clients.amocrm.answers import IgnoredFilter, Row, UnsortedList
from crm_clients.amocrm.api import ListQuery
from crm_clients.amocrm.control.known_rows import KnownRows
from crm_clients.amocrm.field_names import read_required_names
from crm_clients.amocrm.history.change_feed import ChangeFeed
from crm_clients.amocrm.history.deal_rollback import DealRollback
from crm_clients.amocrm.history.stage_history import StageHistory, read_stage_history
from crm_clients.amocrm.history.task_history import EVENT_IDS
from crm_clients.amocrm.rows import LeadRow, MalformedRows
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.stages import LOST, STAGES_PER_LIST, WON, Stage, Stages, deal_state, read_stages, stage_filters
from crm_clients.amocrm.wire import as_int
from crm_clients.shared.concurrency import cancel
from crm_clients.shared.required_fields import RequiredFields
from scoring.records import Deal, DealState, RecordKind

HEARD, HOUR = "all_stages_heard", 3_600
"""Key of the memory for the second at which a filter was last proved to heed all stages, and how long that holds."""
LATEST = 50
"""Deals changed last that the lists must show."""
HELD = 6_000
"""Leads kept back until the changes since the cutoff are read once more."""


class DealReader:
    """Read the lists of leads, and state each deal once the changes since the cutoff are known."""

    def __init__(self, session: ReadSession, feed: ChangeFeed, is_commented: Callable[[int], bool]) -> None:
        self._session, self._feed, self._is_commented = session, feed, is_commented
        self._required = frozenset(RequiredFields(session.config.required_fields).names)
        self._stages: Stages
        self._field_names: Mapping[str, str] = {}
        """Names of the required fields for people, by the names of the settings."""
        self._history: asyncio.Task[StageHistory]
        """Reads the stage history beside the lists of leads."""
        self._held: list[LeadRow] = []
        self._malformed = MalformedRows(RecordKind.DEALS, "lead")
        self._per_list = STAGES_PER_LIST
        """Stages named in a filter."""
        self._known = KnownRows(session, "leads", "open deals")
        self._unmoved: list[tuple[int, int]] = []
        """Second of the last update and id of a few deals that were updated or closed without an event of it."""
        self._unexplained: list[tuple[int, int]] = []
        """Second of the last update and id of a few deals that were updated since the cutoff without an event of it."""
        self._listed_closed: set[int] = set()
        """Closed leads that a list has shown."""
        self.open_leads = array("q")
        """Ids of the deals that were open at the cutoff, if comments are requested."""

    async def read(self) -> None:
        """Read and state all deals. Raises CrmError."""
        session = self._session
        self._stages = await read_stages(session.api, session.deadline)
        self._field_names = await read_required_names(session)
        self._history = asyncio.create_task(read_stage_history(session, self._stages), name="amocrm-stage-history")
        try:
            await self._known.ask_latest("order[updated_at]=desc", LATEST)
            await self._read_lists()
            await self._ensure_whole()
        finally:
            await cancel([self._history])

    async def _read_lists(self) -> None:
        try:
            if not self._session.account.filters:
                raise IgnoredFilter("filters are not enabled in this account")
            await self._read_open()
            await self._read_closed()
            await self._read_unlisted()
            await self._feed.finish(RecordKind.DEALS)
            await self._read_moved()
        except IgnoredFilter:
            await self._read_all()
            await self._feed.finish(RecordKind.DEALS)
        await self._release()

    async def _ensure_whole(self) -> None:
        """Raise CrmUnavailable if the lists lack a deal, or the events a change of stage, that amoCRM tells elsewhere.

        A list that lost rows would make merits of missing deals; missing events would make deals stale.
        """
        await self._known.ensure(self._must_be_listed)
        await (await self._history).ensure_whole(self._session, [lead for _, lead in self._unmoved])
        await self._feed.ensure_whole("lead", self._unexplained)

    def _must_be_listed(self, row: Row) -> bool:
        stage = as_int(row.get("pipeline_id")), as_int(row.get("status_id"))
        was_there = as_int(row.get("created_at")) < self._session.cutoff and self._known.is_settled(row)
        return was_there and stage in self._stages.visible_open and not row.get("is_deleted")

    async def _read_open(self) -> None:
        silent = set(self._stages.open)

        async def take(raws: list[Row]) -> None:
            self._known.note(raws)
            rows = self._parse(raws)
            if not {row.stage for row in rows} <= self._stages.visible_open:
                raise IgnoredFilter("open deals: amoCRM ignores the filter by stages")
            silent.difference_update(row.stage for row in rows)
            await self._keep(rows)

        started = self._session.now
        await self._read_stages(take)
        if not await self._are_all_heard(sorted(silent), started):
            self._per_list = 1
            await self._read_stages(take)

    async def _read_stages(self, take: Callable[[list[Row]], Awaitable[None]]) -> None:
        for stages in stage_filters(self._stages.open, self._per_list):
            await self._read_by_creation(self._session.query("leads", stages, "open deals"), take)

    async def _are_all_heard(self, silent: Iterable[Stage], started: int) -> bool:
        """Ask alone, once an hour, for every stage of which no list showed a deal.

        An account may heed a few stages of a filter only. A deal moved there since `started` proves nothing.
        """
        memory = self._session.memory
        if as_int(await memory.get(HEARD)) + HOUR > started:
            return True
        for stage in silent:
            oldest = f"filter[created_at][to]={self._session.cutoff - 1}&order[updated_at]=asc"
            query = self._session.query("leads", f"{next(stage_filters((stage,), 1))}&{oldest}", "deals of a stage")
            page = await self._session.api.page(query, limit=1)
            if any(row.stage == stage and row.updated < started for row in self._parse(page.rows)):
                return False
        await memory.put(HEARD, str(started))
        return True

    async def _read_closed(self) -> None:
        """Read deals closed since the window's start; a deal closed after the cutoff was open then."""
        closed = f"filter[closed_at][from]={self._session.start}&with=loss_reason"
        # Lists of one stage per funnel: an account may heed no more.
        lists = [[stage for stage in self._stages.closed if stage[1] == status] for status in (WON, LOST)]
        for stages in chain.from_iterable(stage_filters(tuple(pairs), self._per_list) for pairs in lists):
            query = self._session.query("leads", f"{stages}&{closed}", "closed deals")
            await self._read_by_creation(query, self._take_wanted)

    async def _read_by_creation(self, query: ListQuery, sink: Callable[[list[Row]], Awaitable[None]]) -> None:
        lists = self._session.lists
        try:
            await lists.by_creation(query, self._session.cutoff - 1, sink)
        except UnsortedList:
            await lists.shifting(query.narrowed("order[id]=asc"), sink)

    async def _read_all(self) -> None:
        """Read every lead the account has ever had, because the account heeds no filters."""
        query = self._session.query("leads", "with=loss_reason&order[id]=asc", "all deals")
        await self._session.lists.shifting(query, self._take_wanted)

    async def _read_unlisted(self) -> None:
        """Read deals with a closing event in the window, although the closing date says otherwise."""
        closed = (await self._history).closed_since(self._session.start)
        await self._read_by_ids(closed - self._listed_closed, "closed deals")

    async def _read_moved(self) -> None:
        """Read deals that went from a list not yet read to a list already read, by id."""
        read: set[int] = set()
        while missing := self._moved_deals() - read:
            read |= missing
            await self._read_by_ids(missing, "deals that moved")
            await self._feed.refresh()

    def _moved_deals(self) -> set[int]:
        """Return deals reopened since the cutoff; if the open deals are several lists, all that changed the stage."""
        changes = self._feed.changes
        return set(changes.reopened if len(self._stages.open) <= self._per_list else changes.stages)

    async def _read_by_ids(self, leads: set[int], what: str) -> None:
        query = self._session.query("leads", "with=loss_reason", what)
        await self._session.lists.by_ids(query, "id", leads, self._take)

    async def _take_wanted(self, raws: list[Row]) -> None:
        """Take the rows of a list that also holds deals closed before the window."""
        self._known.note(raws)
        await self._keep(row for row in self._parse(raws) if self._is_wanted(row))

    def _is_wanted(self, row: LeadRow) -> bool:
        if deal_state(row.stage[1]) is DealState.OPEN:
            return True
        self._listed_closed.add(row.id)
        return max(row.closed, row.updated) >= self._session.start

    def _parse(self, raws: list[Row]) -> list[LeadRow]:
        return self._malformed.sift(raws, lambda raw: LeadRow.parse(self._session, raw, self._required))

    async def _take(self, raws: list[Row]) -> None:
        self._known.note(raws)
        await self._keep(self._parse(raws))

    async def _keep(self, rows: Iterable[LeadRow]) -> None:
        """Keep the leads created before the cutoff, and state many at once."""
        session = self._session
        rows = list(rows)
        if any(row.has_task for row in rows):
            session.known.add("tasks")
        self._held.extend(row for row in rows if row.created < session.cutoff and not row.deleted)
        if not session.is_past_cutoff or len(self._held) >= HELD:
            held, self._held = self._held, []  # the other reader of the list goes on filling
            await self._feed.refresh()
            await self._state(held)

    async def _release(self) -> None:
        held, self._held = self._held, []
        await self._state(held)
        await self._session.emit(self._malformed.facts(self._feed.changes))

    async def _state(self, rows: list[LeadRow]) -> None:
        history = await self._history
        rollback = DealRollback(self._session, self._feed, history, self._stages, self._is_commented, self._field_names)
        unmoved = ((row.updated, row.id) for row in rows if history.is_unmoved(row.id, row.updated, row.closed))
        self._unmoved = nlargest(EVENT_IDS, chain(self._unmoved, unmoved))
        explain = self._feed.changes.explain
        unexplained = ((row.updated, row.id) for row in rows if not explain("lead", row.id, row.updated))
        self._unexplained = nlargest(EVENT_IDS, chain(self._unexplained, unexplained))
        await self._session.emit(self._deals(rollback, rows))

    def _deals(self, rollback: DealRollback, rows: Iterable[LeadRow]) -> Iterator[Deal]:
        asks_comments = RecordKind.COMMENTS in self._session.request.kinds
        cutoff = self._session.request.window.cutoff
        for row in rows:
            deal = rollback.deal(row)
            if deal is None:
                continue
            if asks_comments and (deal.state is DealState.OPEN or (deal.closed_at and deal.closed_at >= cutoff)):
                self.open_leads.append(row.id)
            yield deal
