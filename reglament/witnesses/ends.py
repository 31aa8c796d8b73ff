"""Say up to which event of each chain anchors witness the journal: all that came later may be rolled back unseen."""

from __future__ import annotations

from dataclasses import dataclass

from reglament.witnesses.anchors import AnchorFile
from storage.db.database import Session
from storage.journal.digests import journal_days
from storage.journal.heads import ChainHead, digests_at, journal_heads


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


async def find_ends(session: Session, read: AnchorFile) -> list[AnchoredEnd]:
    """Find the end of each chain and the last event there with an anchor that stands."""
    days = [ChainHead(day.team, day.team_id, day.seq, day.digest, day.at) for day in await journal_days(session)]
    stored = await digests_at(session, read.heads)
    standing = [day for day in days if day.digest in read.digests]
    standing += [head for head in read.heads if stored.get((head.team_id, head.seq)) == head.digest]
    last: dict[int, ChainHead] = {}
    for each in standing:
        last[each.team_id] = max(each, last.get(each.team_id, each), key=lambda head: head.seq)
    return [AnchoredEnd(head, last.get(head.team_id)) for head in await journal_heads(session)]
