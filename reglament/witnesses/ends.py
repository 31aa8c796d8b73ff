"""Say up to which event of each chain anchors witness the journal: all that came later may be rolled back unseen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reglament.witnesses.anchors import AnchorFile
from storage.db.database import Session
from storage.journal.digests import JournalDay
from storage.journal.heads import ChainHead, digests_at, journal_heads, last_of_chains


@dataclass(frozen=True, slots=True)
class AnchoredEnd:
    """Hold the last event of a chain and the last event that an anchor witnesses."""

    head: ChainHead
    anchored: ChainHead | None
    """None: no anchor of the chain stands."""

    @property
    def text(self) -> str:
        """Write the end in a line for an operator."""
        if self.anchored is None:
            return f"{self.head.team}: no event is anchored ({self.head.seq} events)"
        last = self.anchored
        when = f"event {last.seq} of {last.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{self.head.team}: nothing after {when} is anchored ({self.head.seq - last.seq} later events)"


async def find_ends(session: Session, read: AnchorFile, days: Iterable[JournalDay]) -> list[AnchoredEnd]:
    """Find the end of each chain and the last event there with an anchor that stands; `days` are all of the journal."""
    anchored, stored = read.digests, await digests_at(session, read.heads)
    standing = [ChainHead.of_day(day) for day in days if day.digest in anchored]
    standing += [head for head in read.heads if stored.get((head.team_id, head.seq)) == head.digest]
    last = last_of_chains(standing)
    return [AnchoredEnd(head, last.get(head.team_id)) for head in await journal_heads(session)]
