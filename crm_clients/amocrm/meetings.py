"""Read meetings as at the cutoff: amoCRM keeps a meeting as a task of a meeting type."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from functools import partial

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.control.known_rows import KnownRows
from crm_clients.amocrm.history.change_feed import ChangeFeed
from crm_clients.amocrm.history.changes import TASK_DONE, ChangesSinceCutoff
from crm_clients.amocrm.history.task_history import EVENT_IDS
from crm_clients.amocrm.rows import MalformedRows, TaskRow
from crm_clients.amocrm.session import ReadSession, of_entities
from crm_clients.amocrm.wire import WireEvent, as_int, entity_path
from crm_clients.errors import CrmUnavailable
from scoring.records import Change, Meeting, RecordKind

LATEST = 250
"""Completed tasks changed since the window's start, the latest of which the events must tell of."""


async def read_meetings(session: ReadSession, feed: ChangeFeed) -> None:
    """Read meetings held in the window. Raises CrmError.

    The event of a completion tells when a meeting was held, the task's row type and manager.
    """
    completed: dict[int, int] = {}
    rows: list[TaskRow] = []
    known = KnownRows(session, "tasks", "completed tasks")
    malformed = MalformedRows(RecordKind.MEETINGS, "task")
    types = session.account.meeting_types(session.config.meeting_types)

    async def note(events: list[WireEvent]) -> None:
        for event in events:
            if session.covers(event.created_at):
                completed[event.entity_id] = max(event.created_at, completed.get(event.entity_id, 0))

    async def take(page: list[Row]) -> None:
        known.note(page)
        tasks = malformed.sift(page, partial(TaskRow.parse, session))
        rows.extend(row for row in tasks if row.type in types and row.id in completed and not row.deleted)

    await known.ask_latest(f"filter[is_completed]=1&filter[updated_at][from]={session.start}&order[id]=desc", LATEST)
    await session.read_events((TASK_DONE,), session.start, session.cutoff, "completed tasks", note)
    await session.lists.by_ids(session.query("tasks", "", "completed tasks"), "id", completed, take)
    await _ensure_whole(session, known, types, completed)
    await feed.finish(RecordKind.MEETINGS)
    meetings = (_meeting(session, row, completed[row.id], feed.changes) for row in rows)
    await session.emit(meeting for meeting in meetings if meeting is not None)
    await session.emit(malformed.facts(feed.changes))


async def _ensure_whole(
    session: ReadSession, known: KnownRows, types: Collection[int], completed: Collection[int]
) -> None:
    """Raise CrmUnavailable if the list or the events lack a meeting that amoCRM tells of elsewhere."""

    def is_meeting(row: Row) -> bool:
        return (
            row.get("is_completed") is True and as_int(row.get("task_type_id")) in types and not row.get("is_deleted")
        )

    async def contradict(events: list[WireEvent]) -> None:
        for event in events:
            if event.entity_id in untold:
                raise CrmUnavailable(f"completed tasks: amoCRM's events lack the completion of task {event.entity_id}")

    await known.ensure(lambda row: row["id"] in completed and is_meeting(row))

    def is_told(row: Row) -> bool:
        return session.covers(as_int(row.get("updated_at"))) and known.is_settled(row) and is_meeting(row)

    untold = known.latest(is_told, EVENT_IDS)
    if untold:
        chosen = of_entities("task", untold)
        what = "completions of the latest meetings"
        await session.read_events((TASK_DONE,), session.start, session.cutoff, what, contradict, filters=chosen)


def _meeting(session: ReadSession, row: TaskRow, held_at: int, changes: ChangesSinceCutoff) -> Meeting | None:
    """Roll a meeting back to the cutoff; None if opened again before the cutoff."""
    is_unchanged = row.updated < session.cutoff  # whatever is told of it happened after the row was read
    if is_unchanged and not row.done:
        return None
    was_undone = not is_unchanged and (not row.done or row.id in changes.done)
    # Undone before the cutoff, so not held; or since, which no event tells: likelier if it had another such change.
    was_held = not was_undone or not changes.explain("task", row.id, row.updated)
    owner = changes.owner("task", row.id, row.owner)
    return Meeting(
        id=str(row.id),
        title=row.title(session.account),
        manager=str(owner or ""),
        held_at=datetime.fromtimestamp(held_at, UTC) if was_held else None,
        place=entity_path(row.entity),
        changed=frozenset({Change.COMPLETION} if was_undone else ()),
    )
