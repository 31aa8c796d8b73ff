"""amoCRM's tasks as they stood at the cutoff, whatever has been done to them since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from crm_clients.amocrm_account import whole
from crm_clients.amocrm_api import Row
from crm_clients.amocrm_history import DONE, OWNER, TASK_EVENTS, Since
from crm_clients.amocrm_job import Job, Look, Places
from scoring.records import Meeting, Task

HELD = 25_000
"""Tasks kept back until the changes since the cutoff have been looked at once more."""
EXPLAINED = 2
"""Seconds between a change of a row and the event that tells of it."""


@dataclass(frozen=True, slots=True)
class TaskLine:
    """What matters of a task's row, small enough to be kept by the ten thousand."""

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
            place=Places.pack(entity, number),
            lead=number if entity == "leads" else 0,
        )


class TaskBook:
    """What has happened to tasks since the cutoff, and what that says of deals."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._lock = asyncio.Lock()
        self._rows, self._events = Look(job.cutoff), Look(job.cutoff)
        self.since = Since(job.cutoff)
        self.changed: dict[int, TaskLine] = {}
        """Rows changed since the cutoff."""
        self._had: set[int] = set()
        """Deals with a task that was open at the cutoff."""
        self._fresh: set[int] = set()
        """Deals that got a task since the cutoff."""
        self._older: dict[int, bool] = {}
        """Whether such a deal had another one before."""

    async def look(self) -> None:
        """Learn of the changes up to now. Raises CrmError."""
        async with self._lock:
            job = self._job
            if not job.is_over:
                return
            # Rows first: every completion seen in them has its event by then.
            begin = self._rows.span(job.now)
            query = f"filter[updated_at][from]={begin}&order[id]=asc"
            await job.api.shifting("tasks", query, job.deadline, "tasks changed since the cutoff", self._take)
            begin = self._events.span(job.now)
            await job.events(TASK_EVENTS, begin, None, "changes of tasks since the cutoff", self._learn)
            self._bind(self.changed.values())
            await self._ask_for_older()

    async def _take(self, rows: list[Row]) -> None:
        for row in rows:
            line = TaskLine.of(row)
            if line.updated >= self._job.cutoff:
                self.changed[line.id] = line

    async def _learn(self, events: list[Row]) -> None:
        self.since.add(events)

    def _bind(self, lines: Iterable[TaskLine]) -> None:
        for line in lines:
            if not line.lead:
                continue
            if line.created >= self._job.cutoff:
                if not line.done:
                    self._fresh.add(line.lead)
            elif self.was_open(line):
                self._had.add(line.lead)

    async def _ask_for_older(self) -> None:
        """A deal with a new task may have had an old one all along: its row does not tell."""
        asked = self._fresh - self._had - self._older.keys()
        if not asked:
            return
        self._older.update(dict.fromkeys(asked, False))

        async def take(rows: list[Row]) -> None:
            for line in map(TaskLine.of, rows):
                if line.lead in self._older and not line.done and line.created < self._job.cutoff:
                    self._older[line.lead] = True

        query = "filter[entity_type]=leads&filter[is_completed]=0"
        await self._job.api.by_id(
            "tasks", query, "entity_id", asked, self._job.deadline, "tasks of deals that got a new one", take
        )

    def was_open(self, line: TaskLine) -> bool:
        """Whether it was open at the cutoff."""
        return line.created < self._job.cutoff and (not line.done or line.id in self.since.done)

    def covers(self, lead: int, *, open_now: bool) -> bool:
        """Whether a deal had an open task at the cutoff, given whether it has one now."""
        if lead in self._had:
            return True
        return open_now and self._older.get(lead, True)

    def is_doubtful(self, line: TaskLine) -> bool:
        """Whether it was changed since the cutoff in a way that no event tells (undone, for one)."""
        return line.updated >= self._job.cutoff and self.since.touched.get(line.id, 0) + EXPLAINED < line.updated

    def task(self, line: TaskLine) -> Task | None:
        """As it was at the cutoff; None if it was not there or done already."""
        if not self.was_open(line):
            return None
        since, account = self.since, self._job.account
        due, doubtful = line.due, self.is_doubtful(line)
        if line.id in since.deadlines:
            before = since.deadlines[line.id][1]
            due, doubtful = (line.due, True) if before is None else (before, doubtful)
        owner = since.owner("task", line.id, line.owner)
        if not line.lead and line.place and self._job.concerns(owner):
            self._job.places.tasks[line.id] = line.place
        return Task(
            id=str(line.id),
            title=_title(self._job, line),
            manager=str(owner or ""),
            deadline=account.deadline(due, line.duration),
            created_at=datetime.fromtimestamp(line.created, UTC),
            done_at=datetime.fromtimestamp(since.done[line.id], UTC) if line.done else None,
            deals=frozenset({str(line.lead)} if line.lead else ()),
            doubtful=frozenset({"overdue_tasks"} if doubtful else ()),
        )


async def read_tasks(job: Job, book: TaskBook) -> None:
    """Tasks that were overdue at the cutoff, and those changed since; of the others the deals' own rows tell."""
    held: list[TaskLine] = []
    sorted_so_far = True
    last = 0

    async def release() -> None:
        await book.look()
        await job.emit([task for line in held if (task := book.task(line)) is not None])
        held.clear()

    async def take(rows: list[Row]) -> bool:
        nonlocal sorted_so_far, last
        for line in map(TaskLine.of, rows):
            sorted_so_far = sorted_so_far and line.due >= last
            last = line.due
            if not line.done and 0 < line.due < job.cutoff:
                held.append(line)
        if len(held) >= HELD:
            await release()
        return not sorted_so_far or last < job.cutoff

    if job.wants("overdue_tasks"):
        query = "filter[is_completed]=0&order[complete_till]=asc"
        await job.api.shifting("tasks", query, job.deadline, "open tasks", take)
    await release()
    changed = [task for line in book.changed.values() if (task := book.task(line)) is not None]
    await job.emit(changed)


async def read_meetings(job: Job) -> None:
    """Tasks of a meeting type that were completed in the window: the event tells when, the row what and whose."""
    completed: dict[int, int] = {}
    lines: list[TaskLine] = []
    since = Since(job.cutoff)
    types = job.account.meeting_types(job.config.meeting_types)

    async def note(events: list[Row]) -> None:
        for event in events:
            at, task = whole(event.get("created_at")), whole(event.get("entity_id"))
            if event.get("type") == DONE and job.start <= at < job.cutoff and task:
                completed[task] = max(at, completed.get(task, 0))

    async def take(rows: list[Row]) -> None:
        lines.extend(line for line in map(TaskLine.of, rows) if line.type in types and line.id in completed)

    async def learn(events: list[Row]) -> None:
        since.add(events)

    await job.events((DONE,), job.start, job.cutoff, "completed tasks", note)
    await job.api.by_id("tasks", "", "id", completed, job.deadline, "completed tasks", take)
    if lines and job.is_over:
        await job.events((DONE, OWNER), job.cutoff, None, "changes of meetings since the cutoff", learn)
    await job.emit([fact for line in lines if (fact := _meeting(job, line, completed[line.id], since)) is not None])


def _meeting(job: Job, line: TaskLine, held_at: int, since: Since) -> Meeting | None:
    # Not done now: undone before the cutoff, so not held; or undone since, which no event tells.
    undone = not line.done or line.id in since.done
    if undone and line.updated < job.cutoff:
        return None
    owner = since.owner("task", line.id, line.owner)
    if line.place and job.concerns(owner):
        job.places.tasks[line.id] = line.place
    return Meeting(
        id=str(line.id),
        title=_title(job, line),
        manager=str(owner or ""),
        held_at=datetime.fromtimestamp(held_at, UTC),
        doubtful=frozenset({"meetings_held"} if undone else ()),
    )


def _title(job: Job, line: TaskLine) -> str:
    """Its text; many tasks have none, then its type."""
    return line.text.strip() or job.account.task_types.get(line.type, ("", ""))[0] or f"#{line.id}"
