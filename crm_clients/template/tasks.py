"""Read the tasks that are open now, and the tasks done since the cutoff."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_clients.shared.cleaning import clean_title
from crm_clients.template.rows import TaskRow
from crm_clients.template.session import ReadSession
from scoring.records import Task


async def read_tasks(session: ReadSession) -> AsyncIterator[Task]:
    """Yield tasks; a deadline without time of day stays a date.

    Changes since the cutoff need no mark: the client states the KPIs of tasks for the present alone.
    """
    async for row in session.rows("tasks", TaskRow, session.cutoff):
        yield task_of(row)


def task_of(row: TaskRow) -> Task:
    """Make the task of a row."""
    return Task(
        id=str(row.id),
        title=clean_title(row.title),
        manager=str(row.owner or ""),
        deadline=row.due_at or row.due_on,
        created_at=row.created_at,
        done_at=row.done_at,
        deals=frozenset(map(str, row.deals)),
    )
