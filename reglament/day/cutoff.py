"""The whole way of a business day, top to bottom: claim, read, keep, judge, write, announce (docs/architecture.md).

The unit of work is one connection and one cutoff: all its teams share one read; claim, snapshot and ledger stay per
team. Everything may be repeated, by anybody, at any time: a day that is done stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal

import structlog

from crm_clients.base import CrmUser
from crm_clients.errors import CrmError, CrmRefused, RightsMissing
from reglament.config.settings import Settings
from reglament.config.team import TeamSettings
from reglament.connections import Connections
from reglament.day import departures, notifications
from reglament.day.due import DueCutoff
from reglament.day.notifications import Audience, Notification
from reglament.day.read import ConnectionReading, missing, read_connection, still_missing, unreadable
from reglament.day.roster import Roster, rosters
from reglament.day.tally_sheet import sheet
from scoring.kpis import Capability
from scoring.rules import WindowKind
from scoring.scorecard import Scorecard
from scoring.snapshot import Cause, Manager, Snapshot, Value
from scoring.tally import TallySheet
from scoring.workdays import Window
from storage.days import rulebooks, runs
from storage.days.runs import Claimed
from storage.db.database import Database, Session
from storage.errors import LeaseLost, StorageError
from storage.ledger import writer
from storage.messages import deliveries
from storage.people import absences, people, teams
from storage.values import Role, RoleGrant, Run, RunLease, StoredSnapshot

log = structlog.get_logger()

FIRST_RETRY = timedelta(seconds=30)
LAST_RETRY = timedelta(minutes=5)
RENEW_SECONDS = 15.0
GRACE = timedelta(minutes=1)
"""What a read may take beyond its time, and the counting."""

Enqueue = Callable[[Session, Sequence[int]], Awaitable[None]]
"""Tells the engine of new deliveries, in the transaction that wrote them."""


async def _nobody_waits(_session: Session, _ids: Sequence[int]) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Process:
    """What a run needs of the process it runs in."""

    db: Database
    settings: Settings
    connections: Connections
    owner: str
    """Names this process in leases."""
    started_at: datetime | None
    """When the service started; None for a single command, which gets no time of its own to retry."""
    now: Callable[[], datetime]
    enqueue: Enqueue = _nobody_waits


@dataclass(frozen=True, slots=True)
class TeamResult:
    """What became of one team's day."""

    team: str
    day: date
    run: Run | None = None
    """The finished run; None if it was postponed, or is in other hands."""
    already: bool = False
    """It had been finished before."""
    retry_at: datetime | None = None
    problem: str = ""


@dataclass(slots=True)
class _TeamDay:
    """A claimed team on its way through the day."""

    key: str
    team: TeamSettings
    run: Run
    hold: RunLease
    kept: list[StoredSnapshot]
    roster: Roster = field(default_factory=Roster)
    snapshots: tuple[Snapshot, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """KPIs to read: all, or what earlier attempts did not get."""
        if not self.kept:
            return self.run.rulebook.counted
        lacking = frozenset(still_missing(item.snapshot for item in self.kept))
        return tuple(key for key in self.run.rulebook.counted if key in lacking)


async def run_cutoff(
    process: Process,
    due: DueCutoff,
    *,
    rehearsed: bool = False,
    hurry: bool = False,
    last_attempt: bool = False,
) -> list[TeamResult]:
    """Run the business day `due.day` of all teams of a connection that share its cutoff.

    `hurry` does not wait for a postponed run's time. `last_attempt` settles with what can be read now instead of
    postponing.
    """
    results: list[TeamResult] = []
    days: list[_TeamDay] = []
    for key in due.teams:
        claimed = await _claim(process, key, due.day, rehearsed=rehearsed, hurry=hurry)
        if isinstance(claimed, TeamResult):
            results.append(claimed)
        else:
            days.append(claimed)
    if not days:
        return results
    with structlog.contextvars.bound_contextvars(connection=due.connection, day=due.day.isoformat()):
        async with _leases(process.db, [day.hold for day in days]):
            reading = await _read(process, due, days)
            for day in days:
                settle = _Settling(process, day, reading, last_attempt)
                results.append(await settle.settle())
    return results


# Claiming


async def _claim(process: Process, key: str, day: date, *, rehearsed: bool, hurry: bool) -> _TeamDay | TeamResult:
    team = process.settings.teams[key]
    async with process.db.reading() as session:
        window = await window_of(session, key, team, day)
    outcome = await runs.claim(
        process.db, key, day, process.owner, window=window, at=process.now(), rehearsed=rehearsed, hurry=hurry
    )
    match outcome:
        case runs.Finished(run):
            return TeamResult(key, day, run, already=True)
        case runs.Busy(retry_at):
            return TeamResult(key, day, retry_at=retry_at, problem="another process works on it")
        case Claimed(run, hold):
            async with process.db.reading() as session:
                kept = await runs.kept(session, run.id) if run.kept_at else []
            return _TeamDay(key, team, run, hold, kept)


async def window_of(session: Session, key: str, team: TeamSettings, day: date) -> Window:
    """The window of a team's day, from where its last stored window ended."""
    calendar = team.calendar()
    last_end = await runs.last_window_end(session, key, day)
    running = calendar.window(day, WindowKind.CUTOFF_TO_CUTOFF, last_end)
    rulebook = await rulebooks.rulebook_at(session, key, running.start)
    return calendar.window(day, rulebook.window, last_end)


@asynccontextmanager
async def _leases(db: Database, holds: Sequence[RunLease]) -> AsyncIterator[None]:
    """Renew the claims while the block runs."""

    async def renew() -> None:
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            for hold in holds:
                try:
                    await runs.renew(db, hold)
                except StorageError as error:
                    log.warning("lease_not_renewed", team=hold.team, problem=str(error))

    renewing = asyncio.get_running_loop().create_task(renew())
    try:
        yield
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing


# Reading


async def _read(process: Process, due: DueCutoff, days: Sequence[_TeamDay]) -> ConnectionReading:
    """Fill the rosters and read once what the teams still lack."""
    crm = process.connections.client(due.connection)
    lacking = [day for day in days if day.wanted]
    if not lacking:
        return ConnectionReading({}, 0, 0.0)
    try:
        users = await crm.users()
    except CrmError as error:
        refused = isinstance(error, CrmRefused) and not isinstance(error, RightsMissing)
        log.warning("users_not_read", problem=str(error))
        await _last_known(process, lacking, str(error))
        return ConnectionReading({}, 0, 0.0, str(error), refused)
    timeout = process.connections.timeout(due.connection)
    await synchronise(process, due.connection, users, due.day, reads_for=timedelta(seconds=timeout) + GRACE)
    found = rosters(process.settings.teams_of(due.connection), users)
    sheets: dict[str, TallySheet] = {}
    async with process.db.reading() as session:
        for day in lacking:
            day.roster = found[day.key]
            sheets[day.key] = await _sheet(session, day)
    left = await departures.waiting(process.db, sheets, at=process.now())
    reading = await read_connection(
        crm,
        {key: departures.named(sheet, left.get(key, {})) for key, sheet in sheets.items()},
        timeout_seconds=timeout,
        shift=process.connections.shift(due.connection),
    )
    for day in lacking:
        members, others = departures.apart(reading.snapshots[day.key], sheets[day.key])
        day.snapshots = members + await _unknown(process, day)
        if day.key in left:
            async with process.db.transaction() as session:
                await process.enqueue(session, await departures.tell(session, left[day.key], others))
    return reading


async def _sheet(session: Session, day: _TeamDay) -> TallySheet:
    held_before: frozenset[str] = frozenset()
    if "meetings_held" in day.wanted:
        held_before = await held_before_day(session, day.key, day.run.day)
    return sheet(day.team, day.run.rulebook, day.run.window, day.roster, kpis=day.wanted, held_before=held_before)


async def held_before_day(session: Session, key: str, day: date) -> frozenset[str]:
    """Ids of the meetings in the evidence of the team's run before `day`."""
    run = await runs.last_finished(session, key, until=day - timedelta(days=1))
    readings = [item.snapshot.readings.get("meetings_held") for item in await runs.kept(session, run.id)] if run else []
    return frozenset(item.id for reading in readings if isinstance(reading, Value) for item in reading.items)


async def _unknown(process: Process, day: _TeamDay) -> tuple[Snapshot, ...]:
    """Listed users whom the CRM does not know: no data, under the name they had."""
    if not day.roster.unknown:
        return ()
    async with process.db.reading() as session:
        names = {member.crm_user: member.name for member in await people.members(session, day.key)}
    return tuple(
        unreadable(Manager(user, names.get(user, user)), day.wanted, Cause.UNKNOWN_USER) for user in day.roster.unknown
    )


async def _last_known(process: Process, days: Iterable[_TeamDay], problem: str) -> None:
    """Without a list of users: nobody could be read of those who were members last."""
    async with process.db.reading() as session:
        for day in days:
            members = await people.members(session, day.key)
            listed = {user: user for user in day.team.members.users}
            names = listed | {member.crm_user: member.name for member in members}
            day.snapshots = tuple(
                unreadable(Manager(user, name), day.wanted, Cause.INCOMPLETE, problem) for user, name in names.items()
            )


async def synchronise(
    process: Process,
    connection: str,
    users: Sequence[CrmUser],
    day: date,
    *,
    reads_for: timedelta | None = None,
) -> None:
    """Make managers and memberships those of a complete list of users; tell the heads who left.

    `reads_for` is how long a reading that follows may take: until then they wait for what it tells.
    """
    found = rosters(process.settings.teams_of(connection), users)
    async with process.db.transaction() as session:
        gone = await people.sync_users(
            session, connection, [(user.id, user.name, user.active and user.human) for user in users], at=process.now()
        )
        for key, roster in found.items():
            known = {user: manager.name for user, manager in roster.members.items()}
            await people.set_members(session, key, known | {user: user for user in roster.unknown})
        orders: list[Notification] = []
        for member in gone:
            if member.team is not None:
                heads = await _heads(process, session, member.team)
                until = process.now() + reads_for if reads_for else None
                orders += notifications.departed(day, member, heads, until)
        await order(process, session, orders)


# Settling: keep, judge, write, announce


@dataclass(frozen=True, slots=True)
class _Settling:
    """One team's readings on their way into the ledger."""

    process: Process
    day: _TeamDay
    reading: ConnectionReading
    last_attempt: bool

    async def settle(self) -> TeamResult:
        """Keep what was read; then judge and write it, or postpone. A lost lease leaves it to whoever took over."""
        day = self.day
        try:
            await self._keep()
            if self._worth_waiting():
                return await self._postpone()
            return await self._finish()
        except LeaseLost as lost:
            log.warning("lease_lost", team=day.key)
            return TeamResult(day.key, day.run.day, problem=str(lost))

    async def _keep(self) -> None:
        day, process = self.day, self.process
        if not day.snapshots:
            return
        async with process.db.transaction() as session:
            absent = await absences.absent_on(session, day.team.crm, day.run.day)
            users = [snapshot.manager.crm_user for snapshot in day.snapshots]
            last = await runs.last_keys(session, day.key, day.run.day, users, day.wanted)
            fresh = [
                StoredSnapshot(snapshot, snapshot.manager.crm_user in absent, last.get(snapshot.manager.crm_user, {}))
                for snapshot in day.snapshots
            ]
            day.kept = await runs.keep(session, day.hold, fresh, at=process.now())

    @property
    def _deadline(self) -> datetime:
        """Until when a CRM that does not answer is asked again."""
        first = self.day.run.first_attempt_at
        if self.process.started_at is not None:
            first = max(first, self.process.started_at)
        return first + timedelta(minutes=self.day.team.retry_minutes)

    def _worth_waiting(self) -> bool:
        """Whether a further attempt may still give something that counts."""
        lacking = still_missing(item.snapshot for item in self.day.kept)
        if not self.day.kept and self.reading.problem:
            lacking = self.day.run.rulebook.counted  # nobody is known yet whose day could be unread
        if self.last_attempt or self.reading.refused or not lacking or self.process.now() >= self._deadline:
            return False
        tolerance = timedelta(minutes=self.day.team.late_tolerance_minutes)
        if self.process.now() <= self.day.run.window.cutoff + tolerance:
            return True
        capabilities = self.process.connections.client(self.day.team.crm).capabilities
        return any(capabilities.get(key) is Capability.REBUILDABLE for key in lacking)

    async def _postpone(self) -> TeamResult:
        day, process = self.day, self.process
        delay = min(FIRST_RETRY * 2 ** min(day.hold.attempt - 1, 10), LAST_RETRY)
        retry_at = min(process.now() + delay, self._deadline)
        problem = self.reading.problem or "the CRM did not give all of it"
        log.warning("postponed", team=day.key, retry_at=retry_at.isoformat(), problem=problem)
        async with process.db.transaction() as session:
            if not await runs.postpone(session, day.hold, retry_at=retry_at, problem=problem):
                raise LeaseLost(f"another process took over the day of team {day.key}")
            audience = await audience_of(process, session, day.key)
            if not self._is_old:
                await order(
                    process,
                    session,
                    notifications.delayed(day.run, audience, retry_until=self._deadline, problem=problem),
                )
        return TeamResult(day.key, day.run.day, retry_at=retry_at, problem=problem)

    async def _finish(self) -> TeamResult:
        """Points, messages and the end of the run in one transaction."""
        day, process = self.day, self.process
        cards = [item.score(day.run.rulebook) for item in day.kept]
        async with process.db.transaction() as session:
            digest = await writer.append(session, day.hold, cards, at=process.now())
            await runs.finish(
                session,
                day.hold,
                at=process.now(),
                digest=digest,
                requests=self.reading.requests,
                seconds=Decimal(str(round(self.reading.seconds, 3))),
                missing=missing(item.snapshot for item in day.kept),
            )
            await order(process, session, await self._messages(session, cards))
            run = await runs.find(session, day.key, day.run.day)
        log.info("day_finished", team=day.key, digest=digest, managers=len(cards), requests=self.reading.requests)
        return TeamResult(day.key, day.run.day, run, problem=self.reading.problem)

    @property
    def _is_old(self) -> bool:
        """A newer day's cutoff has passed already: that day's message tells of this one in a line."""
        calendar = self.day.team.calendar()
        return self.process.now() >= calendar.cutoff_of(calendar.next_workday(self.day.run.day))

    async def _messages(self, session: Session, cards: Sequence[Scorecard]) -> list[Notification]:
        day, process = self.day, self.process
        audience = await audience_of(process, session, day.key)
        orders = []
        if not self._is_old:
            orders = notifications.evening(day.run, cards, audience, await _caught_up(session, day.run))
        if self.reading.refused:
            orders += notifications.alarm(day.key, day.run.day, day.team.crm, audience, self.reading.problem)
        return orders


async def _caught_up(session: Session, run: Run) -> list[date]:
    """Days just before `run` that were finished only after the next day's cutoff, oldest first."""
    before = await runs.between(session, run.team, run.day - timedelta(days=90), run.day - timedelta(days=1))
    days: list[date] = []
    newer = run
    for older in reversed(before):
        if older.finished_at is None or older.finished_at < newer.window.cutoff:
            break
        days.insert(0, older.day)
        newer = older
    return days


# Whom to tell


async def audience_of(process: Process, session: Session, key: str) -> Audience:
    """Everybody whom a team's messages may reach, from settings and database."""
    team = process.settings.teams[key]
    stored = await teams.find(session, key)
    return Audience(
        members=tuple(await people.members(session, key)),
        heads=frozenset(await _heads(process, session, key)),
        admins=frozenset(process.settings.telegram.admins) | await _holders(session, Role.ADMIN, key),
        group=team.board != "off" and (team.chat_id or stored.chat_id) is not None,
    )


async def _heads(process: Process, session: Session, key: str) -> frozenset[int]:
    listed = frozenset(process.settings.teams[key].heads)
    return listed | await _holders(session, Role.HEAD, key)


async def _holders(session: Session, role: Role, key: str) -> frozenset[int]:
    """Telegram ids of those to whom the database gives a role, in the team or everywhere."""
    found = await people.holders(session, [RoleGrant(role, key), RoleGrant(role)])
    return frozenset(person.telegram_id for person in found if person.telegram_id is not None)


async def order(process: Process, session: Session, orders: Iterable[Notification]) -> None:
    """Write deliveries and tell the engine, in the caller's transaction. One that exists already stays as it is."""
    ids = [
        delivery_id
        for item in orders
        if (
            delivery_id := await deliveries.add(
                session,
                event=item.event,
                recipient=item.recipient,
                notice=item.notice,
                at=process.now(),
                not_before=item.not_before,
            )
        )
        is not None
    ]
    if ids:
        await process.enqueue(session, ids)
