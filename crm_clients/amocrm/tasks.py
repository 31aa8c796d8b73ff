"""Read tasks as at the cutoff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import pairwise

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.control.known_rows import KnownRows
from crm_clients.amocrm.history.change_feed import ChangeFeed
from crm_clients.amocrm.lists import FULL
from crm_clients.amocrm.rows import MalformedRows, TaskRow
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.wire import as_int, entity_path
from scoring.records import Change, RecordKind, Task

OPEN, BY_DEADLINE = "filter[is_completed]=0", "order[complete_till]"
LATEST = 250
"""Tasks made last that the list of open tasks must show, unless the deadline lies later than is read."""
HELD = 6_000
"""Tasks kept back until the changes since the cutoff are read once more."""


class _DeadlineOrder:
    """Check that the list of open tasks is really sorted by deadline, so that the rest need not be read."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self.first = self.last = 0
        """Deadlines of the first and the last row."""
        self._is_sorted = self._ids_rise = self._ids_fall = True
        self._is_proved: bool | None = None

    def follow(self, rows: Sequence[TaskRow]) -> None:
        """Add the next page, which repeats some rows of the page before."""
        if not rows:
            return
        for before, row in pairwise(rows):
            self._is_sorted = self._is_sorted and before.due <= row.due
            self._ids_rise = self._ids_rise and before.id <= row.id
            self._ids_fall = self._ids_fall and before.id >= row.id
        self.first = self.first or rows[0].due
        self._is_sorted = self._is_sorted and rows[-1].due >= self.last
        self.last = rows[-1].due

    async def holds(self) -> bool:
        """Tell whether the list is sorted. Raises CrmError.

        Deadlines that rise together with the ids (or as the ids fall) prove nothing: then the other end of the list is
        read.
        """
        if not self._is_sorted or not (self._ids_rise or self._ids_fall):
            return self._is_sorted
        if self._is_proved is None:
            query = self._session.query("tasks", f"{OPEN}&{BY_DEADLINE}=desc", "open tasks")
            page = await self._session.api.page(query, limit=1)
            self._is_proved = any(TaskRow.parse(self._session, row).due >= self.last > self.first for row in page.rows)
        return self._is_proved


class TaskReader:
    """Read tasks that were overdue at the cutoff, and tasks changed since; of others the deals' own rows tell."""

    def __init__(self, session: ReadSession, feed: ChangeFeed) -> None:
        self._session, self._feed = session, feed
        self._history = feed.tasks
        self._held: list[TaskRow] = []
        self._order = _DeadlineOrder(session)
        self._known = KnownRows(session, "tasks", "open tasks")
        self._malformed = MalformedRows(RecordKind.TASKS, "task")

    async def read(self) -> None:
        """Read and state the tasks. Raises CrmError."""
        session = self._session
        if session.wants("overdue_tasks"):
            query = session.query("tasks", f"{OPEN}&{BY_DEADLINE}=asc", "open tasks")
            await self._known.ask_latest("order[id]=desc", LATEST)
            await session.lists.shifting(query, self._take, key="complete_till")
            await self._known.ensure(self._must_be_listed)
        await self._feed.finish(RecordKind.TASKS)
        changed = list(self._history.changed.values())  # as they are now: a refresh by another kind may add to them
        await self._release()
        await self._state(changed)
        explain = self._feed.changes.explain
        unexplained = ((row.updated, row.id) for row in changed if not explain("task", row.id, row.updated))
        await self._feed.ensure_whole("task", unexplained)
        await session.emit(self._malformed.facts(self._feed.changes))

    def _must_be_listed(self, row: Row) -> bool:
        """Tell whether the list of open tasks must show a task: all of them up to the deadline that was reached."""
        if row.get("is_completed") is not False or row.get("is_deleted") or not self._known.is_settled(row):
            return False
        due = as_int(row.get("complete_till"))
        return self._order.last < self._session.cutoff or 0 < due < self._session.cutoff

    async def _take(self, page: list[Row]) -> bool:
        """Keep the overdue tasks of a page; False if no later page holds any."""
        session = self._session
        self._known.note(page)
        rows = self._malformed.sift(page, partial(TaskRow.parse, session))
        self._held.extend(row for row in rows if not row.done and not row.deleted and 0 < row.due < session.cutoff)
        if len(self._held) >= HELD:
            await self._feed.refresh()
            await self._release()
        self._order.follow(rows)
        return self._order.last < session.cutoff or len(page) < FULL or not await self._order.holds()

    async def _release(self) -> None:
        held, self._held = self._held, []
        await self._state(held)

    async def _state(self, rows: Iterable[TaskRow]) -> None:
        self._history.ensure_known()
        await self._session.emit(task for row in rows if (task := self._task(row)) is not None)

    def _task(self, row: TaskRow) -> Task | None:
        """Roll a task back to the cutoff; None if done or not yet created then."""
        if not self._history.was_open(row):
            return None
        changes, was_likely_open = self._feed.changes, self._history.was_likely_open(row)
        due, untraced = row.due, set[Change]()
        if row.id in changes.deadlines:
            before = changes.deadlines[row.id][1]
            due, untraced = (row.due, {Change.DEADLINE}) if before is None else (before, untraced)
        if self._history.is_uncertain(row) and (untraced or 0 < due < self._session.cutoff):
            untraced.add(Change.COMPLETION)
        if row.lead and was_likely_open and self._history.is_uncertain(row):
            untraced.add(Change.BINDING)  # it covers its deal if it was open
        if not was_likely_open:
            due = 0  # likely done: it counts nothing, yet the number is not certain
        owner = changes.owner("task", row.id, row.owner)
        return Task(
            id=str(row.id),
            title=row.title(self._session.account),
            manager=str(owner or ""),
            deadline=self._session.account.deadline(due, row.duration),
            created_at=datetime.fromtimestamp(row.created, UTC),
            done_at=datetime.fromtimestamp(changes.done[row.id], UTC) if row.done else None,
            deals=frozenset({str(row.lead)} if row.lead and was_likely_open else ()),
            place=entity_path(row.entity),
            changed=frozenset(untraced),
        )
