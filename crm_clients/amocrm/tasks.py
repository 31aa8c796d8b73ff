"""amoCRM's tasks and meetings as they stood at the cutoff, whatever has been done to them since."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import pairwise

from crm_clients.amocrm.account import whole
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import FULL
from crm_clients.amocrm.buffer import RowBuffer
from crm_clients.amocrm.changes import Changes, TaskLine
from crm_clients.amocrm.history import DONE
from crm_clients.amocrm.session import Job, path
from scoring.records import Change, Meeting, RecordKind, Task

OPEN, BY_DEADLINE = "filter[is_completed]=0", "order[complete_till]"
HELD = 15_000
"""Tasks kept back until the changes since the cutoff have been looked at once more."""


class _Order:
    """Whether the list of open tasks is really sorted by their deadlines, so that its rest need not be read."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.first = self.last = 0
        self._sorted = self._rising = self._falling = True
        self._asked: bool | None = None

    def follow(self, lines: Sequence[TaskLine]) -> None:
        """Take the next page, which repeats some rows of the one before."""
        for before, line in pairwise(lines):
            self._sorted = self._sorted and before.due <= line.due
            self._rising = self._rising and before.id <= line.id
            self._falling = self._falling and before.id >= line.id
        self.first = self.first or lines[0].due
        self._sorted = self._sorted and lines[-1].due >= self.last
        self.last = lines[-1].due

    async def holds(self) -> bool:
        """Deadlines that rise as the ids do (or fall) prove nothing: then the other end of the list is looked at."""
        if not self._sorted or not (self._rising or self._falling):
            return self._sorted
        if self._asked is None:
            job = self._job
            page = await job.api.page("tasks", f"{OPEN}&{BY_DEADLINE}=desc", job.deadline, "open tasks", limit=1)
            self._asked = any(TaskLine.of(row).due >= self.last > self.first for row in page.rows)
        return self._asked


async def read_tasks(job: Job, changes: Changes) -> None:
    """Tasks that were overdue at the cutoff, and those changed since; of the others the deals' own rows tell."""
    held = RowBuffer(TaskLine)
    order = _Order(job)

    async def release(lines: Iterable[TaskLine]) -> None:
        changes.ensure_tasks()
        await job.emit(task for line in lines if (task := _task(job, line, changes)) is not None)

    async def take(rows: list[Row]) -> bool:
        nonlocal held
        lines = [TaskLine.of(row) for row in rows]
        held.extend(line for line in lines if not line.done and 0 < line.due < job.cutoff)
        if len(held) >= HELD:
            await changes.look()
            await release(held)
            held = RowBuffer(TaskLine)
        order.follow(lines)
        return order.last < job.cutoff or len(rows) < FULL or not await order.holds()

    if job.wants("overdue_tasks"):
        query = f"{OPEN}&{BY_DEADLINE}=asc"
        await job.api.shifting("tasks", query, job.deadline, "open tasks", take, key="complete_till")
    await changes.settle(RecordKind.TASKS)
    changed = list(changes.tasks.values())  # as they are now: another kind's look, half of it, may add to them
    await release(held)
    await release(changed)


def _task(job: Job, line: TaskLine, changes: Changes) -> Task | None:
    """As it was at the cutoff; None if it was not there or done already."""
    if not changes.was_open(line):
        return None
    since = changes.since
    due, changed = line.due, {Change.COMPLETION} if changes.is_doubtful(line) else set[Change]()
    if not changes.is_likely_open(line):
        due = 0  # likely done: it counts nothing, yet the number is not certain
    elif line.id in since.deadlines:
        before = since.deadlines[line.id][1]
        due, changed = (line.due, {Change.DEADLINE}) if before is None else (before, changed)
    owner = since.owner("task", line.id, line.owner)
    return Task(
        id=str(line.id),
        title=_title(job, line),
        manager=str(owner or ""),
        deadline=job.account.deadline(due, line.duration),
        created_at=datetime.fromtimestamp(line.created, UTC),
        done_at=datetime.fromtimestamp(since.done[line.id], UTC) if line.done else None,
        deals=frozenset({str(line.lead)} if line.lead and changes.is_likely_open(line) else ()),
        place=path(line.place),
        changed=frozenset(changed),
    )


async def read_meetings(job: Job, changes: Changes) -> None:
    """Tasks of a meeting type that were completed in the window: the event tells when, the row what and whose."""
    completed: dict[int, int] = {}
    lines: list[TaskLine] = []
    types = job.account.meeting_types(job.config.meeting_types)

    async def note(events: list[Row]) -> None:
        for event in events:
            at, task = whole(event.get("created_at")), whole(event.get("entity_id"))
            if event.get("type") == DONE and job.covers(at) and task:
                completed[task] = max(at, completed.get(task, 0))

    async def take(rows: list[Row]) -> None:
        lines.extend(line for line in map(TaskLine.of, rows) if line.type in types and line.id in completed)

    await job.events((DONE,), job.start, job.cutoff, "completed tasks", note)
    await job.api.by_id("tasks", "", "id", completed, job.deadline, "completed tasks", take)
    await changes.settle(RecordKind.MEETINGS)
    held = (_meeting(job, line, completed[line.id], changes) for line in lines)
    await job.emit(meeting for meeting in held if meeting is not None)


def _meeting(job: Job, line: TaskLine, held_at: int, changes: Changes) -> Meeting | None:
    since = changes.since
    as_at_cutoff = line.updated < job.cutoff  # whatever is told of it happened after the row was read
    if as_at_cutoff and not line.done:
        return None
    undone = not as_at_cutoff and (not line.done or line.id in since.done)
    # Undone before the cutoff, so not held; or since, which no event tells: likelier if it had another such change.
    held = not undone or changes.is_unexplained(line)
    owner = since.owner("task", line.id, line.owner)
    return Meeting(
        id=str(line.id),
        title=_title(job, line),
        manager=str(owner or ""),
        held_at=datetime.fromtimestamp(held_at, UTC) if held else None,
        place=path(line.place),
        changed=frozenset({Change.COMPLETION} if undone else ()),
    )


def _title(job: Job, line: TaskLine) -> str:
    """Its text; many tasks have none, then its type."""
    return line.text.strip() or job.account.task_types.get(line.type, ("", ""))[0] or f"#{line.id}"
