"""Prove that accounts of the CRM are named as the journal of the company tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import ManagerRecord
from storage.journal.chain import COMPANY, find_head
from storage.journal.changes import load_journaled, load_records, states_in
from storage.journal.kinds import JournalKind
from storage.journal.proved_events import are_linked, select_events
from storage.journal.states import BY_RECORD, text_hash

_ACCOUNTS = BY_RECORD[ManagerRecord]
_KINDS = (
    JournalKind.BEGUN,
    JournalKind.STATES_TOLD,
    JournalKind.ACCOUNT_ADDED,
    JournalKind.ACCOUNT_CHANGED,
    JournalKind.ACCOUNT_JOINED,
    JournalKind.ACCOUNT_PARTED,
    JournalKind.ACCOUNT_LEFT,
    JournalKind.ACCOUNT_RETURNED,
)


async def are_as_told(session: AsyncSession, connection: str, users: Mapping[int, str]) -> bool:
    """Tell whether accounts have the CRM users of `users` (by row id), and user and name that the journal tells.

    Without a journal of the company only the CRM users are compared.
    """
    rows = {str(key): user for key, user in users.items()}
    records = await load_records(session, _ACCOUNTS, rows)
    if any(key not in records or records[key].crm_user != user for key, user in rows.items()):
        return False
    if any(record.connection != connection for record in records.values()):
        return False
    if not rows or await find_head(session, COMPANY) is None:
        return True
    told = await _told(session, set(rows))
    kept = await load_journaled(session, _ACCOUNTS.name, rows)
    return told is not None and all(
        key in told and key in kept and _is_named(records[key], told[key], kept[key].salt) for key in rows
    )


async def _told(session: AsyncSession, rows: set[str]) -> dict[str, Mapping[str, Any]] | None:
    """Load the last state that the journal tells of accounts, by key; None for events that do not follow."""
    last: dict[str, tuple[int, Mapping[str, Any]]] = {}
    for seq, content in await select_events(session, COMPANY, _KINDS):
        for table, row, state in states_in(content):
            if table == _ACCOUNTS.name and row in rows and state is not None:
                last[row] = seq, state
    if not await are_linked(session, COMPANY, {seq for seq, _ in last.values()}):
        return None
    return {row: state for row, (_, state) in last.items()}


def _is_named(record: ManagerRecord, told: Mapping[str, Any], salt: str) -> bool:
    name = text_hash(salt, "name", record.name)
    return (told["connection"], told["crm_user"], told["texts"]["name"]) == (record.connection, record.crm_user, name)
