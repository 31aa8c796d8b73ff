"""Compare the lists of notes with the events that tell of notes: calls and comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import EVENTS_PAGE
from crm_clients.amocrm.control.known_rows import ensure_hidden
from crm_clients.amocrm.rows import as_id
from crm_clients.amocrm.session import ReadSession

_PLURAL = {"lead": "leads", "contact": "contacts", "company": "companies"}


class ToldNote(NamedTuple):
    """Describe a note that an event tells of."""

    id: int
    path: str
    """List that must show the note."""
    entity: int
    author: int
    """User who wrote the note; 0 for a robot."""


async def read_told_notes(session: ReadSession, types: Sequence[str], since: int, what: str) -> list[ToldNote]:
    """Read the latest events of some types before the cutoff, a page of them. Raises CrmError."""
    query = session.events_query(types, since, min(session.cutoff, session.settled), what)
    page = await session.api.page(query, limit=EVENTS_PAGE)
    notes = (_told_note(row) for row in page.rows if row.get("type") in types)
    return [note for note in notes if note is not None]


async def ensure_listed(
    session: ReadSession, notes: Iterable[ToldNote], seen: set[int], what: str, is_expected: Callable[[Row], bool]
) -> None:
    """Ask by id for told notes that no list has shown. Raises CrmUnavailable if amoCRM shows an expected note."""
    missing: dict[str, list[int]] = {}
    for note in notes:
        if note.id not in seen:
            missing.setdefault(note.path, []).append(note.id)
            session.known.add(note.path)
    for path, ids in missing.items():
        await ensure_hidden(session, path, what, ids, is_expected)


def _told_note(event: Row) -> ToldNote | None:
    """Extract the note that an event tells of; None for an event of another form, which proves nothing."""
    try:
        number = as_id(event["value_after"][0]["note"]["id"])
    except (LookupError, TypeError):
        return None
    path = _PLURAL.get(str(event.get("entity_type")))
    entity, author = as_id(event.get("entity_id")), as_id(event.get("created_by"))
    return ToldNote(number, f"{path}/notes", entity, author) if number and path and entity else None
