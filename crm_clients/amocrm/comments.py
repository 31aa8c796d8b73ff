"""Read human comments on open deals: a deal once commented is remembered, and notes are not read again."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Collection, Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.control.told_notes import ToldNote, ensure_listed, read_told_notes
from crm_clients.amocrm.history.changes import NOTE_DELETED, entity_of
from crm_clients.amocrm.rows import as_id
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.wire import WireEvent, WireNote, as_int, is_one_of
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.comment_cache import CommentCache
from scoring.records import Comment, Fact

COMMENT = "common"
"""Type of a note written by a user or by an integration."""


COMMENT_ADDED, TOLD_SECONDS = "common_note_added", 14 * 86_400
"""Events that tell of comments, and how far back the latest events are looked for."""


class CommentReader:
    """Read comments of the deals that the client's memory does not know as commented."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._known = CommentCache()

    async def load(self) -> None:
        """Load the deals commented by an earlier cutoff, without deals that have lost a comment. Raises CrmError."""
        session = self._session
        kept = await CommentCache.load(session.memory, session.cutoff)
        if not kept.until:
            return
        lost: set[int] = set()

        async def take(events: list[WireEvent]) -> None:
            lost.update(event.entity_id for event in events)

        await session.read_events((NOTE_DELETED,), kept.until, None, "deleted comments", take)
        left = (lead for lead in kept.deals if lead not in lost)
        self._known = await asyncio.to_thread(CommentCache, left, kept.until) if lost else kept

    def is_known(self, lead: int) -> bool:
        """Tell whether a deal is known to have a comment."""
        return lead in self._known

    async def read(self, leads: array[int]) -> None:
        """Read the notes of deals that are not known to be commented, and remember the found. Raises CrmError."""
        session = self._session
        found: set[int] = set()
        listed: set[int] = set()
        told = await read_told_notes(session, (COMMENT_ADDED,), session.cutoff - TOLD_SECONDS, "events of comments")

        async def take(rows: list[Row]) -> None:
            listed.update(as_id(row.get("id")) for row in rows)
            facts: list[Fact] = []
            for row in _comments(session, rows):
                if row.created_by and row.created_at < session.cutoff and row.entity_id not in found:
                    found.add(row.entity_id)
                    facts.append(Comment(str(row.entity_id), datetime.fromtimestamp(row.created_at, UTC)))
            await session.emit(facts)

        unknown = (lead for lead in leads if not self.is_known(lead))
        query = session.query("leads/notes", f"filter[note_type][]={COMMENT}", "comments")
        await session.lists.by_ids(query, "entity_id", unknown, take, self._ensure_silent)
        await self._ensure_whole(leads, [note for note in told if note.entity not in found], listed)
        await self._state_deleted(leads, found)
        until = min(session.cutoff, session.now)  # a reading before the cutoff knows nothing of the time until then
        known = await asyncio.to_thread(CommentCache, chain(filter(self.is_known, leads), found), until)
        await known.save(session.memory)

    async def _state_deleted(self, leads: array[int], found: Collection[int]) -> None:
        """State that deals which lost a comment since the cutoff were commented at the cutoff."""
        session = self._session
        lost: set[int] = set()

        async def take(events: list[WireEvent]) -> None:
            lost.update(key for kind, key in map(entity_of, events) if kind == "lead")

        if session.is_past_cutoff:
            what = "comments deleted since the cutoff"
            await session.read_events((NOTE_DELETED,), session.cutoff, None, what, take)
            await session.emit(Comment(str(lead)) for lead in leads if lead in lost and lead not in found)

    async def _ensure_silent(self, leads: list[int]) -> None:
        """Ask in other words for a comment of deals that show none. Raises CrmUnavailable if there is a comment."""
        session = self._session
        ids = "&".join(f"filter[entity_id][]={lead}" for lead in leads)
        filters = f"filter[note_type][]={COMMENT}&{ids}&order[updated_at]=desc"
        page = await session.api.page(session.query("leads/notes", filters, "the latest comment"), limit=1)
        for row in page.rows:
            is_settled = as_int(row.get("updated_at")) < session.settled
            if row.get("entity_id") in leads and is_settled and self._must_be_listed(row):
                raise CrmUnavailable(f"comments: amoCRM's list lacks row {row['id']}, so the list is not whole")

    async def _ensure_whole(self, leads: array[int], told: Collection[ToldNote], listed: set[int]) -> None:
        """Raise CrmUnavailable if the list lacks a comment that an event tells of."""
        entities = {note.entity for note in told if note.path == "leads/notes" and note.author}
        asked = {lead for lead in leads if lead in entities and not self.is_known(lead)}
        notes = [note for note in told if note.entity in asked and note.author]
        await ensure_listed(self._session, notes, listed, "comments", self._must_be_listed)

    def _must_be_listed(self, row: Row) -> bool:
        is_comment = row.get("note_type") == COMMENT and not row.get("is_deleted")
        return is_comment and bool(row.get("created_by")) and as_int(row.get("created_at")) < self._session.cutoff


def _comments(session: ReadSession, rows: Iterable[Row]) -> Iterator[WireNote]:
    """Decode the comments among notes; deleted notes do not count. Raises MalformedRow."""
    for raw in rows:
        if is_one_of(raw.get("note_type"), (COMMENT,)):
            row = session.decode(raw, WireNote, "comments")
            if not row.is_deleted:
                yield row
