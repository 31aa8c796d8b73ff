"""Read calls: notes of two types on leads, contacts and companies."""

from __future__ import annotations

from datetime import UTC, datetime

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.control.told_notes import ensure_listed, read_told_notes
from crm_clients.amocrm.rows import as_id
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.wire import WireCall, WireNote, as_int, encode_entity, entity_path, is_one_of
from crm_clients.errors import MalformedRow
from crm_clients.shared.rows import malformed, typed_row, unreadable
from scoring.phone_numbers import last_digits
from scoring.records import Call, Fact, RecordKind

CALL_IN, CALL_OUT = "call_in", "call_out"
INCOMING, OUTGOING = "incoming_call", "outgoing_call"
"""Types of the events that tell of such notes."""
TALKED, UNANSWERED = 4, frozenset({1, 5, 6, 7})
"""`call_status`: talked; left a message, wrong number, no answer, busy. For other statuses the duration decides."""
LONGEST = 1_000_000
SURE_TALK = 60
"""Seconds of talk that are no missed call, whatever the status."""


async def read_calls(session: ReadSession) -> None:
    """Read the calls of the window; a call noted on several entities counts once. Raises CrmError."""
    seen: set[str] = set()
    listed: set[int] = set()
    told = await read_told_notes(session, (INCOMING, OUTGOING), session.start, "events of calls")
    for entity in ("leads", "contacts", "companies"):

        async def take(rows: list[Row], entity: str = entity) -> None:
            listed.update(as_id(row.get("id")) for row in rows)
            facts = [fact for row in rows if (fact := _fact(session, row, entity, seen)) is not None]
            await session.emit(facts)

        types = f"filter[note_type][]={CALL_IN}&filter[note_type][]={CALL_OUT}"
        filters = f"{types}&filter[updated_at][from]={session.start}&order[id]=asc"
        await session.lists.shifting(session.query(f"{entity}/notes", filters, f"calls on {entity}"), take)
    await ensure_listed(session, told, listed, "calls", lambda row: _must_be_listed(session, row))


def _must_be_listed(session: ReadSession, row: Row) -> bool:
    is_call = row.get("note_type") in (CALL_IN, CALL_OUT) and not row.get("is_deleted")
    return is_call and as_int(row.get("updated_at")) >= session.start


def _fact(session: ReadSession, raw: Row, entity: str, seen: set[str]) -> Fact | None:
    """Convert a note to a call, or to a fact that the calls of its user cannot be counted; None for any other note."""
    if not is_one_of(raw.get("note_type"), (CALL_IN, CALL_OUT)):
        return None
    what = f"calls on {entity}"
    try:
        note = session.decode(raw, WireNote, what)
        details = typed_row({**dict(note.params), "id": note.id}, WireCall, what)
        return None if note.is_deleted else _call(session, note, details, entity, seen)
    except MalformedRow as error:
        return unreadable(error, RecordKind.CALLS, str(as_id(raw.get("responsible_user_id")) or ""))


def _call(session: ReadSession, note: WireNote, details: WireCall, entity: str, seen: set[str]) -> Call | None:
    """Convert a note; None for calls outside of the window and calls already seen. Raises MalformedRow."""
    status, seconds = as_int(details.call_status), _seconds(note, details)
    # Telephonies date the note by the start of the call or when they write it: no call ends after its last change.
    end = min(note.created_at + (seconds or 0), max(note.created_at, note.updated_at))
    if not session.covers(end):
        return None
    user = note.responsible_user_id or as_int(details.call_responsible) or note.created_by
    phone = str(details.phone or "").strip()
    mark = str(details.uniq or "").strip()
    mark = mark or (phone and f"{note.note_type} {phone} {note.created_at} {seconds} {status} {user}")
    if mark in seen:
        return None
    if mark:
        seen.add(mark)
    answered = _was_answered(status, seconds)
    return Call(
        id=str(note.id),
        title=last_digits(phone) or f"#{note.id}",
        manager=str(user or ""),
        ended_at=datetime.fromtimestamp(end, UTC),
        seconds=seconds if seconds is not None or answered else 0,
        incoming=note.note_type == CALL_IN,
        answered=answered,
        place=entity_path(encode_entity(entity, note.entity_id)),
    )


def _seconds(note: WireNote, details: WireCall) -> int | None:
    """Return the length of a call; None if amoCRM does not say. Raises MalformedRow for what is no length."""
    if details.duration in (None, ""):
        return None
    text = str(details.duration)
    if not text.isdecimal() or int(text) > LONGEST:
        raise malformed({"id": note.id}, "calls", "a duration that is no number of seconds")
    return int(text)


def _was_answered(status: int, seconds: int | None) -> bool | None:
    """Tell whether anybody answered; None if neither status nor duration says so."""
    if seconds is None and not status:
        return None
    talk = seconds or 0
    return status == TALKED or talk >= SURE_TALK or (talk > 0 and status not in UNANSWERED)
