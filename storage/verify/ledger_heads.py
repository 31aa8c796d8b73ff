"""Verify that the ledger has every head that the journal saw, and that nothing younger lies below."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.journal.kinds import JournalKind
from storage.ledger.chain import NO_HASH
from storage.verify.chain_walk import Event


@dataclass(frozen=True, slots=True)
class CoveredEntry:
    """Describe an entry that the journal saw as head."""

    hash: str
    newest: datetime
    """Newest instant of this entry and of all entries after the mark before."""


@dataclass(slots=True)
class LedgerHeads:
    """Gather the heads that events name, and compare with the ledger once the ledger was read."""

    seen: list[tuple[Event, int, str]] = field(default_factory=list)
    """Event, number and hash of the entry."""

    def take(self, event: Event) -> None:
        """Note the head that an event names. Raises an error of UNREADABLE."""
        seq, hash_ = event.content["ledger"]
        self.seen.append((event, int(seq), hash_))

    @property
    def last(self) -> int:
        """Return the number of the entry that the last event names; 0 for none."""
        return self.seen[-1][1] if self.seen else 0

    @property
    def wanted(self) -> frozenset[int]:
        """Return the numbers of the entries to mark while the ledger is read."""
        return frozenset(seq for _, seq, _ in self.seen)

    def problems(self, marks: Mapping[int, CoveredEntry]) -> list[str]:
        """Say where the ledger has another head, shrank, or holds an entry younger than the event that covers it."""
        found: list[str] = []
        marked, before = sorted(marks), 0
        for event, seq, hash_ in self.seen:
            mark = marks.get(seq)
            if (mark.hash if mark else NO_HASH) != hash_:
                found.append(f"the journal saw another entry {seq} of the ledger (event {event.seq})")
            if seq < before:
                found.append(f"the journal saw the ledger shrink (event {event.seq})")
            covered = marked[bisect_right(marked, before) : bisect_right(marked, seq)]
            newest = [marks[each].newest for each in covered]
            if newest and max(newest) > event.at and event.kind != JournalKind.BEGUN:
                found.append(f"an entry up to {seq} is younger than the event that covers it (event {event.seq})")
            before = seq
        return found
