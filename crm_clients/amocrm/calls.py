"""Read calls: notes of two types on leads, contacts and companies."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.values import as_int, encode_entity, entity_path
from scoring.records import Call

CALL_IN, CALL_OUT = "call_in", "call_out"
TALKED, UNANSWERED = 4, frozenset({1, 5, 6, 7})
"""`call_status`: talked; left a message, wrong number, no answer, busy. For other statuses the duration decides."""


async def read_calls(session: ReadSession) -> None:
    """Read the calls of the window; a call noted on several entities counts once. Raises CrmError."""
    seen: set[str] = set()
    for entity in ("leads", "contacts", "companies"):

        async def take(rows: list[Row], entity: str = entity) -> None:
            calls = [call for row in rows if (call := _call(session, row, entity, seen)) is not None]
            await session.emit(calls)

        types = f"filter[note_type][]={CALL_IN}&filter[note_type][]={CALL_OUT}"
        filters = f"{types}&filter[updated_at][from]={session.start}&order[id]=asc"
        await session.lists.shifting(session.query(f"{entity}/notes", filters, f"calls on {entity}"), take)


def _call(session: ReadSession, row: Row, entity: str, seen: set[str]) -> Call | None:
    """Convert a note to a call; None for other notes, calls outside of the window, and calls already seen."""
    at, note_type = as_int(row.get("created_at")), row.get("note_type")
    if note_type not in (CALL_IN, CALL_OUT) or not session.covers(at):
        return None
    given = row.get("params")
    params: dict[str, Any] = given if isinstance(given, dict) else {}
    key, user = as_int(row["id"]), _caller(row, params)
    seconds = max(0, as_int(params.get("duration")))
    status = as_int(params.get("call_status"))
    phone = str(params.get("phone") or "").strip()
    mark = str(params.get("uniq") or "").strip()
    mark = mark or (phone and f"{note_type} {phone} {at} {seconds} {status} {user}")
    if mark in seen:
        return None
    if mark:
        seen.add(mark)
    return Call(
        id=str(key),
        title=phone or f"#{key}",
        manager=str(user or ""),
        ended_at=datetime.fromtimestamp(at, UTC),
        seconds=seconds,
        incoming=note_type == CALL_IN,
        answered=status == TALKED or (seconds > 0 and status not in UNANSWERED),
        place=entity_path(encode_entity(entity, as_int(row.get("entity_id")))),
    )


def _caller(row: Row, params: dict[str, Any]) -> int:
    """Return the user of a call: the note's responsible user, else the telephony's name, else the note's author."""
    responsible = as_int(row.get("responsible_user_id"))
    return responsible or as_int(params.get("call_responsible")) or as_int(row.get("created_by"))
