"""What must hold after every day, whatever failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiogram.exceptions import TelegramAPIError
from aiogram.methods import SendPhoto

from reglament.commands.period_report import load_period_report
from reports.workbook.period import manager_totals
from scoring.entries import EntryKind, Month
from scoring.payout import payout
from scoring.scorecard import Outcome
from scoring.snapshot import Evidence, NotRead, Reading, Spared, Value
from storage.days import instants, queries, runs
from storage.days.snapshots import stored_snapshots
from storage.db.database import Database
from storage.db.models import PersonRecord
from storage.errors import NotFound, StorageError
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, run_event
from storage.people import people, teams
from storage.values import DeliveryState, Member, Run, RunState
from storage.verify.verification import verify
from tests.simulation.oracle import History, Range, RunBefore
from tests.simulation.staff import Asked
from tests.storage.told import told

if TYPE_CHECKING:
    from tests.simulation.world import World

PATIENCE = timedelta(minutes=30)
"""How much later than its deadline a day may be settled: rounds are up to 27 minutes apart."""
DATABASE = ("database_locked", "database_full", "database_restarted")


@dataclass
class Broken(AssertionError):
    """Tell of an invariant that does not hold."""

    seed: int
    on: str
    """Kind of the database."""
    day: date
    what: str

    def __str__(self) -> str:
        return (
            f"seed {self.seed}, {self.day}: {self.what} (replay: make simulate FROM={self.seed} SEEDS=1 ON={self.on})"
        )


@dataclass
class Invariants:
    """Check the world from outside, over a connection that nothing disturbs."""

    world: World
    db: Database
    day: date = date.min
    _unchecked: list[date] = field(default_factory=list)
    """Days that were not finished when they were last looked at."""
    _counted: dict[str, date] = field(default_factory=dict)
    """By evidence key of an event: the day that counted it."""
    _spared: set[tuple[str, str]] = field(default_factory=set)
    """Users and deals that were spared for a new owner."""
    _settled_at: datetime = datetime(2000, 1, 1, tzinfo=UTC)
    """When the last day was settled: of days that were missed, each is begun after the day before."""
    _joined_at: dict[tuple[int, datetime], datetime] = field(default_factory=dict)
    """By person and stored instant of connecting, a new one after a disconnection: when that was first seen."""

    async def check(self, day: date) -> None:
        """Check a day after it ended, and the days before that were late."""
        self.day = day
        self._unchecked.append(day)
        async with self.db.reading() as session:
            await self._drop_unserved(session)
            for each in list(self._unchecked):
                run = await runs.find(session, "sales", each)
                if run is not None and run.state is RunState.FINISHED:
                    self._unchecked.remove(each)
                    self._settled_at = max(self._settled_at, run.finished_at or self._settled_at)
                    await self._check_run(session, run)
                else:
                    self._hold(not self._is_overdue(each, run), f"{each} is not settled")
                    break  # the next day is begun after this one
            if self.world.story.dice.random() < 0.15:
                self._hold(not await verify(session, "sales"), "verify finds the ledger altered")
        self._check_logs()

    async def _drop_unserved(self, session: Any) -> None:
        """Forget the days before the team was first loaded."""
        try:
            served_from = (await teams.find(session, "sales")).scored_from
        except NotFound:
            served_from = date.max
        self._unchecked = [day for day in self._unchecked if day >= served_from]

    def _hold(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(self.world.seed, "sqlite" if self.db.is_sqlite else "postgresql", self.day, what)

    def _is_overdue(self, day: date, run: Run | None) -> bool:
        """Whether the service has been up, in order and with a right clock for longer than the day may take.

        The time begins with the first attempt, which trouble with the database may delay as long as the trouble lasts.
        """
        world, now = self.world, self.world.clock()
        if not any(process.alive for process in world.processes):
            return False  # killed a moment ago: the retries begin anew at the next start
        troubles = world.story.troubles
        up = [world.story.calendar.cutoff_of(day), world.born_at(), self._settled_at]
        up += [end for end in [troubles.last_end(("service_down", "clock_jump"), now)] if end]
        free = troubles.last_end(DATABASE, now) or up[0]
        up += [min(run.first_attempt_at, free)] if run is not None else []
        return now > max(max(up) + timedelta(minutes=120), free) + PATIENCE

    async def _check_run(self, session: Any, run: Run) -> None:
        found = await queries.entries(session, "sales", run.day, run.day)
        scores = [entry for entry in found if entry.kind is EntryKind.SCORE]
        lines = [(entry.crm_user, entry.rule) for entry in scores]
        self._hold(len(lines) == len(set(lines)), f"{run.day}: a rule was judged twice")
        self._check_clock(run)
        before, spared = await self._run_before(session, run), frozenset(self._spared)
        history = History(self.world.story, run.window, self._read_at(run), before, spared)
        for entry in scores:
            self._check_entry(history, entry)
        outcomes = Counter(str(entry.outcome) for entry in scores)
        self.world.say(f"{run.day} was settled at {run.finished_at:%m-%d %H:%M} after {run.attempts}: {dict(outcomes)}")
        await self._note_spared(session, run)
        await self._check_counted_once(session, run)
        if self._is_told(run):
            await self._check_told(session, run, {entry.crm_user for entry in scores})

    def _read_at(self, run: Run) -> list[datetime]:
        return [at for process in self.world.processes for at in process.crm.read_at[run.window.cutoff]]

    async def _run_before(self, session: Any, run: Run) -> RunBefore:
        """Return what the run before read."""
        before = await runs.last_finished(session, "sales", until=run.day - timedelta(days=1))
        if before is None:
            return RunBefore()
        read = {
            (key, item.snapshot.manager.crm_user)
            for item in await stored_snapshots(session, before.id)
            for key, reading in item.snapshot.readings.items()
            if isinstance(reading, Value)
        }
        return RunBefore(frozenset(read), self._read_at(before), await self._holders(session, before))

    async def _holders(self, session: Any, before: Run) -> dict[str, str]:
        """Return who had each deal without a task, for each user as last read."""
        latest: dict[str, Sequence[Evidence]] = {}
        run: Run | None = before
        users = {item.snapshot.manager.crm_user for item in await stored_snapshots(session, before.id)}
        while run is not None and users - latest.keys():
            for item in await stored_snapshots(session, run.id):
                reading = item.snapshot.readings.get("deals_without_task")
                was_read = isinstance(reading, Value) or (isinstance(reading, NotRead) and reading.range is not None)
                if was_read and item.snapshot.manager.crm_user in users:
                    latest.setdefault(item.snapshot.manager.crm_user, _items(reading))
            run = await runs.last_finished(session, "sales", until=run.day - timedelta(days=1))
        # Users of newer readings stand first in `latest`: reversed, their deals overwrite those of older readings.
        return {each.id: user for user in reversed(latest) for each in latest[user] if not each.spared}

    async def _note_spared(self, session: Any, run: Run) -> None:
        for item in await stored_snapshots(session, run.id):
            reading = item.snapshot.readings.get("deals_without_task")
            spared = [each.id for each in _items(reading) if each.spared == Spared.INHERITED]
            self._spared |= {(item.snapshot.manager.crm_user, deal) for deal in spared}

    def _check_clock(self, run: Run) -> None:
        early = min(self._read_at(run), default=run.window.cutoff)
        slack = instants.TOLERANCE + timedelta(seconds=10)
        self._hold(early >= run.window.cutoff - slack, f"{run.day} was read at {early}, before its cutoff")

    def _check_entry(self, history: History, entry: Any) -> None:
        """Hold that there are no points without proof in the company's own history."""
        if entry.outcome not in (Outcome.KEPT, Outcome.BROKEN):
            self._hold(entry.points == 0, f"{entry.outcome} made points")
            return
        allowed = history.allowed(entry.kpi, entry.crm_user)
        text = f"{entry.day}: {entry.kpi} of {entry.crm_user} is {entry.value}, the history allows {allowed}"
        self._hold(entry.value in allowed, text)
        self._hold((entry.outcome is Outcome.KEPT) == self._keeps(entry, allowed), f"{text}, {entry.outcome}")

    def _keeps(self, entry: Any, allowed: Range) -> bool:
        if entry.kpi in ("overdue_tasks", "deals_without_task"):
            return bool(entry.value <= entry.bound)
        return bool(entry.value >= entry.bound)

    async def _check_counted_once(self, session: Any, run: Run) -> None:
        """Hold that no event stands in the evidence of two days."""
        for item in await stored_snapshots(session, run.id):
            for key, reading in item.snapshot.readings.items():
                if key in ("companies_added", "meetings_held", "calls_held"):
                    for evidence in getattr(reading, "items", ()):
                        first = self._counted.setdefault(evidence.key, run.day)
                        self._hold(first == run.day, f"{evidence.key} counts on {first} and on {run.day}")

    def _is_told(self, run: Run) -> bool:
        """Whether the day has a message of its own; an older day stands as a line in the newer day's message."""
        calendar = self.world.story.calendar
        return run.finished_at is not None and run.finished_at < calendar.cutoff_of(calendar.next_workday(run.day))

    async def _check_told(self, session: Any, run: Run, scored: set[str]) -> None:
        """Hold that each connected manager has one message of the day: sent, on its way, or noted why not."""
        found = [item for item in await told(session, run_event(run.id)) if item.kind == DeliveryKind.PERSONAL]
        recipients = {item.recipient for item in found}
        self._hold(len(found) == len(recipients), "a person has two messages of one day")
        for item in found:
            noted = item.state is not DeliveryState.FAILED or item.problem
            self._hold(bool(noted), "a message failed without a reason")
        for member in await people.members(session, "sales"):
            if member.crm_user in scored and await self._is_owed(session, member, run):
                self._hold(f"person:{member.person_id}" in recipients, f"{member.crm_user} was scored and not told")

    async def _is_owed(self, session: Any, member: Member, run: Run) -> bool:
        if not member.connected or member.person_id is None:
            return False
        record = await session.get(PersonRecord, member.person_id)
        connection = (member.person_id, record.connected_at)
        return self._joined_at.setdefault(connection, self.world.clock()) < run.window.cutoff

    def _check_logs(self) -> None:
        """Hold that no exception was logged but trouble of the database, of Telegram, and of the client made to err."""
        noted, self.world.noted[:] = list(self.world.noted), []
        for entry in noted:
            error = entry.get("exc_info")
            if entry["log_level"] == "error" and isinstance(error, BaseException):
                foreseen = isinstance(error, StorageError | TelegramAPIError)
                made_to_err = entry["event"] == "unforeseen_exception" and isinstance(error, KeyError)
                self._hold(foreseen or made_to_err, f"logged: {entry}")

    # Answers

    async def check_answers(self, asked: Sequence[Asked], *, calm: bool, since: int) -> None:
        """Hold that in calm times every tap and every word in private was answered."""
        if not calm:
            return
        telegram = self.world.telegram
        failed = [each for each in self.world.noted[since:] if each.get("event") == "handler_failed"]
        self._hold(not failed, f"a handler failed: {failed}")
        for each in asked:
            if each.tap:
                self._hold(each.tap in telegram.answered, f"{each.who}: {each.what} was not answered")
            elif not telegram.blocked(each.who):
                self._hold(len(telegram.chats[each.who]) > each.seen, f"{each.who}: {each.what!r} was not answered")

    # The end of the month

    async def check_end(self) -> None:
        """Hold that no message is stuck, none came too often, and money is the sum of points."""
        month = Month.of(self.world.story.first)
        async with self.db.reading() as session:
            counts = await deliveries.count_by_state(session)
            entries = await queries.entries_of_month(session, "sales", month)
            self._hold(not await verify(session, "sales"), "verify finds the ledger altered")
        self._hold(counts.get(DeliveryState.SENDING, 0) == 0, "a message is stuck")
        self._check_repeated()
        process = self.world.processes[0].work.process
        report = await load_period_report(process, "sales", month, by="simulation")
        points = Counter[str]()
        for entry in entries:
            points[entry.crm_user] += entry.points
        for row in manager_totals(report):
            self._hold(row.plus - row.minus == points[row.crm_user], f"{row.crm_user}: totals differ from the points")
            terms = report.money
            if terms is not None and row.payout is not None:
                due = payout(terms, row.plus, row.minus)
                self._hold(row.payout == due, f"{row.crm_user}: money differs from the points")

    def _check_repeated(self) -> None:
        """Hold that a message is repeated only by a death, a standstill or a lost answer while it was sent."""
        chats = self.world.telegram.chats
        news = Counter(
            (chat, message.at.date(), message.text)
            for chat in chats
            for message in chats[chat]
            if not message.answers and message.text != SendPhoto.__name__
        )
        repeated = [text for text, count in news.items() if count > 1]
        felt = self.world.story.troubles.felt
        most = felt["killed"] + felt["replica_stalled"] + felt["answer_lost"]
        self._hold(len(repeated) <= most, f"came twice: {repeated}")


def _items(reading: Reading | None) -> Sequence[Evidence]:
    """Return the evidence; of a range what counts for certain."""
    if isinstance(reading, NotRead) and reading.range is not None:
        return reading.range.low.items
    return reading.items if isinstance(reading, Value) else ()
