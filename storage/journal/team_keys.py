"""Follow the keys of teams through the journal of the company: a renamed team keeps id and history."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord, TeamRecord
from storage.errors import UNREADABLE
from storage.journal.chain import COMPANY
from storage.journal.changes import states_in
from storage.journal.kinds import JournalKind

TEAMS = TeamRecord.__tablename__


@dataclass(frozen=True, slots=True)
class KeyChange:
    """Describe an event of the company that tells the key of a team."""

    seq: int
    team_id: int
    key: str


async def team_keys(session: AsyncSession) -> dict[int, frozenset[str]]:
    """Collect the keys that each team has had since the journal of the company began, by id of the team."""
    keys: dict[int, frozenset[str]] = {}
    for change in await key_changes(session):
        keys[change.team_id] = keys.get(change.team_id, frozenset()) | {change.key}
    return keys


async def key_changes(session: AsyncSession) -> list[KeyChange]:
    """List what the company's journal tells of the keys of teams, oldest first.

    An event that does not say what an event of teams says is left out; `verify` names such an event.
    """
    event = JournalEventRecord
    kinds = JournalKind.BEGUN.value, JournalKind.TEAM_CHANGED.value
    query = select(event.seq, event.payload).where(event.chain == COMPANY, event.kind.in_(kinds)).order_by(event.seq)
    changes = []
    for seq, payload in await session.execute(query):
        try:
            changes += [KeyChange(seq, *told) for told in teams_in(json.loads(payload)["content"])]
        except UNREADABLE:
            continue
    return changes


def teams_in(content: Mapping[str, Any]) -> list[tuple[int, str]]:
    """List id and key of the teams that the content of an event tells of."""
    told = ((row, state) for table, row, state in states_in(content) if table == TEAMS and state is not None)
    return [(int(row), str(state["key"])) for row, state in told]
