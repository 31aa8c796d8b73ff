"""Verify the days of a team: each is as its event states, and gives the same points when it is counted again."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import version_of
from storage.days.closed_deals import closed_in
from storage.days.snapshots import stored_snapshots
from storage.db.models import (
    AbsenceRecord,
    ClosedDealRecord,
    JournalEventRecord,
    JournalRowRecord,
    LedgerRecord,
    MoneyVersionRecord,
    RulebookRecord,
    RunRecord,
    SnapshotRecord,
    TeamRecord,
)
from storage.db.types import instant_text
from storage.errors import UNREADABLE
from storage.journal import totals
from storage.journal.chain import COMPANY, digest_of
from storage.journal.days import RUNS, facts_hash, missing_hash, name_hashes, spared_hash, titles_hash
from storage.journal.kinds import JournalKind
from storage.journal.messages import DayMessages
from storage.journal.states import content_hash
from storage.ledger.chain import DIGEST_LENGTH, NO_HASH
from storage.values import Problem, RunState, StoredSnapshot
from storage.verify.chain_walk import Event
from storage.verify.recount import is_same_again


@dataclass(slots=True)
class Days:
    """Check the finished days of a team against the events of its journal."""

    session: AsyncSession
    owner: TeamRecord
    blanked_before: datetime | None
    problems: list[Problem] = field(default_factory=list)
    seen: dict[int, date] = field(default_factory=dict)
    """Days with an event, by id of the run."""
    ledger: tuple[int, str] = (0, NO_HASH)
    """Head of the ledger that the last event names."""
    _company: int = 0

    def say(self, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.owner.key, text))

    async def take_head(self, event: Event) -> None:
        """Check that the ledger has the head which an event names, and that the ledger only grew."""
        seq, hash_ = event.content["ledger"]
        row = LedgerRecord
        span = row.team_id == self.owner.id, row.seq > self.ledger[0], row.seq <= seq
        found = await self.session.scalar(select(row.hash).where(row.team_id == self.owner.id, row.seq == seq))
        if (found or NO_HASH) != hash_:
            self.say(f"the journal saw another entry {seq} of the ledger (event {event.seq})")
        if seq < self.ledger[0]:
            self.say(f"the journal saw the ledger shrink (event {event.seq})")
        newest = await self.session.scalar(select(func.max(row.created_at)).where(*span))
        if newest is not None and newest > event.at and event.kind != JournalKind.BEGUN:
            self.say(f"an entry up to {seq} is younger than the event that covers it (event {event.seq})")
        self.ledger = (seq, hash_)

    async def check(self, event: Event) -> None:
        """Check the day that an event says was finished."""
        said = event.content
        run = await self.session.get(RunRecord, said["run"], populate_existing=True)
        if run is None or run.team_id != self.owner.id:
            self.say(f"the day {said['day']} was finished, but its run is gone")
            return
        if run.id in self.seen:
            self.say(f"the day {said['day']} was finished twice")
        self.seen[run.id] = run.day
        await self._check_company(said["company"], run.day)
        snapshots, salts = await self._snapshots(run), await self._salts(run)
        texts = [*self._texts(event, run), *await self._rule_texts(said, run)]
        texts += await self._later_texts(said, run, salts)
        texts += await self._manager_texts(said, run, snapshots, salts)
        texts += await self._absence_texts(said, run)
        texts += await self._closed_texts(run, snapshots)
        for text in texts:
            self.say(f"the day {run.day} {text}")
        await self._count_again(run, snapshots)
        self.session.expunge_all()

    def _texts(self, event: Event, run: RunRecord) -> list[str]:
        """Say in what the row of a run differs from the event."""
        said = event.content
        window = [run.window_earlier, run.window_earlier_end, run.window_start, run.cutoff]
        now = [None if at is None else instant_text(at) for at in window]
        found = {
            "is another date than": run.day.isoformat() == said["day"],
            "has another window than": now == list(said["window"]),
            "has another connection than": run.connection == said["connection"],
            "is marked otherwise (instant set by hand) than": run.rehearsed == said["rehearsed"],
            "has another digest than": run.digest == digest_of(event.hash),
            "has another instant of finishing than": _is_instant_of(event, run.finished_at),
            "is no longer finished, against": run.state == RunState.FINISHED.value,
        }
        return [f"{text} its event says" for text, is_same in found.items() if not is_same]

    async def _rule_texts(self, said: Mapping[str, Any], run: RunRecord) -> list[str]:
        texts = []
        rulebook = await self.session.get(RulebookRecord, run.rulebook_id, populate_existing=True)
        if rulebook is None or _version(rulebook) != list(said["rulebook"]):
            texts.append("is judged by another rulebook than its event says")
        if said["course"] is not None:
            course = await self.session.get(MoneyVersionRecord, said["course"][0], populate_existing=True)
            if course is None or _version(course) != list(said["course"]):
                texts.append("has another course than its event says")
        return texts

    async def _manager_texts(
        self, said: Mapping[str, Any], run: RunRecord, snapshots: Sequence[StoredSnapshot], salts: JournalRowRecord
    ) -> list[str]:
        """Say whose snapshots differ from what was hashed."""
        told = {user: (facts, titles) for user, facts, titles in said["managers"]}
        now = {item.snapshot.manager.crm_user: item for item in snapshots}
        texts = [f"lost the snapshot of {user}" for user in sorted(told.keys() - now.keys())]
        texts += [f"has a snapshot of {user} that its event does not know" for user in sorted(now.keys() - told.keys())]
        for user in sorted(now.keys() & told.keys()):
            texts += _hash_texts(now[user], *told[user], salts.salt)
        named = dict(name_hashes(now.values(), salts.lasting_salt))
        texts += [
            f"names {user} otherwise than was read"
            for user, name in said.get("names", {}).items()
            if named.get(user, name) != name
        ]
        if sorted(user for user, item in now.items() if item.absent) != list(said["absent"]):
            texts.append("has others absent than its event says")
        if not salts.salt and not await self._may_be_blank(run):
            texts.append("lost the salt of its titles, though no retention had come to it")
        return texts

    async def _later_texts(self, said: Mapping[str, Any], run: RunRecord, salts: JournalRowRecord) -> list[str]:
        """Say in what a day differs from what events of the first days of the journal did not say yet."""
        texts = []
        if "missing" in said and (missing_hash(run.missing, salts.lasting_salt) != said["missing"] or run.problem):
            texts.append("explains absent readings otherwise than its event says")
        if "spared" in said and await spared_hash(self.session, run.id) != said["spared"]:
            texts.append("spared other records for new owners than its event says")
        if "messages" in said:
            texts += await self._message_texts(said["messages"], run, salts)
        return texts

    async def _message_texts(self, said: Sequence[str], run: RunRecord, salts: JournalRowRecord) -> list[str]:
        """Say if other messages of a day are stored than were written with the points."""
        people, facts = said
        messages = await DayMessages.load(self.session, run.id)
        texts = []
        if messages.people_hash(salts.lasting_salt) != people:
            texts.append("has other messages, or to others, than its event says")
        may_be_blank = (
            messages.newest is not None and self.blanked_before is not None and messages.newest < self.blanked_before
        )
        if messages.is_blank and not may_be_blank:
            texts.append("lost what its messages say, though no retention had come to it")
        elif salts.salt and not messages.is_blank and messages.facts_hash(salts.salt) != facts:
            texts.append("has messages that say something else than its event says")
        return texts

    async def _salts(self, run: RunRecord) -> JournalRowRecord:
        """Find the salts of a day: for titles, and for what retention leaves; empty for none."""
        name, key = RUNS, str(run.id)
        row = await self.session.get(JournalRowRecord, (name, key), populate_existing=True)
        return row or JournalRowRecord(name=name, row=key, salt="", lasting_salt="", state=None)

    async def _may_be_blank(self, run: RunRecord) -> bool:
        """Tell whether retention blanked the titles of a day."""
        if self.blanked_before is None or run.cutoff >= self.blanked_before:
            return False
        whole = select(SnapshotRecord.run_id).where(SnapshotRecord.run_id == run.id, ~SnapshotRecord.blanked)
        return await self.session.scalar(whole.limit(1)) is None

    async def _absence_texts(self, said: Mapping[str, Any], run: RunRecord) -> list[str]:
        ids = list(said["absences"])
        query = select(AbsenceRecord.id).where(
            AbsenceRecord.id.in_(ids), AbsenceRecord.first <= run.day, AbsenceRecord.last >= run.day
        )
        known = set(await self.session.scalars(query)) if ids else set()
        return [f"had absence {each} in force, which does not cover it" for each in sorted(set(ids) - known)]

    async def _closed_texts(self, run: RunRecord, snapshots: Sequence[StoredSnapshot]) -> list[str]:
        """Say if the table of closed deals, which keeps a deal from counting twice, is not as the evidence."""
        row = ClosedDealRecord
        rows = await self.session.execute(select(row.state, row.deal, row.at).where(row.run_id == run.id))
        try:
            is_same = {(state, deal): at for state, deal, at in rows} == closed_in(snapshots)
        except UNREADABLE:
            is_same = False
        return [] if is_same else ["has other closed deals than its evidence"]

    async def check_period(self, event: Event) -> None:
        """Check that the ledger still gives the totals with which a period was approved or locked."""
        month, state = event.content["row"].partition(":")[2], event.content["state"]
        told = [tuple(each) for each in event.content["totals"]]
        until = None if event.kind == JournalKind.PERIOD_LOCKED else state["approved_seq"]
        if await totals.of_period(self.session, self.owner.id, month, until=until) != told:
            self.say(f"the ledger gives other totals of {month} than at the {event.kind.removeprefix('period_')} state")

    async def _check_company(self, head: Sequence[Any] | None, day: date) -> None:
        """Check that the company's chain has the event which a day covers."""
        if head is None:
            return
        seq, hash_ = head
        event = JournalEventRecord
        found = await self.session.scalar(select(event.hash).where(event.chain == COMPANY, event.seq == seq))
        if found != hash_ or seq < self._company:
            self.say(f"the day {day} covers another event {seq} of people, absences and actions than is stored")
        self._company = seq

    async def check_uncovered(self, begun: Event | None, last_hash: Mapping[int, str]) -> None:
        """Check the finished days without an event, and that unfinished days have no points.

        Only days from before the journal may lack an event, as many as the first event counted.
        """
        query = select(RunRecord).where(RunRecord.team_id == self.owner.id).order_by(RunRecord.day)
        ids = list(await self.session.scalars(query.with_only_columns(RunRecord.id)))
        is_whole = await self._are_counts_right(begun, [each for each in ids if each not in self.seen])
        days: set[date] = set()
        for each in ids:
            run = await self.session.get_one(RunRecord, each, populate_existing=True)
            if run.day in days:
                self.say(f"the day {run.day} has two runs")
            days.add(run.day)
            if each in self.seen:
                continue
            if run.state == RunState.FINISHED.value:
                is_earlier = is_whole or begun is None or run.finished_at is None or run.finished_at <= begun.at
                self._check_earlier(run, last_hash.get(each, ""), is_earlier=is_earlier)
            snapshots = await self._snapshots(run)
            for text in await self._closed_texts(run, snapshots):
                self.say(f"the day {run.day} {text}")
            await self._count_again(run, snapshots)
            self.session.expunge_all()

    def _check_earlier(self, run: RunRecord, last_hash: str, *, is_earlier: bool) -> None:
        """Check a day from before the journal: the digest is 12 digits of the hash of the last entry."""
        if not is_earlier:
            self.say(f"the day {run.day} is finished, but no event of the journal tells of it")
        elif run.digest != last_hash[:DIGEST_LENGTH]:
            self.say(f"the day {run.day} has another digest than its last entry")

    async def _are_counts_right(self, begun: Event | None, uncovered: Collection[int]) -> bool:
        """Compare the days before the journal, and their snapshots, with the numbers that the first event counted."""
        if begun is None:
            return True
        finished = RunRecord.id.in_(uncovered), RunRecord.state == RunState.FINISHED.value
        of_finished = select(RunRecord.id).where(*finished)
        now = {
            "entries": begun.content["ledger"][0],
            "days": await self.session.scalar(select(func.count()).select_from(RunRecord).where(*finished)),
            "snapshots": await self.session.scalar(
                select(func.count()).select_from(SnapshotRecord).where(SnapshotRecord.run_id.in_(of_finished))
            ),
        }
        counted = begun.content["counts"]
        wrong = [what for what, count in counted.items() if now.get(what) != count]
        for what in wrong:
            self.say(f"before the journal began there were {counted[what]} {what}, now there are {now.get(what)}")
        return not wrong

    async def _snapshots(self, run: RunRecord) -> list[StoredSnapshot]:
        """Load the snapshots of a day; none, with a problem, for snapshots that cannot be read."""
        try:
            return await stored_snapshots(self.session, run.id)
        except UNREADABLE:
            self.say(f"the day {run.day} has a snapshot that cannot be read")
            return []

    async def _count_again(self, run: RunRecord, snapshots: Sequence[StoredSnapshot]) -> None:
        """Score a stored day again and compare with the ledger; a day not finished has no entries."""
        if not await is_same_again(self.session, run, snapshots):
            self.say(f"the day {run.day} counted again gives other points than the ledger has")


def _hash_texts(item: StoredSnapshot, facts: str, titles: str | None, salt: str) -> list[str]:
    """Say in what a snapshot differs from the hashes of the event; damaged evidence is noticed here, when decoded."""
    user, texts = item.snapshot.manager.crm_user, []
    try:
        if facts_hash(item) != facts:
            texts.append(f"counts something else for {user} than was read")
        if salt and titles is not None and titles_hash(item, salt) != titles:
            texts.append(f"names {user} or his evidence otherwise than was read")
    except UNREADABLE:
        texts.append(f"has a snapshot of {user} that cannot be read")
    return texts


def _is_instant_of(event: Event, at: datetime | None) -> bool:
    """Tell whether an event has the instant of what it tells; a clock set back gives it that of the event before."""
    return at == event.at or (at is not None and event.before is not None and at < event.at == event.before)


def _version(row: RulebookRecord | MoneyVersionRecord) -> list[Any]:
    return [row.id, row.version, content_hash(row.content)]


async def altered_rulebooks(session: AsyncSession, owner: TeamRecord) -> list[Problem]:
    """List the rulebooks whose text is not the text that the version names."""
    query = select(RulebookRecord.version, RulebookRecord.content).where(RulebookRecord.team_id == owner.id)
    return [
        Problem(owner.key, f"rulebook {version} does not say what it said when it was stored")
        for version, content in await session.execute(query)
        if version_of(content) != version
    ]
