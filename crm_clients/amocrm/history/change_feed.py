"""Read changes since the cutoff once for all kinds of record that are rolled back to the cutoff."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from heapq import nlargest

from crm_clients.amocrm.answers import BadRequest
from crm_clients.amocrm.history.changes import FIELD_EVENTS, LEAD_EVENTS, TASK_EVENTS, ChangesSinceCutoff, Checkpoint
from crm_clients.amocrm.history.task_history import EVENT_IDS, OpenTaskHistory
from crm_clients.amocrm.session import ReadSession, of_entities
from crm_clients.amocrm.wire import WireEvent
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.concurrency import cancel
from scoring.records import RecordKind

PATIENCE_SECONDS = 5.0
"""Seconds that a kind, with all rows read, waits for other kinds to share the last refresh."""
_TYPES = {RecordKind.DEALS: LEAD_EVENTS, RecordKind.TASKS: TASK_EVENTS, RecordKind.MEETINGS: TASK_EVENTS}


class ChangeFeed:
    """Read changes since the cutoff, as often as needed and as seldom as possible.

    A row is certain once a refresh has begun after the row was read: every change before that reading is known then.
    """

    def __init__(self, session: ReadSession, kinds: Iterable[RecordKind]) -> None:
        self._session = session
        self._kinds = frozenset(kinds) & _TYPES.keys()
        self._unread = set(self._kinds)
        """Kinds with rows still to be read."""
        self._all_read = asyncio.Event()
        self._lock = asyncio.Lock()
        self._begun = self._done = 0
        """Refreshes begun, and number of the last refresh that succeeded."""
        self._checkpoint = Checkpoint(session.cutoff)
        self.changes = ChangesSinceCutoff(session.cutoff)
        self.tasks = OpenTaskHistory(session, self.changes, is_wanted=RecordKind.TASKS in self._kinds)

    async def refresh(self) -> None:
        """Read the changes up to now, unless another caller begins to after this call. Raises CrmError."""
        if self._session.is_past_cutoff:
            await self._refresh_after(self._begun)

    async def finish(self, kind: RecordKind) -> None:
        """Refresh for a kind with all rows read; kinds that end together share the refresh. Raises CrmError."""
        if not self._session.is_past_cutoff:
            return
        begun = self._begun
        self.leave(kind)
        await self._wait_for_others()
        await self._refresh_after(begun)

    def leave(self, kind: RecordKind) -> None:
        """Note that a kind is read, or has failed: other kinds stop waiting."""
        self._unread.discard(kind)
        if not self._unread:
            self._all_read.set()

    async def _wait_for_others(self) -> None:
        if self._all_read.is_set():
            return
        waiting = [
            asyncio.ensure_future(self._all_read.wait()),
            asyncio.ensure_future(self._session.api.http.clock.sleep(PATIENCE_SECONDS)),
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel(waiting)

    async def _refresh_after(self, number: int) -> None:
        """Refresh, unless a refresh later than `number` has succeeded meanwhile."""
        async with self._lock:
            if self._done > number:
                return
            self._begun += 1
            # Tasks come first: the event of a completion that a row shows is there by then.
            await self.tasks.read_changed()
            await self._read_events()
            await self.tasks.resolve()
            self._done = self._begun

    async def ensure_whole(self, kind: str, rows: Iterable[tuple[int, int]]) -> None:
        """Ask by id for the events of a few rows (second of the last update, id) whose update no event explains.

        Raises CrmUnavailable for an event that the changes since the cutoff lack.
        """
        updates = {key: second for second, key in nlargest(EVENT_IDS, rows)}
        types = LEAD_EVENTS if kind == "lead" else TASK_EVENTS

        async def compare(events: list[WireEvent]) -> None:
            for event in events:
                known = self.changes.explained.get((kind, event.entity_id), 0)
                if known < event.created_at < min(updates.get(event.entity_id, 0) + 1, self._session.settled):
                    raise CrmUnavailable(
                        f"changes since the cutoff: amoCRM's list lacks one of {kind} {event.entity_id}"
                    )

        if updates:
            chosen = of_entities(kind, updates)
            session, what = self._session, "changes of the latest rows"
            await session.read_events(types, session.cutoff, None, what, compare, filters=chosen)

    async def _read_events(self) -> None:
        session = self._session
        types = tuple(dict.fromkeys(name for kind in sorted(self._kinds) for name in _TYPES[kind]))

        async def take(events: list[WireEvent]) -> None:
            self.changes.add(events)

        since, what = self._checkpoint.advance(session.now), "changes since the cutoff"
        if RecordKind.DEALS in self._kinds and self.changes.tells_fields:
            try:
                await session.read_events((*types, *FIELD_EVENTS), since, None, what, take)
                return
            except BadRequest:  # the account knows no such events
                self.changes.tells_fields = False
        await session.read_events(types, since, None, what, take)
