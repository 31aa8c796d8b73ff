"""Verify the days of a team: each is as its event states, and gives the same points when it is counted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from scoring.rules import Rulebook, version_of
from storage.db.models import (
    AbsenceRecord,
    JournalEventRecord,
    JournalRowRecord,
    MoneyVersionRecord,
    RulebookRecord,
    RunRecord,
    SnapshotRecord,
    TeamRecord,
)
from storage.db.sql import portions
from storage.db.types import instant_text
from storage.errors import UNREADABLE
from storage.journal import totals
from storage.journal.chain import COMPANY, digest_of
from storage.journal.days import facts_hash, missing_hash, name_hashes, titles_hash
from storage.journal.kinds import JournalKind
from storage.journal.messages import DayMessages
from storage.journal.states import content_hash
from storage.ledger.chain import DIGEST_LENGTH
from storage.values import Problem, RunState, StoredSnapshot
from storage.verify.chain_walk import Event
from storage.verify.day_rows import DayRows
from storage.verify.recount import Recount

BATCH = 200
"""Snapshots of the days that are compared together; a day of more people is compared alone."""
_UNCOVERED = 10
"""Days without an event that are looked at together."""


@dataclass(slots=True)
class Days:
    """Check the finished days of a team against the events of its journal."""

    session: AsyncSession
    owner: TeamRecord
    blanked_before: datetime | None
    problems: list[Problem] = field(default_factory=list)
    seen: dict[int, date] = field(default_factory=dict)
    """Days with an event, by id of the run."""
    _company: int = 0
    _batch: list[Event] = field(default_factory=list)
    _people: int = 0
    """Snapshots of the batch."""
    _rulebooks: dict[int, _KnownRulebook | None] = field(default_factory=dict)
    _courses: dict[int, list[Any] | None] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Note a problem."""
        self.problems.append(Problem(self.owner.key, text))

    async def add(self, event: Event) -> list[Event]:
        """Check the day that an event says was finished, when enough days are gathered; return what is unclear."""
        self._people += len(event.content["managers"]) + 1
        self._batch.append(event)
        return await self.check_gathered() if self._people >= BATCH else []

    async def check_gathered(self) -> list[Event]:
        """Check the gathered days, and return the events that do not say what an event of a day says."""
        batch, self._batch, self._people = self._batch, [], 0
        return await self._check_all(batch) if batch else []

    async def _check_all(self, events: Sequence[Event]) -> list[Event]:
        try:
            rows = await DayRows.load(self.session, {int(event.content["run"]) for event in events})
            company = await self._company_hashes(events)
        except UNREADABLE:
            if len(events) == 1:
                return list(events)
            return [unclear for event in events for unclear in await self._check_all([event])]
        unclear = []
        for event in events:
            try:
                await self._check(event, rows, company)
            except UNREADABLE:
                unclear.append(event)
        self.session.expunge_all()
        return unclear

    async def _check(self, event: Event, rows: DayRows, company: Mapping[int, str]) -> None:
        said = event.content
        run = rows.runs.get(said["run"])
        if run is None or run.team_id != self.owner.id:
            self.say(f"the day {said['day']} was finished, but its run is gone")
            return
        if run.id in self.seen:
            self.say(f"the day {said['day']} was finished twice")
        self.seen[run.id] = run.day
        self._check_company(said["company"], run.day, company)
        salts = rows.salts_of(run.id)
        texts = [*self._texts(event, run), *await self._rule_texts(said, run)]
        texts += self._later_texts(said, run, rows, salts)
        recount = await self._recount(run)
        texts += await self._manager_texts(said, run, rows, salts, recount)
        texts += await self._absence_texts(said, run)
        texts += _recount_texts(run, rows, recount)
        for text in texts:
            self.say(f"the day {run.day} {text}")

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
        rulebook = await self._rulebook(run.rulebook_id)
        if rulebook is None or rulebook.version != list(said["rulebook"]):
            texts.append("is judged by another rulebook than its event says")
        if said["course"] is not None and await self._course(said["course"][0]) != list(said["course"]):
            texts.append("has another course than its event says")
        return texts

    async def _rulebook(self, rulebook_id: int) -> _KnownRulebook | None:
        """Load a rulebook once; None for a missing rulebook."""
        if rulebook_id not in self._rulebooks:
            row = await self.session.get(RulebookRecord, rulebook_id, populate_existing=True)
            self._rulebooks[rulebook_id] = None if row is None else _KnownRulebook.of(row)
        return self._rulebooks[rulebook_id]

    async def _course(self, course_id: int) -> list[Any] | None:
        if course_id not in self._courses:
            row = await self.session.get(MoneyVersionRecord, course_id, populate_existing=True)
            self._courses[course_id] = None if row is None else _version(row)
        return self._courses[course_id]

    async def _recount(self, run: RunRecord) -> Recount:
        rulebook = await self._rulebook(run.rulebook_id)
        return Recount(rulebook.rulebook if rulebook else None, run.day)

    async def _manager_texts(
        self, said: Mapping[str, Any], run: RunRecord, rows: DayRows, salts: JournalRowRecord, recount: Recount
    ) -> list[str]:
        """Say whose snapshots differ from what was hashed; count each again on the way."""
        told = {user: (facts, titles) for user, facts, titles in said["managers"]}
        now = {item.snapshot.manager.crm_user: item for item in self._snapshots(run, rows)}
        texts = [f"lost the snapshot of {user}" for user in sorted(told.keys() - now.keys())]
        texts += [f"has a snapshot of {user} that its event does not know" for user in sorted(now.keys() - told.keys())]
        for user, item in sorted(now.items()):
            texts += _hash_texts(item, *told[user], salts.salt) if user in told else []
            recount.add(item)
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

    def _later_texts(
        self, said: Mapping[str, Any], run: RunRecord, rows: DayRows, salts: JournalRowRecord
    ) -> list[str]:
        """Say in what a day differs from what events of the first days of the journal did not say yet."""
        texts = []
        if "missing" in said and (missing_hash(run.missing, salts.lasting_salt) != said["missing"] or run.problem):
            texts.append("explains absent readings otherwise than its event says")
        if "spared" in said and rows.spared[run.id] != said["spared"]:
            texts.append("spared other records for new owners than its event says")
        if "messages" in said:
            texts += self._message_texts(said["messages"], rows.messages[run.id], salts)
        return texts

    def _message_texts(self, said: Sequence[str], messages: DayMessages, salts: JournalRowRecord) -> list[str]:
        """Say if other messages of a day are stored than were written with the points."""
        people, facts = said
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

    async def check_period(self, event: Event) -> None:
        """Check that the ledger still gives the totals with which a period was approved or locked."""
        month, state = event.content["row"].partition(":")[2], event.content["state"]
        told = [tuple(each) for each in event.content["totals"]]
        until = None if event.kind == JournalKind.PERIOD_LOCKED else state["approved_seq"]
        if await totals.of_period(self.session, self.owner.id, month, until=until) != told:
            self.say(f"the ledger gives other totals of {month} than at the {event.kind.removeprefix('period_')} state")

    async def _company_hashes(self, events: Sequence[Event]) -> dict[int, str]:
        """Load the hashes of the company's events that days cover, by number."""
        covered = {event.content["company"][0] for event in events if event.content["company"] is not None}
        row = JournalEventRecord
        query = select(row.seq, row.hash).where(row.chain == COMPANY, row.seq.in_(covered))
        return dict((await self.session.execute(query)).all())

    def _check_company(self, head: Sequence[Any] | None, day: date, company: Mapping[int, str]) -> None:
        """Check that the company's chain has the event which a day covers."""
        if head is None:
            return
        seq, hash_ = head
        if company.get(seq) != hash_ or seq < self._company:
            self.say(f"the day {day} covers another event {seq} of people, absences and actions than is stored")
        self._company = seq

    async def check_uncovered(self, begun: Event | None, last_hash: Mapping[int, str]) -> None:
        """Check the finished days without an event, and that unfinished days have no points.

        Only days from before the journal may lack an event, as many as the first event counted.
        """
        query = select(RunRecord.id, RunRecord.day).where(RunRecord.team_id == self.owner.id).order_by(RunRecord.day)
        found = (await self.session.execute(query)).all()
        uncovered = [run_id for run_id, _ in found if run_id not in self.seen]
        is_whole = await self._are_counts_right(begun, uncovered)
        for day, count in Counter(day for _, day in found).items():
            if count > 1:
                self.say(f"the day {day} has two runs")
        for portion in portions(uncovered, _UNCOVERED):
            rows = await DayRows.load(self.session, portion)
            for run_id in portion:
                run = rows.runs[run_id]
                if run.state == RunState.FINISHED.value:
                    is_earlier = is_whole or begun is None or run.finished_at is None or run.finished_at <= begun.at
                    self._check_earlier(run, last_hash.get(run_id, ""), is_earlier=is_earlier)
                recount = await self._recount(run)
                for item in self._snapshots(run, rows):
                    recount.add(item)
                for text in _recount_texts(run, rows, recount):
                    self.say(f"the day {run.day} {text}")
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

    def _snapshots(self, run: RunRecord, rows: DayRows) -> Sequence[StoredSnapshot]:
        """Return the snapshots of a day; none, with a problem, for snapshots that cannot be read."""
        if run.id not in rows.snapshots:
            self.say(f"the day {run.day} has a snapshot that cannot be read")
        return rows.snapshots.get(run.id, ())


def _recount_texts(run: RunRecord, rows: DayRows, recount: Recount) -> list[str]:
    """Say if a day counted again differs from the ledger; a day not finished has no entries."""
    texts = [] if recount.closes(rows.closed.get(run.id, {})) else ["has other closed deals than its evidence"]
    written = rows.written.get(run.id, ())
    is_same = recount.gives(written) if run.state == RunState.FINISHED.value else not written
    return texts if is_same else [*texts, "counted again gives other points than the ledger has"]


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


@dataclass(frozen=True, slots=True)
class _KnownRulebook:
    """Hold a rulebook as stored."""

    version: list[Any]
    rulebook: Rulebook | None
    """None: it cannot be read any more."""

    @classmethod
    def of(cls, row: RulebookRecord) -> _KnownRulebook:
        try:
            return cls(_version(row), Rulebook.from_json(row.content))
        except UNREADABLE:
            return cls(_version(row), None)


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
