"""Prove the entries about a day that were written by hand, and that none of them was taken away."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from scoring.entries import EntryKind
from storage.db.models import LedgerRecord, TeamRecord
from storage.db.sql import portions
from storage.journal.kinds import JournalKind
from storage.journal.proved_entries import hash_of, load_entries, place_before
from storage.journal.proved_events import Place, SeenHead
from storage.ledger.chain import NO_HASH, chained


@dataclass(frozen=True, slots=True)
class ByHand:
    """Prove entries by hand about a day of a team."""

    session: AsyncSession
    owner: TeamRecord
    day: date
    heads: Sequence[SeenHead]
    """Heads of the ledger that the journal names, oldest first; empty without a journal."""

    async def are_whole(self, shown: Sequence[LedgerRecord], *, is_weak: bool) -> bool:
        """Prove the entries shown of the day, and that none is hidden.

        `is_weak`: the day is from before the journal, so entries from before the journal are about the day too.
        """
        early = [entry.seq for entry in shown if entry.seq <= self._begun[0]]
        later = [entry.seq for entry in shown if entry.seq > self._begun[0]]
        return (
            all(entry.kind != EntryKind.SCORE.value for entry in shown)
            and await self._are_early(early)
            and await self._are_covered(later)
            and await self._is_none_hidden()
            and (not is_weak or await self._is_none_hidden_early())
        )

    @property
    def _begun(self) -> Place:
        """Return the head of the ledger when the journal began; the head of now without a journal."""
        return self.heads[0].ledger if self.heads else (self.owner.ledger_seq, self.owner.ledger_hash)

    async def _are_early(self, seqs: Iterable[int]) -> bool:
        """Tell whether entries from before the journal follow the entry before, and the next entry follows."""
        for seq in seqs:
            after = await place_before(self.session, self.owner.id, seq)
            last = min(seq + 1, self._begun[0])
            head = self._begun if last == self._begun[0] else (last, await hash_of(self.session, self.owner.id, last))
            if await load_entries(self.session, self.owner.id, after, head) is None:
                return False
        return True

    async def _are_covered(self, seqs: Iterable[int]) -> bool:
        """Tell whether entries stand between two heads of which the later was named by an event of entries by hand."""
        lasts = [head.ledger[0] for head in self.heads]
        places = {bisect_left(lasts, seq) for seq in seqs}
        for place in places:
            if place == len(lasts) or self.heads[place].kind != JournalKind.ENTRIES_WRITTEN:
                return False
            after, head = self.heads[place - 1].ledger, self.heads[place].ledger
            if await load_entries(self.session, self.owner.id, after, head) is None:
                return False
        return True

    async def _is_none_hidden(self) -> bool:
        """Tell whether all entries that events of entries by hand cover are there, and say the day that they said."""
        known: dict[int, str] = {}
        wanted: list[int] = []
        for before, event in pairwise(self.heads):
            if event.kind == JournalKind.ENTRIES_WRITTEN:
                known[before.ledger[0] + 1] = before.ledger[1]
                wanted += range(before.ledger[0] + 1, event.ledger[0] + 1)
        row = LedgerRecord
        previous, last = "", -1
        for portion in portions(wanted):
            query = select(row.seq, row.day, row.payload, row.hash).where(
                row.team_id == self.owner.id, row.seq.in_(portion)
            )
            rows = (await self.session.execute(query.order_by(row.seq))).all()
            if [seq for seq, *_ in rows] != portion:
                return False
            for seq, day, payload, hash_ in rows:
                before_hash = known.get(seq, previous if last == seq - 1 else "")
                if not self._says_day(day, payload, hash_, before_hash):
                    return False
                previous, last = hash_, seq
        return True

    async def _is_none_hidden_early(self) -> bool:
        """Tell whether entries from before the journal are all there, and entries by hand say the day stated then."""
        row, before = LedgerRecord, aliased(LedgerRecord)
        span = row.team_id == self.owner.id, row.seq <= self._begun[0]
        if await self.session.scalar(select(func.count()).select_from(row).where(*span)) != self._begun[0]:
            return False
        query = (
            select(row.day, row.payload, row.hash, func.coalesce(before.hash, NO_HASH))
            .outerjoin(before, (before.team_id == row.team_id) & (before.seq == row.seq - 1))
            .where(*span, row.kind != EntryKind.SCORE.value)
        )
        return all(self._says_day(*values) for values in await self.session.execute(query))

    def _says_day(self, day: date, payload: str, hash_: str, before: str) -> bool:
        """Tell whether the hash covers the payload, and the payload is about the day exactly if the column is."""
        return hash_ == chained(before, payload) and (json.loads(payload)["day"] == str(self.day)) == (day == self.day)
