"""What has happened in amoCRM since the cutoff, looked at as often as needed and as seldom as possible."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from crm_clients.amocrm.account import whole
from crm_clients.amocrm.answers import BadRequest, Row
from crm_clients.amocrm.history import DONE, LEAD_EVENTS, TASK_EVENTS, ChangesSinceCutoff, is_completion
from crm_clients.amocrm.session import Checkpoint, Job, pack
from crm_clients.errors import CrmError, DeadlineExceeded
from crm_clients.shared.http import Deadline
from scoring.records import RecordKind

EVENT_IDS = 10
"""Entities in one filter of events: more are refused."""
EXPLAINED = 2
"""Seconds between a change of a row and the event that tells of it."""
PATIENCE_SECONDS = 5.0
"""How long a kind that is read waits for the others, to share the last look with them."""
_TYPES = {RecordKind.DEALS: LEAD_EVENTS, RecordKind.TASKS: TASK_EVENTS, RecordKind.MEETINGS: TASK_EVENTS}


class TaskLine(NamedTuple):
    """What matters of a task's row."""

    id: int
    text: str
    owner: int
    due: int
    duration: int
    created: int
    updated: int
    done: bool
    type: int
    place: int
    """The entity it hangs on, packed."""
    lead: int

    @classmethod
    def of(cls, row: Row) -> TaskLine:
        """From the wire."""
        entity, number = row.get("entity_type"), whole(row.get("entity_id"))
        return cls(
            id=whole(row["id"]),
            text=str(row.get("text") or ""),
            owner=whole(row.get("responsible_user_id")),
            due=whole(row.get("complete_till")),
            duration=whole(row.get("duration")),
            created=whole(row.get("created_at")),
            updated=whole(row.get("updated_at")),
            done=bool(row.get("is_completed")),
            type=whole(row.get("task_type_id")),
            place=pack(entity, number),
            lead=number if entity == "leads" else 0,
        )


class Changes:
    """Changes of deals and tasks since the cutoff, shared by the kinds that must be rolled back to it.

    A row is certain once a look has begun after the row was read.
    """

    def __init__(self, job: Job, kinds: Iterable[RecordKind]) -> None:
        self._job = job
        self._kinds = frozenset(kinds) & _TYPES.keys()
        self._missing = set(self._kinds)
        self._all_here = asyncio.Event()
        self._lock = asyncio.Lock()
        self._begun = self._done = 0
        """How many looks."""
        self._begun_before_the_last = 0
        """How many had begun when the last kind was read: all share the next one."""
        self._rows, self._events = Checkpoint(job.cutoff), Checkpoint(job.cutoff)
        self.since = ChangesSinceCutoff(job.cutoff)
        self.tasks_error: CrmError | None = None
        """Why changed tasks could not be read; what happened to deals is known all the same."""
        self.tasks: dict[int, TaskLine] = {}
        """Tasks changed since the cutoff."""
        self._had: set[int] = set()
        """Deals with a task that was open at the cutoff."""
        self._fresh: set[int] = set()
        """Deals that have had a task since the cutoff only, as far as is known."""
        self._hazy: set[int] = set()
        """Deals with a task that may have been open or done at the cutoff."""
        self._older: dict[int, bool] = {}
        """Whether such a deal had another one before."""
        self._finished: dict[int, bool] = {}
        """Whether a task had been completed before the cutoff at some time."""

    @property
    def knows_tasks(self) -> bool:
        """Whether tasks are looked at, and could be."""
        return RecordKind.TASKS in self._kinds and self.tasks_error is None

    def ensure_tasks(self) -> None:
        """Raise why changed tasks could not be read, if they could not."""
        if self.tasks_error is not None:
            raise type(self.tasks_error)(str(self.tasks_error))

    async def settle(self, kind: RecordKind) -> None:
        """The last look of a kind whose rows are all read; kinds that end together share it. Raises CrmError."""
        if not self._job.is_over:
            return
        begun = self._begun
        self.leave(kind)
        await self._wait_for_others()
        await self._look_after(self._begun_before_the_last if self._all_here.is_set() else begun)

    def leave(self, kind: RecordKind) -> None:
        """A kind is read, or failed: nobody waits for it any longer."""
        self._missing.discard(kind)
        if not self._missing and not self._all_here.is_set():
            self._begun_before_the_last = self._begun
            self._all_here.set()

    async def _wait_for_others(self) -> None:
        if self._all_here.is_set():
            return
        waiting = [
            asyncio.ensure_future(self._all_here.wait()),
            asyncio.ensure_future(self._job.api.http.clock.sleep(PATIENCE_SECONDS)),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def look(self) -> None:
        """Learn of the changes up to now, unless somebody else begins to after this call. Raises CrmError."""
        if self._job.is_over:
            await self._look_after(self._begun)

    async def _look_after(self, earlier: int) -> None:
        """Look, unless more than so many looks are done meanwhile."""
        async with self._lock:
            if self._done > earlier:
                return
            self._begun += 1
            await self._look_at_tasks()
            await self._look_at_events()
            self._done = self._begun

    async def _look_at_tasks(self) -> None:
        """Before the events: whatever completion is seen in a row, its event is there by then."""
        if not self.knows_tasks:
            return
        job = self._job
        query = f"filter[updated_at][from]={self._rows.span(job.now)}&order[id]=asc"
        try:
            await job.api.shifting("tasks", query, job.deadline, "tasks changed since the cutoff", self._take)
        except CrmError as error:
            self.tasks_error = error

    async def _look_at_events(self) -> None:
        job = self._job
        types = tuple(dict.fromkeys(name for kind in sorted(self._kinds) for name in _TYPES[kind]))
        await job.events(types, self._events.span(job.now), None, "changes since the cutoff", self._learn)
        if not self.knows_tasks:
            return
        try:
            await self._ask_for_finished()
            self._bind(self.tasks.values())
            await self._ask_for_older()
        except CrmError as error:
            self.tasks_error = error

    async def _take(self, rows: list[Row]) -> None:
        for line in map(TaskLine.of, rows):
            if line.updated >= self._job.cutoff:
                self.tasks[line.id] = line

    async def _learn(self, events: list[Row]) -> None:
        self.since.add(events)

    async def _ask_for_finished(self) -> None:
        """A task that is open, or was completed since, may have been done at the cutoff: no event tells of undoing."""
        job = self._job
        asked = {
            line.id: line.created
            for line in self.tasks.values()
            if self.was_open(line) and line.id not in self._finished
        }
        if not asked:
            return
        self._finished.update(dict.fromkeys(asked, True))  # until it is known better
        deadline = Deadline(job.deadline.remaining("earlier completions of tasks") / 2, job.api.http.clock)

        async def read(part: list[int]) -> None:
            found: set[int] = set()

            async def take(events: list[Row]) -> None:
                found.update(whole(event.get("entity_id")) for event in events if is_completion(event, job.cutoff))

            chosen = "&".join(["filter[entity]=task", *(f"filter[entity_id][]={key}" for key in part)])
            since = min(asked[key] for key in part)
            what = "earlier completions of tasks"
            await job.events((DONE,), since, job.cutoff, what, take, extra=chosen, deadline=deadline)
            self._finished.update((key, key in found) for key in part)

        with suppress(DeadlineExceeded, BadRequest):
            await job.api.in_parts(asked, EVENT_IDS, read)

    def _bind(self, lines: Iterable[TaskLine]) -> None:
        for line in lines:
            if not line.lead:
                continue
            if self.is_likely_open(line):
                self._had.add(line.lead)
            elif not line.done or line.created >= self._job.cutoff:
                self._fresh.add(line.lead)
            if self.was_open(line) and self.may_have_been_done(line):
                self._hazy.add(line.lead)

    async def _ask_for_older(self) -> None:
        """A deal with a new task may have had an old one all along: its row does not tell."""
        asked = self._fresh - self._had - self._older.keys()
        if not asked:
            return
        self._older.update(dict.fromkeys(asked, False))

        async def take(rows: list[Row]) -> None:
            for line in map(TaskLine.of, rows):
                if line.lead in self._older and not line.done and self.is_likely_open(line):
                    self._older[line.lead] = True

        query = "filter[entity_type]=leads&filter[is_completed]=0"
        await self._job.api.by_id(
            "tasks", query, "entity_id", asked, self._job.deadline, "tasks of deals that got a new one", take
        )

    def was_open(self, line: TaskLine) -> bool:
        """Whether a task was open at the cutoff, or may have been."""
        return line.created < self._job.cutoff and (not line.done or line.id in self.since.done)

    def may_have_been_done(self, line: TaskLine) -> bool:
        """Whether it had been completed before the cutoff, and was undone no one knows when."""
        return line.updated >= self._job.cutoff and self._finished.get(line.id, False)

    def is_likely_open(self, line: TaskLine) -> bool:
        """The likelier of both: a task that had been done, and has a change that no event tells, was undone since."""
        return self.was_open(line) and not (self.may_have_been_done(line) and self.is_unexplained(line))

    def covers(self, lead: int, *, open_now: bool) -> bool:
        """Whether a deal had an open task at the cutoff, given whether it has one now."""
        return lead in self._had or (open_now and self._older.get(lead, True))

    def is_hazy(self, lead: int) -> bool:
        """Whether it is not certain that a deal had, or had not, an open task at the cutoff."""
        return lead in self._hazy

    def is_doubtful(self, line: TaskLine) -> bool:
        """Whether it may have stood otherwise at the cutoff."""
        return self.may_have_been_done(line) or self.is_unexplained(line)

    def is_unexplained(self, line: TaskLine) -> bool:
        """Whether it was changed since the cutoff in a way that no event tells (undone, for one)."""
        return line.updated >= self._job.cutoff and self.since.touched.get(line.id, 0) + EXPLAINED < line.updated
