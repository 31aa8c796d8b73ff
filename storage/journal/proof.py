"""Prove that a digest still covers what people are shown of a day, without walking the ledger."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.entries import EntryKind
from storage.db.models import LedgerRecord, RunRecord, TeamRecord
from storage.errors import UNREADABLE
from storage.journal.chain import digest_prefix
from storage.journal.digests import DigestedDay
from storage.journal.kinds import JournalKind
from storage.journal.proved_accounts import are_as_told
from storage.journal.proved_by_hand import ByHand
from storage.journal.proved_entries import hash_of, load_entries, place_before
from storage.journal.proved_events import Place, SeenHead, load_heads
from storage.values import RunState


async def stands(session: AsyncSession, found: DigestedDay) -> bool:
    """Tell whether all that is shown of a day is what was written, and the day's points what the digest was made of.

    The digest gives the event of the day. That event and the event before with a head of the ledger give the entries of
    the day, all between the two heads; entries about the day written by hand are proved by events of their own, names
    and CRM users by the journal of the company. Snapshots and all other days are left to `reglament verify`.
    """
    owner_run = (
        select(TeamRecord, RunRecord)
        .join(RunRecord, TeamRecord.id == RunRecord.team_id)
        .where(TeamRecord.key == found.team, RunRecord.day == found.day, RunRecord.digest == found.digest)
        .execution_options(populate_existing=True)
    )
    row = (await session.execute(owner_run)).one_or_none()
    if row is None or row[1].state != RunState.FINISHED.value:
        return False
    try:
        heads = await load_heads(session, row[0].id)
        if heads is None:
            return False
        proof = _Proof(session, *row, heads)
        return await (proof.of_weak_day(found.digest) if found.is_weak else proof.of_day())
    except UNREADABLE:
        return False


class _Proof:
    """Prove the entries about a day of a team."""

    def __init__(self, session: AsyncSession, owner: TeamRecord, run: RunRecord, heads: Sequence[SeenHead]) -> None:
        self.session, self.owner, self.run, self.heads = session, owner, run, heads

    async def of_day(self) -> bool:
        """Prove a day by the event that the digest begins."""
        prefix = digest_prefix(self.run.digest)
        places = [place for place, event in enumerate(self.heads) if place and event.hash.startswith(prefix)]
        if not places:
            return False  # a journal never begins with a day
        before, event = self.heads[places[0] - 1], self.heads[places[0]]
        said = event.kind, event.run, event.day
        if said != (JournalKind.DAY_FINISHED, self.run.id, self.run.day.isoformat()):
            return False
        after = before.ledger
        if before.kind == JournalKind.BEGUN and after == event.ledger:
            after = await self._begin(after)  # the first versions of the journal began it after the entries of the day
        return await self._holds(after, event.ledger, is_weak=False)

    async def of_weak_day(self, digest: str) -> bool:
        """Prove a day from before the journal: the digest begins the hash of the last entry."""
        of_run = LedgerRecord.run_id == self.run.id
        last: int = await self.session.scalar(select(func.max(LedgerRecord.seq)).where(of_run)) or 0
        head = last, await hash_of(self.session, self.owner.id, last)
        return head[1].startswith(digest) and await self._holds(await self._begin(head), head, is_weak=True)

    async def _begin(self, head: Place) -> Place:
        """Find the entry before the first entry of the run, with proof; `head` for a run without entries."""
        first = await self.session.scalar(select(func.min(LedgerRecord.seq)).where(LedgerRecord.run_id == self.run.id))
        if first is None:
            return head
        found = await place_before(self.session, self.owner.id, first)
        earlier = await place_before(self.session, self.owner.id, found[0])
        if await load_entries(self.session, self.owner.id, earlier, found) is None:
            raise LookupError(first)  # the entry before may be of this run, and say otherwise now
        return found

    async def _holds(self, after: Place, head: Place, *, is_weak: bool) -> bool:
        """Prove the entries of the run between two heads, all other entries about the day, and the accounts shown."""
        entries = await load_entries(self.session, self.owner.id, after, head)
        if entries is None or not all(self._is_of_run(entry) for entry in entries):
            return False
        row = LedgerRecord
        query = select(row).where(row.team_id == self.owner.id, row.day == self.run.day)
        query = query.where((row.seq <= after[0]) | (row.seq > head[0])).order_by(row.seq)
        others = (await self.session.scalars(query.execution_options(populate_existing=True))).all()
        users = {entry.manager_id: entry.crm_user for entry in (*entries, *others)}
        by_hand = ByHand(self.session, self.owner, self.run.day, self.heads)
        return await by_hand.are_whole(others, is_weak=is_weak) and await are_as_told(
            self.session, self.run.connection, users
        )

    def _is_of_run(self, entry: LedgerRecord) -> bool:
        return (entry.kind, entry.run_id, entry.day) == (EntryKind.SCORE.value, self.run.id, self.run.day)
