"""Read deals: leads that were open at the cutoff, and leads that were won or lost in the window."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Iterable, Iterator

from crm_clients.amocrm.account import Stages, deal_state, read_stages
from crm_clients.amocrm.answers import IgnoredFilter, Row, UnsortedList
from crm_clients.amocrm.api import ListQuery
from crm_clients.amocrm.change_feed import ChangeFeed
from crm_clients.amocrm.changes import Stage
from crm_clients.amocrm.deal_rollback import DealRollback
from crm_clients.amocrm.history import StageHistory, read_stage_history
from crm_clients.amocrm.rows import LeadRow
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.values import as_int
from crm_clients.shared.concurrency import cancel
from scoring.records import Deal, DealState, RecordKind

STAGES_PER_LIST = 60
"""Pairs of pipeline and stage that an address has room for."""
HELD = 6_000
"""Leads kept back until the changes since the cutoff are read once more."""


class DealReader:
    """Read the lists of leads, and state each deal once the changes since the cutoff are known."""

    def __init__(self, session: ReadSession, feed: ChangeFeed, is_commented: Callable[[int], bool]) -> None:
        self._session, self._feed, self._is_commented = session, feed, is_commented
        self._required = frozenset(name for names in session.config.required_fields.values() for name in names)
        self._stages: Stages
        self._history: asyncio.Task[StageHistory]
        """Reads the stage history beside the lists of leads."""
        self._held: list[LeadRow] = []
        self._listed_closed: set[int] = set()
        """Closed leads that a list has shown."""
        self.open_leads = array("q")
        """Ids of the deals that were open at the cutoff, if comments are requested."""

    async def read(self) -> None:
        """Read and state all deals. Raises CrmError."""
        session = self._session
        self._stages = await read_stages(session.api, session.deadline)
        self._history = asyncio.create_task(read_stage_history(session, self._stages), name="amocrm-stage-history")
        try:
            await self._read_lists()
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

    async def _read_open(self) -> None:
        wanted = set(self._stages.open)

        async def take(rows: list[Row]) -> None:
            if any((as_int(row.get("pipeline_id")), as_int(row.get("status_id"))) not in wanted for row in rows):
                raise IgnoredFilter("open deals: amoCRM ignores the filter by stages")
            await self._take(rows)

        for stages in _stage_filters(self._stages.open):
            query = self._session.query("leads", stages, "open deals")
            await self._read_by_creation(query, take)

    async def _read_closed(self) -> None:
        """Read deals closed since the window's start; a deal closed after the cutoff was open then."""
        closed = f"filter[closed_at][from]={self._session.start}&with=loss_reason"
        for stages in _stage_filters(self._stages.closed):
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
        return set(changes.reopened if len(self._stages.open) <= STAGES_PER_LIST else changes.stages)

    async def _read_by_ids(self, leads: set[int], what: str) -> None:
        query = self._session.query("leads", "with=loss_reason", what)
        await self._session.lists.by_ids(query, "id", leads, self._take)

    async def _take_wanted(self, rows: list[Row]) -> None:
        """Take the rows of a list that also holds deals closed before the window."""
        await self._take([row for row in rows if self._is_wanted(row)])

    def _is_wanted(self, row: Row) -> bool:
        if deal_state(as_int(row.get("status_id"))) is DealState.OPEN:
            return True
        self._listed_closed.add(as_int(row["id"]))
        return max(as_int(row.get("closed_at")), as_int(row.get("updated_at"))) >= self._session.start

    async def _take(self, rows: list[Row]) -> None:
        """Keep the leads created before the cutoff, and state many at once."""
        session = self._session
        created = (row for row in rows if as_int(row.get("created_at")) < session.cutoff)
        self._held.extend(LeadRow.parse(row, self._required) for row in created)
        if not session.is_past_cutoff or len(self._held) >= HELD:
            held, self._held = self._held, []  # the other reader of the list goes on filling
            await self._feed.refresh()
            await self._state(held)

    async def _release(self) -> None:
        held, self._held = self._held, []
        await self._state(held)

    async def _state(self, rows: list[LeadRow]) -> None:
        rollback = DealRollback(self._session, self._feed, await self._history, self._stages, self._is_commented)
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


def _stage_filters(pairs: tuple[Stage, ...]) -> Iterator[str]:
    """Yield a filter for every few stages, as many as an address has room for."""
    for begin in range(0, len(pairs), STAGES_PER_LIST):
        yield "&".join(
            f"filter[statuses][{n}][pipeline_id]={pipeline}&filter[statuses][{n}][status_id]={status}"
            for n, (pipeline, status) in enumerate(pairs[begin : begin + STAGES_PER_LIST])
        )
