"""Walk a chain of the journal from the first event to the last, and check that each follows from the event before."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db.models import NO_HASH, JournalEventRecord, JournalHeadRecord
from storage.db.types import instant_text
from storage.errors import UNREADABLE
from storage.journal.kinds import JournalKind
from storage.ledger.chain import chained
from storage.values import Problem

_CHUNK = 200
_KINDS = frozenset(JournalKind)


@dataclass(frozen=True, slots=True)
class Event:
    """Describe an event of the journal as stored."""

    seq: int
    kind: str
    at: datetime
    hash: str
    content: Mapping[str, Any]
    before: datetime | None = None
    """Instant of the event before."""


@dataclass(slots=True)
class ChainWalk:
    """Follow a chain of the journal event by event, and gather what is wrong."""

    session: AsyncSession
    chain: int
    name: str
    """Team whose chain this is, for the findings."""
    problems: list[Problem] = field(default_factory=list)
    last: Event | None = None
    begun: Event | None = None

    async def events(self) -> AsyncIterator[Event]:
        """Iterate over the events in the order of the chain, read in chunks; check each, at the end the head."""
        row = JournalEventRecord
        place = tuple_(row.seq, row.id)
        columns = (row.id, row.chain, row.seq, row.kind, row.at, row.hash, row.payload)
        after: Any = None
        while True:
            query = select(*columns).where(row.chain == self.chain).order_by(row.seq, row.id).limit(_CHUNK)
            found = (await self.session.execute(query if after is None else query.where(place > after))).all()
            for _id, chain, seq, kind, at, hash_, payload in found:
                before = self.last.at if self.last else None
                event = Event(seq, kind, at, hash_, self._content(chain, seq, kind, at, payload), before)
                self._check(event, payload)
                self.begun = self.begun or event
                self.last = event
                yield event
            if len(found) < _CHUNK:
                break
            after = tuple_(found[-1].seq, found[-1].id)
        await self._check_head()

    def say(self, event: Event, text: str) -> None:
        """Note a problem of an event."""
        self.problems.append(Problem(self.name, f"event {event.seq} of the journal ({event.kind}): {text}"))

    def _content(self, chain: int, seq: int, kind: str, at: datetime, payload: str) -> Mapping[str, Any]:
        """Read the content of an event; empty, with a problem, where the columns say otherwise."""
        try:
            said = json.loads(payload)
            content = said["content"]
            place = [said[name] for name in ("chain", "seq", "kind", "at")]
        except UNREADABLE:
            content, place = None, []
        if place != [chain, seq, kind, instant_text(at)] or not isinstance(content, dict):
            self.problems.append(
                Problem(self.name, f"event {seq} of the journal: its columns do not say what it states")
            )
        return content if isinstance(content, dict) else {}

    def _check(self, event: Event, payload: str) -> None:
        before = self.last
        if event.seq != (before.seq if before else 0) + 1:
            self.say(event, "an event is missing before it")
        if event.hash != chained(before.hash if before else NO_HASH, payload):
            self.say(event, "its hash does not follow from the event before it")
        if before is not None and event.at < before.at:
            self.say(event, "it is older than the event before it")
        if event.kind not in _KINDS:
            self.say(event, "its kind is unknown")
        if (event.kind == JournalKind.BEGUN) != (before is None):
            self.say(event, "a journal begins once, with its first event")

    async def _check_head(self) -> None:
        """Compare the end of the chain with the stored head."""
        head = await self.session.get(JournalHeadRecord, self.chain, populate_existing=True)
        if head is None and self.last is None:
            return
        end = (0, NO_HASH, None) if self.last is None else (self.last.seq, self.last.hash, self.last.at)
        if head is None:
            self.problems.append(Problem(self.name, "the head of the journal is missing"))
        elif (head.seq, head.hash, head.at) != end:
            text = f"the journal ends with event {end[0]}, but {head.seq} were written"
            self.problems.append(Problem(self.name, text))
