"""Verify a team, and what belongs to no single team. Everything is looked at, whatever is found wrong before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.db import append_only
from storage.db.lenient_text import lenient_text
from storage.db.models import RunRecord, TeamRecord
from storage.db.sql import team_named
from storage.errors import UNREADABLE
from storage.journal.calendars import StoredCalendar, calendar_from_json, due_days
from storage.journal.chain import COMPANY
from storage.journal.heads import COMPANY_NAME
from storage.journal.kinds import JournalKind
from storage.journal.team_keys import teams_in
from storage.values import CompanyVerification, Problem, RunState, ToldTeam, Verification, Witnessed
from storage.verify import references, rows
from storage.verify.beginnings import check_beginning
from storage.verify.chain_walk import ChainWalk, Event
from storage.verify.days import Days, altered_rulebooks
from storage.verify.doubles import doubly_scored
from storage.verify.entries import LedgerWalk
from storage.verify.ledger_heads import LedgerHeads
from storage.verify.reused_keys import pasts_of_reused_keys

_UNCLEAR = "it does not say what an event of its kind says"


async def verify(session: AsyncSession, team: str) -> list[Problem]:
    """List the problems of a team and of the company; empty where all is as written."""
    return list((await verification(session, team)).problems)


async def verify_company(session: AsyncSession) -> CompanyVerification:
    """Verify guards, references, and the journal of people, accounts, teams, absences and actions."""
    async with lenient_text(session):
        return await _verify_company(session)


async def _verify_company(session: AsyncSession) -> CompanyVerification:
    connection = await session.connection()
    problems = [Problem(COMPANY_NAME, text) for text in await connection.run_sync(append_only.findings)]
    problems += await _whole(COMPANY_NAME, "references", lambda: references.dangling(session, COMPANY_NAME))
    problems += await _whole(COMPANY_NAME, "entries", lambda: _doubly_scored(session))
    problems += await _whole(COMPANY_NAME, "keys", lambda: _reused_keys(session))
    walk, fold = ChainWalk(session, COMPANY, COMPANY_NAME), rows.Fold()
    blanked: datetime | None = None
    told: dict[int, ToldTeam] = {}

    async def follow() -> list[Problem]:
        nonlocal blanked
        async for event in walk.events():
            try:
                blanked = _blanked_before(event) or blanked
                fold.take(event.content)
                for team_id, _ in teams_in(event.content):
                    told.setdefault(team_id, ToldTeam(event.seq, event.at))
            except UNREADABLE:
                walk.say(event, _UNCLEAR)
        return []

    problems += await _whole(COMPANY_NAME, "journal", follow)
    problems += walk.problems
    if walk.begun is not None:
        problems += await _whole(
            COMPANY_NAME, "rows", lambda: rows.compare(session, COMPANY, fold, COMPANY_NAME, blanked)
        )
    last, begun = walk.last, walk.begun
    return CompanyVerification(tuple(problems), blanked, told, last.seq if last else 0, begun.at if begun else None)


async def _doubly_scored(session: AsyncSession) -> list[Problem]:
    return [Problem(COMPANY_NAME, text) for text in await doubly_scored(session)]


async def _reused_keys(session: AsyncSession) -> list[Problem]:
    return [Problem(COMPANY_NAME, text) for text in await pasts_of_reused_keys(session)]


def _blanked_before(event: Event) -> datetime | None:
    """Return the instant before which texts were blanked; None for other events."""
    is_blanking = event.kind == JournalKind.TEXTS_BLANKED
    return datetime.fromisoformat(event.content["before"]) if is_blanking else None


async def verification(
    session: AsyncSession, team: str, company: CompanyVerification | None = None, *, now: datetime | None = None
) -> Verification:
    """Verify a team's ledger and journal, and count the entries and days looked at.

    Without `company` its verification is made, and the problems are among those of the team. Use a reading session, for
    one moment's view. With `now` the due days without a finished run are listed. Raises NotFound.
    """
    async with lenient_text(session):
        owner = await team_named(session, team)
        problems: list[Problem] = []
        if company is None:
            company = await _verify_company(session)
            problems += company.problems
        found = _TeamCheck(session, owner, company)
        problems += await found.problems()
        try:
            return await found.summary(problems, now)
        except UNREADABLE:
            problems.append(Problem(team, "a day or an instant of the runs cannot be read: it was altered"))
            return Verification(team, found.book.seq if found.book else 0, 0, (), tuple(problems))


class _TeamCheck:
    """Check everything of a team."""

    def __init__(self, session: AsyncSession, owner: TeamRecord, company: CompanyVerification) -> None:
        self.session, self.owner, self.company = session, owner, company
        self.walk = ChainWalk(session, owner.id, owner.key)
        self.fold = rows.Fold()
        self.days = Days(session, owner, company.blanked_before)
        self.heads = LedgerHeads()
        self.book: LedgerWalk | None = None
        self.covers_from: date | None = None
        self.calendars: list[StoredCalendar] = []
        self.not_read: set[date] = set()
        self.last_finished: Event | None = None

    async def problems(self) -> list[Problem]:
        """Check the parts one by one; what cannot be read is a problem, and the rest is checked all the same."""
        team, blanked = self.owner.key, self.company.blanked_before
        found = await _whole(team, "rulebooks", lambda: altered_rulebooks(self.session, self.owner))
        found += await _whole(team, "journal", self._follow)
        found += [*self.walk.problems, *self.days.problems]
        begun = self.walk.begun
        company = self.company
        found += await _whole(team, "beginning", lambda: check_beginning(self.session, self.owner, company, begun))
        covered_from = None if begun is None else begun.at
        book = self.book = LedgerWalk(self.session, self.owner, covered_from, blanked, self.heads.wanted)
        found += await _whole(team, "ledger", lambda: _read(book))
        found += await _whole(team, "days", self._rest)
        if begun is not None:
            found += await _whole(
                team, "rows", lambda: rows.compare(self.session, self.owner.id, self.fold, team, blanked)
            )
        return found

    async def _follow(self) -> list[Problem]:
        """Follow the journal; check each day when its event comes."""
        try:
            async for event in self.walk.events():
                try:
                    await self._take(event)
                except UNREADABLE:
                    self.walk.say(event, _UNCLEAR)
        finally:
            self._say_unclear(await self.days.check_gathered())
        return []

    def _say_unclear(self, events: Iterable[Event]) -> None:
        for event in events:
            self.walk.say(event, _UNCLEAR)

    async def _take(self, event: Event) -> None:
        if "ledger" in event.content:
            self.heads.take(event)
        if event.kind == JournalKind.DAY_FINISHED:
            self.last_finished = event
            self.covers_from = self.covers_from or date.fromisoformat(event.content["day"])
            self._say_unclear(await self.days.add(event))
        elif event.kind == JournalKind.CALENDAR_STORED:
            self.calendars.append((event.at, calendar_from_json(event.content)))
        elif event.kind == JournalKind.DAY_NOT_READ:
            self.not_read.add(date.fromisoformat(event.content["day"]))
        elif event.kind in (JournalKind.PERIOD_APPROVED, JournalKind.PERIOD_LOCKED):
            await self.days.check_period(event)
        self.fold.take(event.content)

    async def _rest(self) -> list[Problem]:
        """Check what no event tells of: days from before the journal, entries after the last event."""
        assert self.book is not None  # noqa: S101  # read before
        self.days.problems = []
        for text in self.heads.problems(self.book.marks):
            self.days.say(text)
        await self.days.check_uncovered(self.walk.begun, self.book.last_hash)
        if self.walk.begun is not None and self.book.seq > self.heads.last:
            self.days.say(f"no event of the journal covers the entries after {self.heads.last}")
        finished = await self._days(RunRecord.state == RunState.FINISHED.value)
        if finished:
            settled = self.not_read.union(finished, await self._days(RunRecord.state != RunState.FINISHED.value))
            due = due_days(self.calendars, self.owner.scored_from, max(finished))
            for day in due:
                if day not in settled:
                    self.days.say(f"the working day {day} is neither finished nor settled as not read")
        return self.days.problems

    async def _days(self, condition: ColumnElement[bool]) -> list[date]:
        """List the days of the runs under a condition; an unfinished run waits for its next attempt."""
        return list(
            await self.session.scalars(select(RunRecord.day).where(RunRecord.team_id == self.owner.id, condition))
        )

    async def summary(self, problems: list[Problem], now: datetime | None) -> Verification:
        """Summarize what was looked at."""
        run = RunRecord
        of_team = run.team_id == self.owner.id, run.state == RunState.FINISHED.value
        query = select(run.day).where(run.team_id == self.owner.id, run.rehearsed).order_by(run.day)
        last = await self.session.execute(select(run.day, run.digest).where(*of_team).order_by(run.day.desc()).limit(1))
        last_day, digest = last.first() or (None, "")
        begun = self.walk.begun
        return Verification(
            self.owner.key,
            self.book.seq if self.book else 0,
            len(self.book.last_hash) if self.book else 0,
            tuple(await self.session.scalars(query)),
            tuple(problems),
            covers_from=self.covers_from or (None if begun is None else begun.at.date()),
            last_day=last_day,
            digest=digest,
            awaited=tuple(self._awaited(last_day, now)),
            witnessed=self._witnessed(),
        )

    def _witnessed(self) -> Witnessed | None:
        """Say which events the digest of the last finished day covers."""
        day, last = self.last_finished, self.walk.last
        if day is None or last is None:
            return None
        company = (day.content["company"] or [0])[0]
        later = max(0, self.company.last_event - company)  # the company's journal may be altered beyond reading
        return Witnessed(day.seq, day.at, last.seq - day.seq, company, later)

    def _awaited(self, last_day: date | None, now: datetime | None) -> list[date]:
        """List the due days after the last finished day, up to the last cutoff."""
        if now is None or last_day is None or not self.calendars:
            return []
        calendar = self.calendars[-1][1]
        due = due_days(self.calendars, last_day + timedelta(days=1), calendar.local_date(now))
        return [day for day in due if day not in self.not_read and calendar.cutoff_of(day) <= now]


async def _read(book: LedgerWalk) -> list[Problem]:
    try:
        await book.read()
    except UNREADABLE:
        book.problems.append(Problem(book.owner.key, f"an entry after {book.seq} cannot be read"))
    return book.problems


async def _whole(team: str, part: str, work: Callable[[], Awaitable[list[Problem]]]) -> list[Problem]:
    """Do a part of the work; stored data that were altered beyond reading are a problem."""
    try:
        return await work()
    except UNREADABLE:
        return [Problem(team, f"the {part} cannot be read to the end: stored data were altered")]
