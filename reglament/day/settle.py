"""Settle a team's day: store the snapshots, score, write points and messages, or postpone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import structlog

from crm_clients.errors import CrmError
from reglament.day import notifications
from reglament.day.audience import Audience, load_audience
from reglament.day.claims import TeamDay, TeamResult
from reglament.day.departures import take_into_digest
from reglament.day.members import ConnectionRosters
from reglament.day.missing import lacking_rights, missing
from reglament.day.notifications import Notification, enqueue
from reglament.day.read import ConnectionReading, is_refusal
from reglament.day.retry import is_worth_waiting, next_attempt, retry_deadline
from reglament.day.shrunken import doubt_vanished
from reglament.day.zeros import long_zeros, observe_zeros
from reglament.process import Process
from scoring.scorecard import Scorecard
from scoring.snapshot import Snapshot
from storage.backup import marks
from storage.days import runs
from storage.days.earlier_runs import note_spared
from storage.days.snapshots import last_keys, stored_snapshots
from storage.db.database import Session
from storage.errors import LeaseLost
from storage.journal.calendars import store_calendar
from storage.journal.days import close_day
from storage.ledger import writer
from storage.ledger.absent_days import take_terms
from storage.values import Run, StoredSnapshot

log = structlog.get_logger()


async def settle(
    process: Process,
    day: TeamDay,
    rosters: ConnectionRosters,
    reading: ConnectionReading,
    *,
    last_attempt: bool = False,
) -> TeamResult:
    """Store the team's snapshots, then score the day or postpone it. A lost lease leaves the day to the new holder."""
    fresh = (*reading.snapshots.get(day.key, ()), *rosters.unread_snapshots(day))
    error = rosters.error or reading.error_of(day.key)
    try:
        stored = await _store(process, day, fresh, rosters.users(day.key))
        settlement = Settlement(process, day, stored, reading, error)
        if not last_attempt and is_worth_waiting(process, day, stored, error):
            return await settlement.postpone()
        return await settlement.finish()
    except LeaseLost as lost:
        log.warning("lease_lost", team=day.key)
        return TeamResult(day.key, day.run.day, problem=str(lost))


async def _store(
    process: Process, day: TeamDay, fresh: Sequence[Snapshot], members: Collection[str] | None
) -> tuple[StoredSnapshot, ...]:
    """Store fresh snapshots before scoring; return all snapshots of the day, of earlier attempts too."""
    if not fresh:
        return day.stored
    long = await long_zeros(process, day, fresh)
    async with process.db.transaction() as session:
        fresh = await doubt_vanished(process, session, day.key, day.team.crm, day.run.day, fresh)
        fresh = await observe_zeros(process, session, day, fresh, long)
        users = [snapshot.manager.crm_user for snapshot in fresh]
        last = await last_keys(session, day.key, day.run.day, users, day.unread_kpis)
        items = [StoredSnapshot(snapshot, last=last.get(snapshot.manager.crm_user, {})) for snapshot in fresh]
        stored = tuple(await runs.store_snapshots(session, day.lease, items, at=process.now(), members=members))
        await note_spared(session, day.run.id, day.team.crm, fresh)
        return stored


@dataclass(frozen=True, slots=True)
class Settlement:
    """Carry a team's stored snapshots into the ledger, or postpone the run."""

    process: Process
    day: TeamDay
    stored: Sequence[StoredSnapshot]
    reading: ConnectionReading
    error: CrmError | None

    async def postpone(self) -> TeamResult:
        """Give the run a retry time and tell the heads that the score is delayed."""
        day, process = self.day, self.process
        retry_at = next_attempt(process, day)
        problem = str(self.error) if self.error else "the CRM did not give all of it"
        log.warning("postponed", team=day.key, retry_at=retry_at.isoformat(), problem=problem)
        async with process.db.transaction() as session:
            if not await runs.postpone(session, day.lease, retry_at=retry_at, problem=problem):
                raise LeaseLost(f"another process took over the day of team {day.key}")
            if not self._is_old:
                audience = await load_audience(process, session, day.key)
                until = retry_deadline(process, day)
                news = notifications.delayed(day.run, audience, retry_until=until, problem=problem)
                await enqueue(process, session, news)
        return TeamResult(day.key, day.run.day, retry_at=retry_at, problem=problem)

    async def finish(self) -> TeamResult:
        """Write points, messages and the end of the run in a single transaction."""
        day, process = self.day, self.process
        async with process.db.transaction() as session:
            at = process.now()
            stored = await take_terms(session, day.run, self.stored)
            cards = [item.score(day.run.rulebook, day.run.day) for item in stored]
            await writer.append(session, day.lease, cards, at=at)
            await enqueue(process, session, await self._messages(session, cards))
            unread = self._missing()
            digest = await close_day(session, day.lease, stored, at=at, missing=unread)
            await store_calendar(session, day.key, day.team.calendar(), at)
            await runs.finish(
                session,
                day.lease,
                at=at,
                digest=digest,
                requests=self.reading.requests,
                seconds=Decimal(str(round(self.reading.seconds, 3))),
                missing=unread,
            )
            run = await runs.find(session, day.key, day.run.day)
        log.info("day_finished", team=day.key, digest=digest, managers=len(cards), requests=self.reading.requests)
        return TeamResult(day.key, day.run.day, run, problem=str(self.error) if self.error else "")

    def _missing(self) -> dict[str, str]:
        """Explain by KPI what is absent; without any member the error explains every KPI."""
        if not self.stored and self.error:
            return dict.fromkeys(self.day.run.rulebook.counted, str(self.error))
        return missing(item.snapshot for item in self.stored)

    @property
    def _is_old(self) -> bool:
        """Tell whether a newer cutoff has passed: the newer day's message then reports this day in a line."""
        calendar = self.day.team.calendar()
        return self.process.now() >= calendar.cutoff_of(calendar.next_workday(self.day.run.day))

    async def _messages(self, session: Session, cards: Sequence[Scorecard]) -> list[Notification]:
        day = self.day
        audience = await load_audience(self.process, session, day.key)
        news, told = [], frozenset[int]()
        if not self._is_old:
            earlier = await _load_caught_up(session, day.run)
            departed = await take_into_digest(session, day.key, audience.heads, self.process.now())
            news = notifications.evening(day.run, cards, audience, earlier, error=self.error, departed=departed)
            told = audience.heads
        news += await self._rights_news(session, audience)
        if not cards and self.error:
            news += notifications.unread_day(day.run, audience.admins - told, self.error)
        if is_refusal(self.error):
            news += notifications.alarm(day.key, day.run.day, day.team.crm, audience.admins - told, str(self.error))
        return news

    async def _rights_news(self, session: Session, audience: Audience) -> list[Notification]:
        """Tell the admins of a missing right on the first day only."""
        day = self.day
        lacking = lacking_rights(item.snapshot for item in self.stored)
        if not lacking:
            return []
        before = await runs.last_finished(session, day.key, until=day.run.day - timedelta(days=1))
        earlier = await stored_snapshots(session, before.id, evidence=False) if before else []
        known = lacking_rights(item.snapshot for item in earlier)
        new = {key: detail for key, detail in lacking.items() if key not in known}
        return notifications.rights_missing(day.run, day.team.crm, new, audience) if new else []


async def _load_caught_up(session: Session, run: Run) -> list[date]:
    """Load the days just before `run` that were finished only after the next day's cutoff, oldest first.

    Days that people were told of before a restore are left out.
    """
    told = await marks.told_until(session, run.team)
    before = await runs.dates_between(session, run.team, run.day - timedelta(days=90), run.day - timedelta(days=1))
    days: list[date] = []
    next_cutoff = run.window.cutoff
    for older in reversed(before):
        if older.finished_at is None or older.finished_at < next_cutoff:
            break
        days.insert(0, older.day)
        next_cutoff = older.cutoff
    return [day for day in days if told is None or day > told]
