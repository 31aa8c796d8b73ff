"""Tell again, after an upgrade, the states of rows that the journal told in an earlier form."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord
from storage.journal.chain import COMPANY, append, lock_head
from storage.journal.changes import load_journaled, new_row
from storage.journal.kinds import JournalKind
from storage.journal.states import COVERED, FORM, Covered

_FORMED = (JournalKind.BEGUN, JournalKind.STATES_TOLD)
"""Kinds of events that say in which form they tell states."""


async def tell_again(session: AsyncSession, at: datetime) -> bool:
    """Tell what the form of now says more than the form in which the company's journal told last, as found.

    What was told before stays as told: a row changed behind the journal's back is still a finding. Tell whether there
    was more to tell. Call in a transaction that writes nothing else: the company's chain is locked first.
    """
    if await lock_head(session, COMPANY) is None:
        return False
    form = await _last_form(session)
    if form >= FORM:
        return False
    rows: list[list[Any]] = []
    for covered in COVERED:
        if covered.belongs_to(COMPANY) and (covered.since > form or covered.later or covered.lasting):
            rows += await _added_states(session, covered, form)
    await append(session, COMPANY, JournalKind.STATES_TOLD, {"form": FORM, "rows": sorted(rows, key=_place)}, at)
    return True


def _place(row: list[Any]) -> tuple[str, str]:
    return row[0], row[1]


async def _last_form(session: AsyncSession) -> int:
    """Find the form in which the company's journal told states last."""
    event = JournalEventRecord
    query = select(event.payload).where(event.chain == COMPANY, event.kind.in_([kind.value for kind in _FORMED]))
    payload = await session.scalar(query.order_by(event.seq.desc()).limit(1))
    return 1 if payload is None else form_of(json.loads(payload)["content"]) or 1


def form_of(content: Any) -> int | None:
    """Return the form in which an event tells states from now on; None for events that say none."""
    form = content.get("form")
    return form if isinstance(form, int) else None


async def _added_states(session: AsyncSession, covered: Covered[Any], form: int) -> list[list[Any]]:
    """Fill up the kept states of a table, and return table, key and state of each row with more to tell."""
    added: list[list[Any]] = []
    records = {covered.row_of(record): record for record in await session.scalars(select(covered.record))}
    kept = await load_journaled(session, covered.name, records)
    for key, record in sorted(records.items()):
        row = kept.get(key)
        if row is None and covered.since > form:
            added.append([covered.name, key, new_row(session, covered, record).state])
        elif row is not None and row.state is not None:
            covered.give_lasting_salt(row)
            state = covered.added(row.state, covered.state(record, row))
            if state != row.state:
                row.state = state
                added.append([covered.name, key, state])
    return added
