"""amoCRM's leads as they stood at the cutoff."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from crm_clients.amocrm.account import Stages, read_stages, state_of, whole
from crm_clients.amocrm.answers import IgnoredFilter, Row, UnsortedList
from crm_clients.amocrm.buffer import RowBuffer
from crm_clients.amocrm.changes import Changes
from crm_clients.amocrm.history import STATUS, Stage, StageHistory
from crm_clients.amocrm.lists import Sink
from crm_clients.amocrm.session import Job
from crm_clients.errors import DeadlineExceeded
from crm_clients.shared.http import Deadline
from scoring.records import NOTHING, Change, Deal, DealState, Money, RecordKind

STAGES = 60
"""Pairs of pipeline and stage that an address has room for."""
HELD = 15_000
"""Deals kept back until the changes since the cutoff have been looked at once more."""
DAY = 86_400
NO_LONGER_TOLD = "?"
"""The loss reason of a deal that was lost at the cutoff and has been opened since."""


class LeadLine(NamedTuple):
    """What matters of a lead's row."""

    id: int
    name: str
    price: str
    """Empty for none."""
    owner: int
    stage: Stage
    created: int
    updated: int
    closed: int
    has_task: bool
    reason: str
    filled: tuple[str, ...]
    """Which fields that any pipeline requires have a value."""


def _filled(row: Row) -> set[str]:
    """Custom fields that have a value, by id and by code; empty ones are not on the wire at all."""
    found: set[str] = set()
    for custom in row.get("custom_fields_values") or ():
        values = custom.get("values") or ()
        if any(_is_something(value.get("value") if isinstance(value, dict) else value) for value in values):
            found |= {str(custom.get("field_id")), str(custom.get("field_code"))}
    return found


def _is_something(value: object) -> bool:
    return value not in (None, "", [], {}) and (not isinstance(value, str) or bool(value.strip()))


def filled_fields(row: Row, wanted: frozenset[str]) -> tuple[str, ...]:
    """Which of the wanted fields have a value; sum and owner, which have a history, are looked at by themselves."""
    if not wanted:
        return ()
    filled = _filled(row)
    if _is_something(row.get("name")):
        filled.add("name")
    return tuple(filled & wanted)


def _reason(row: Row) -> str:
    """The loss reason's name; its id where the name is not told."""
    for reason in (row.get("_embedded") or {}).get("loss_reason") or ():
        if isinstance(reason, dict) and reason.get("id"):
            return str(reason.get("name") or reason["id"])
    return str(row.get("loss_reason_id") or "")


class DealReader:
    """Reads all that was open at the cutoff, and what was won or lost in the window."""

    def __init__(self, job: Job, changes: Changes, commented: Callable[[int], bool]) -> None:
        self._job, self._changes, self._commented = job, changes, commented
        self._since = changes.since
        self._turns = StageHistory(job.cutoff, keep_stages=False)
        self._turning: asyncio.Task[None]
        """Reads the turns, beside the lists of leads."""
        self._stages = Stages({}, (), frozenset())
        self._held = RowBuffer(LeadLine)
        self._releasing = asyncio.Lock()
        self._seen_closed: set[int] = set()
        self._asks_tasks = RecordKind.TASKS in job.request.kinds
        self._asks_comments = RecordKind.COMMENTS in job.request.kinds
        self._wanted_fields = frozenset(name for names in job.config.required_fields.values() for name in names)
        self.horizon = job.cutoff - job.request.stale_days * DAY
        self.open_leads = array("q")
        """Ids of the deals that were open at the cutoff, if comments are asked for."""

    async def run(self) -> None:
        """Read everything. Raises CrmError."""
        job = self._job
        self._stages = await read_stages(job.api, job.deadline)
        self._turning = asyncio.create_task(self._read_turns(), name="amocrm-turns")
        try:
            await self._read_lists()
        finally:
            self._turning.cancel()
            await asyncio.gather(self._turning, return_exceptions=True)

    async def _read_lists(self) -> None:
        try:
            if not self._job.account.filters:
                raise IgnoredFilter("filters are not enabled in this account")
            await self._read_open()
            await self._read_closed()
            await self._turning
            await self._read_unlisted()
            await self._changes.settle(RecordKind.DEALS)
            await self._read_wanderers()
        except IgnoredFilter:
            await self._read_all()
            await self._changes.settle(RecordKind.DEALS)
        await self._release()

    # When stages were entered

    async def _read_turns(self) -> None:
        if self._job.wants("stale_deals"):
            # More events than the time allows cost this KPI, not all others.
            self._turns = StageHistory(self._job.cutoff, keep_stages=True)
            time_left = self._job.deadline.remaining("changes of stages")
            deadline = Deadline(time_left / 2, self._job.api.http.clock)
            begin = min(self.horizon, self._job.start)
            with suppress(DeadlineExceeded):
                await self._events(begin, "", deadline)
                return
            self._turns = StageHistory(self._job.cutoff, keep_stages=False)
        if self._job.wants("deals_won", "won_amount", "deals_lost", "lost_without_reason"):
            await self._events(self._job.start, self._closing("value_after"), self._job.deadline)
            await self._events(min(self.horizon, self._job.start), self._closing("value_before"), self._job.deadline)

    def _closing(self, side: str) -> str:
        return "&".join(
            f"filter[{side}][leads_statuses][{n}][pipeline_id]={pipeline}"
            f"&filter[{side}][leads_statuses][{n}][status_id]={status}"
            for n, (pipeline, status) in enumerate(self._stages.closed)
        )

    async def _events(self, since: int, extra: str, deadline: Deadline) -> None:
        async def take(events: list[Row]) -> None:
            self._turns.add(events)

        until = self._job.cutoff
        await self._job.events((STATUS,), since, until, "changes of stages", take, extra=extra, deadline=deadline)

    # Lists of leads

    async def _read_open(self) -> None:
        pairs = self._stages.open
        wanted = set(pairs)

        async def take(rows: list[Row]) -> None:
            if any((whole(row.get("pipeline_id")), whole(row.get("status_id"))) not in wanted for row in rows):
                raise IgnoredFilter("open deals: amoCRM ignores the filter by stages")
            await self._hold(rows)

        for begin in range(0, len(pairs), STAGES):
            await self._list(_statuses(pairs[begin : begin + STAGES]), "open deals", take)

    async def _read_closed(self) -> None:
        """Deals closed since the window's start; those closed after the cutoff were open at it."""
        job = self._job

        async def take(rows: list[Row]) -> None:
            await self._hold([row for row in rows if self._is_wanted(row)])

        for begin in range(0, len(self._stages.closed), STAGES):
            stages = _statuses(self._stages.closed[begin : begin + STAGES])
            query = f"{stages}&filter[closed_at][from]={job.start}&with=loss_reason"
            await self._list(query, "closed deals", take)

    async def _list(self, query: str, what: str, sink: Sink) -> None:
        job = self._job
        try:
            await job.api.created("leads", query, job.cutoff - 1, job.deadline, what, sink)
        except UnsortedList:
            await job.api.shifting("leads", f"{query}&order[id]=asc", job.deadline, what, sink)

    async def _read_all(self) -> None:
        """The account heeds no filters: every lead it has ever had is gone through."""
        job = self._job

        async def take(rows: list[Row]) -> None:
            await self._hold([row for row in rows if self._is_wanted(row)])

        await job.api.shifting("leads", "with=loss_reason&order[id]=asc", job.deadline, "all deals", take)

    def _is_wanted(self, row: Row) -> bool:
        if state_of(whole(row.get("status_id"))) is DealState.OPEN:
            return True
        self._seen_closed.add(whole(row["id"]))
        return max(whole(row.get("closed_at")), whole(row.get("updated_at"))) >= self._job.start

    async def _read_unlisted(self) -> None:
        """Deals that an event says were closed in the window, although their closing date says otherwise."""
        job = self._job
        unlisted = {
            lead
            for lead in self._turns.closed() - self._seen_closed
            if any(
                moment[0] >= job.start and now is not DealState.OPEN
                for moment, (_, now) in self._turns.states[lead].items()
            )
        }
        await job.api.by_id("leads", "with=loss_reason", "id", unlisted, job.deadline, "closed deals", self._hold)

    async def _read_wanderers(self) -> None:
        """Deals that have gone from a list not yet read to one that was: by their ids, wherever they are now."""
        read: set[int] = set()
        while missed := self._wanderers() - read:
            read |= missed
            await self._job.api.by_id(
                "leads", "with=loss_reason", "id", missed, self._job.deadline, "deals that moved", self._hold
            )
            await self._changes.look()

    def _wanderers(self) -> set[int]:
        """Those opened again since the cutoff; all that changed their stage, if the open ones are no single list."""
        one_list = len(self._stages.open) <= STAGES
        return set(self._since.opened if one_list else self._since.stages)

    # As at the cutoff

    async def _hold(self, rows: list[Row]) -> None:
        self._held.extend(self._line(row) for row in rows if whole(row.get("created_at")) < self._job.cutoff)
        if self._releasing.locked() and len(self._held) < 2 * HELD:
            return  # these wait for the next time, and no list waits for them
        async with self._releasing:
            if not self._job.is_over or len(self._held) >= HELD:
                await self._release(look=True)

    def _line(self, row: Row) -> LeadLine:
        return LeadLine(
            id=whole(row["id"]),
            name=str(row.get("name") or ""),
            price="" if row.get("price") is None else str(row["price"]),
            owner=whole(row.get("responsible_user_id")),
            stage=(whole(row.get("pipeline_id")), whole(row.get("status_id"))),
            created=whole(row.get("created_at")),
            updated=whole(row.get("updated_at")),
            closed=whole(row.get("closed_at")),
            has_task=row.get("closest_task_at") is not None,
            reason=_reason(row),
            filled=filled_fields(row, self._wanted_fields),
        )

    def _missing(self, line: LeadLine, pipeline: int, owner: int, amount: Money | None) -> tuple[str, ...]:
        fields = self._job.config.required_fields
        required = dict.fromkeys([*fields.get("*", ()), *fields.get(str(pipeline), ())])
        told = {"price": amount is not None and amount.amount != 0, "responsible_user_id": owner != 0}
        return tuple(name for name in required if not told.get(name) and name not in line.filled)

    async def _release(self, *, look: bool = False) -> None:
        """State what is certain once the changes have been looked at."""
        await self._turning
        held, self._held = self._held, RowBuffer(LeadLine)
        if look:
            await self._changes.look()
        await self._job.emit(self._deals(held))

    def _deals(self, held: RowBuffer[LeadLine]) -> Iterator[Deal]:
        """Made when their turn comes."""
        for line in held:
            deal = self._deal(line)
            if deal is None:
                continue
            if self._asks_comments and self._was_open(deal):
                self.open_leads.append(line.id)
            yield deal

    def _deal(self, line: LeadLine) -> Deal | None:
        since = self._since
        stage = since.stages[line.id][1] if line.id in since.stages else line.stage
        if stage in self._stages.incoming:
            return None
        state = state_of(stage[1])
        closed_at = None
        if state is not DealState.OPEN:
            entered = self._entered(line, state)
            if entered is None or entered < self._job.start:
                return None
            closed_at = datetime.fromtimestamp(entered, UTC)
        has_task = self._has_task(line)
        owner = since.owner("lead", line.id, line.owner)
        amount = self._money(since.sales[line.id][1] if line.id in since.sales else line.price)
        return Deal(
            id=str(line.id),
            title=line.name.strip() or f"#{line.id}",
            manager=str(owner or ""),
            state=state,
            created_at=datetime.fromtimestamp(line.created, UTC),
            pipeline=str(stage[0]),
            closed_at=closed_at,
            stage_since=self._stage_since(line),
            amount=amount,
            loss_reason=self._loss_reason(line) if state is DealState.LOST else "",
            missing_fields=self._missing(line, stage[0], owner, amount) if state is DealState.OPEN else (),
            has_task=has_task,
            has_comment=True if state is DealState.OPEN and self._commented(line.id) else None,
            reopened=closed_at is not None and self._turns.reopened(line.id, int(closed_at.timestamp())),
            changed=self._changed(line, has_task=has_task),
        )

    def _was_open(self, deal: Deal) -> bool:
        cutoff = self._job.request.window.cutoff
        return deal.state is DealState.OPEN or (deal.closed_at is not None and deal.closed_at >= cutoff)

    def _entered(self, line: LeadLine, state: DealState) -> int | None:
        """When it came into its won or lost state at the cutoff."""
        entered = self._turns.entered(line.id, state)
        if entered is not None:
            return entered
        if line.created >= self._job.start:
            return line.created  # born closed: every move of it would be known
        if line.id in self._turns.shifted:
            return None  # moved between two closing stages: closed long ago
        if line.closed and (line.closed < self._job.cutoff or line.id not in self._since.stages):
            return line.closed
        return None

    def _stage_since(self, line: LeadLine) -> datetime | None:
        """The last change before the cutoff; where there was none since the horizon, the horizon itself."""
        if not self._turns.keep_stages:
            return None
        horizon = min(self.horizon, self._job.start)
        entered = self._turns.last.get(line.id) or (line.created if line.created >= horizon else horizon - 1)
        return datetime.fromtimestamp(entered, UTC)

    def _loss_reason(self, line: LeadLine) -> str:
        """Opening a deal again erases its reason; one that was lost at the cutoff gets the benefit of the doubt."""
        return line.reason or (NO_LONGER_TOLD if line.id in self._since.stages else "")

    def _has_task(self, line: LeadLine) -> bool | None:
        """None if the tasks, which are asked for, could not be read: they fail as a kind of their own."""
        if not self._asks_tasks:
            return line.has_task
        return self._changes.covers(line.id, open_now=line.has_task) if self._changes.knows_tasks else None

    def _money(self, price: object) -> Money | None:
        return None if price in (None, "") else Money(Decimal(str(price)), self._job.account.currency)

    def _changed(self, line: LeadLine, *, has_task: bool | None) -> frozenset[Change]:
        """Name the changes since the cutoff of which amoCRM keeps no history."""
        is_hazy = self._changes.is_hazy(line.id) or (has_task is False and self._since.deleted)
        if line.updated < self._job.cutoff and not is_hazy:
            return NOTHING
        fields = {Change.LOSS_REASON, Change.FIELD} if line.updated >= self._job.cutoff else set[Change]()
        return frozenset(fields | {Change.BINDING} if is_hazy else fields)


def _statuses(pairs: tuple[Stage, ...]) -> str:
    return "&".join(
        f"filter[statuses][{n}][pipeline_id]={pipeline}&filter[statuses][{n}][status_id]={status}"
        for n, (pipeline, status) in enumerate(pairs)
    )
