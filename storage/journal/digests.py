"""Find the day that a digest stands for: as shown under a message, carried in a link, or printed on a workbook."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import JournalEventRecord, RunRecord, TeamRecord
from storage.errors import UNREADABLE, Refused
from storage.journal.chain import digest_of
from storage.journal.kinds import JournalKind
from storage.journal.team_keys import team_keys

LINK_MARK = "d_"
"""Begins the parameter of a link that carries a digest."""
WEAK_LENGTH = 12
"""Hex digits of the digests of days before the journal: 48 bits, which a patient forger finds again."""
_LAST = "z" * 32
"""What the last digest with a beginning may go on with."""
_DIGEST = re.compile(r"[a-z2-7]{8,32}|[0-9a-f]{8,12}")


@dataclass(frozen=True, slots=True)
class DigestedDay:
    """Describe the day of a team that a digest stands for."""

    team: str
    day: date
    digest: str
    """The digest of the day, whole."""

    @property
    def is_weak(self) -> bool:
        """Tell whether the digest has 48 bits only."""
        return len(self.digest) <= WEAK_LENGTH


@dataclass(frozen=True, slots=True)
class JournalDay:
    """Describe a finished day as the journal's event states it."""

    team: str
    day: date
    digest: str
    seq: int
    """Number of the event in the chain of the team."""
    at: datetime
    team_id: int = 0
    """Id of the team, which outlasts a rename; 0: an anchor of a release that wrote keys only."""
    keys: frozenset[str] = field(default=frozenset(), compare=False)
    """Keys that the team has had; empty for an anchor."""
    is_rehearsed: bool = field(default=False, compare=False)
    """Whether the instants were set by hand (`score --at`); not known of an anchor."""


async def journal_days(session: AsyncSession, *, since: datetime | None = None) -> list[JournalDay]:
    """List the finished days of all teams by the events of the journal, in the order of writing.

    An event that does not say what a day's event says is left out; `verify` names such an event.
    """
    event = JournalEventRecord
    query = (
        select(TeamRecord.id, TeamRecord.key, event.payload, event.hash, event.seq, event.at)
        .join(TeamRecord, TeamRecord.id == event.chain)
        .where(event.kind == JournalKind.DAY_FINISHED.value)
        .order_by(event.id)
    )
    if since is not None:
        query = query.where(event.at >= since)
    keys, found = await team_keys(session), []
    async for team_id, team, payload, hash_, seq, at in await session.stream(query):
        had = frozenset({team}) | keys.get(team_id, frozenset())
        try:
            content = json.loads(payload)["content"]
            day, digest = date.fromisoformat(content["day"]), digest_of(hash_)
            found.append(JournalDay(team, day, digest, seq, at, team_id, had, bool(content["rehearsed"])))
        except UNREADABLE:
            continue
    return found


async def weak_days(session: AsyncSession) -> list[DigestedDay]:
    """List the days before the journal, with digests of 12 hex digits."""
    rows = await session.execute(
        select(TeamRecord.key, RunRecord.day, RunRecord.digest)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(RunRecord.digest != "", func.length(RunRecord.digest) <= WEAK_LENGTH)
        .order_by(TeamRecord.key, RunRecord.day)
    )
    return [DigestedDay(team, day, found) for team, day, found in rows]


def digest_in(text: str) -> str:
    """Read the digest in a link, in the parameter of a link, or as written. Raises Refused for other texts."""
    digest = text.strip().rpartition("start=")[2].removeprefix(LINK_MARK).lower()
    if not _DIGEST.fullmatch(digest):
        raise Refused(
            "a digest is 8 to 32 characters a-z and 2-7 (12 digits 0-9 and a-f on older days), or a link with it"
        )
    return digest


async def find_days(session: AsyncSession, text: str) -> list[DigestedDay]:
    """Find the days whose digest is the one in `text`, or begins with it. Raises Refused for other texts."""
    digest = digest_in(text)
    rows = await session.execute(
        select(TeamRecord.key, RunRecord.day, RunRecord.digest)
        .join(TeamRecord, TeamRecord.id == RunRecord.team_id)
        .where(RunRecord.digest.between(digest, digest + _LAST))  # by the index
        .where(func.substr(RunRecord.digest, 1, len(digest)) == digest)
        .order_by(TeamRecord.key, RunRecord.day)
    )
    return [DigestedDay(team, day, found) for team, day, found in rows]
