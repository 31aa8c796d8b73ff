"""Find days that a later team has under a key beside the days of an earlier team: two pasts of the same key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord
from storage.journal.kinds import JournalKind
from storage.journal.team_keys import KeyChange, key_changes


@dataclass(slots=True)
class _Tenure:
    """Hold the days that a team finished while a key was the team's."""

    since: int
    """Number of the company's event that gave the key."""
    team_id: int
    key: str
    days: list[date] = field(default_factory=list)


async def pasts_of_reused_keys(session: AsyncSession) -> list[str]:
    """Name the days that a team has under a key before the last day of an earlier team under the same key.

    Each day's event covers the company's last event of that moment and so tells which key the team had then; a rename
    later changes nothing of that. A team that takes over a key has days after those of the team before.
    """
    tenures = _tenures(await key_changes(session))
    reused = [of_key for key in {each.key for each in tenures} if len(of_key := _of_key(tenures, key)) > 1]
    teams = {each.team_id for of_key in reused for each in of_key}
    if not teams:
        return []
    event = JournalEventRecord
    query = select(event.chain, event.payload).where(
        event.kind == JournalKind.DAY_FINISHED.value, event.chain.in_(teams)
    )
    async for team_id, payload in await session.stream(query):
        content = json.loads(payload)["content"]
        covered = (content["company"] or [0])[0]
        own = [each for each in tenures if each.team_id == team_id]
        had = [each for each in own if each.since <= covered] or own[:1]
        had[-1].days.append(date.fromisoformat(content["day"]))
    return [text for of_key in sorted(reused, key=lambda each: each[0].key) for text in _overlaps(of_key)]


def _tenures(changes: Sequence[KeyChange]) -> list[_Tenure]:
    """List which team got which key, oldest first; an event that tells the same key again begins nothing."""
    now: dict[int, str] = {}
    found = []
    for change in changes:
        if now.get(change.team_id) != change.key:
            now[change.team_id] = change.key
            found.append(_Tenure(change.seq, change.team_id, change.key))
    return found


def _of_key(tenures: Sequence[_Tenure], key: str) -> list[_Tenure]:
    return [each for each in tenures if each.key == key]


def _overlaps(of_key: Sequence[_Tenure]) -> Iterator[str]:
    """Write for each team but the first which days lie before the last day of a team that had the key earlier."""
    for number, tenure in enumerate(of_key):
        earlier = [day for before in of_key[:number] if before.team_id != tenure.team_id for day in before.days]
        doubled = sorted(day for day in tenure.days if earlier and day < max(earlier))
        if doubled:
            what = f"{len(doubled)} days ({doubled[0]} to {doubled[-1]}) of a later team with the key {tenure.key}"
            yield f"{what} lie before the last day of another team under the key ({max(earlier)}): two pasts of a key"
