"""One seed drives a month of a company through the production code; after every day the invariants are checked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.enums import ParseMode
from sqlalchemy import delete

from bot.delivery.courier import Courier
from bot.telegram.limited_bot import LimitedBot
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.config.settings import Settings, build
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.process import Process, store_teams
from reglament.service.work import ServiceWork
from scoring.entries import EntryKind
from scoring.scorecard import Outcome
from storage.days import queries, runs
from storage.db.database import Database
from storage.db.models import RateSlotRecord
from storage.errors import StorageError
from storage.ledger.verify import verify
from storage.messages import deliveries
from storage.messages.notices import DeliveryKind, run_event
from storage.people import invites, people
from storage.values import DeliveryState, RunState
from tests.bot.botapi import TOKEN
from tests.reglament.scripted import FixedConnections
from tests.simulation.crm import SimulatedCrm
from tests.simulation.kill import Killed, Seam, database_seam
from tests.simulation.messenger import SimulatedTelegram
from tests.simulation.oracle import allowed, proves
from tests.simulation.story import Story
from tests.storage.told import told

TEAM, HEAD, ADMIN, GROUP = "sales", 222, 999, -1001
RETRY_MINUTES = 120
TICK = timedelta(minutes=3)
RULES = [
    {"kpi": "companies_added", "at_least": 1},
    {"kpi": "meetings_held", "at_least": 1},
    {"kpi": "calls_held", "at_least": 5},
    {"kpi": "overdue_tasks", "at_most": 0},
    {"kpi": "deals_without_task", "at_most": 0},
]


@dataclass
class VirtualClock:
    """Tell the virtual present; it moves only when the world moves it."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.at += timedelta(seconds=seconds)


@dataclass
class Broken(AssertionError):
    """An invariant that does not hold."""

    seed: int
    day: date
    what: str

    def __str__(self) -> str:
        return f"seed {self.seed}, {self.day}: {self.what} (replay: make simulate FROM={self.seed} SEEDS=1)"


@dataclass
class World:
    """A company, its CRM, its messenger, and the lives of the process that serves it."""

    seed: int
    url: str
    story: Story = field(init=False)
    connected_at: dict[str, datetime] = field(default_factory=dict)
    """By CRM user, when the chat was connected."""
    log: list[str] = field(default_factory=list)
    """The story in lines, for whoever replays it."""

    def __post_init__(self) -> None:
        """Draw the story and put the clock before its first day."""
        self.story = Story(self.seed)
        start = self.story.calendar.cutoff_of(next(self.story.calendar.workdays(self.story.first, self.story.last)))
        self.clock = VirtualClock(start - timedelta(hours=8))
        self.seam = Seam()
        self.crm = SimulatedCrm(self.story, self.clock, self.seam)
        self.telegram = SimulatedTelegram(self.story, self.clock, self.seam)
        self.lives = 0
        self.cutoff = start
        self.born_at = self.clock()
        self.settings = self._settings()

    def _settings(self) -> Settings:
        calendar = self.story.calendar
        team: dict[str, Any] = {
            "title": "Отдел продаж",
            "crm": "main",
            "members": {"everyone": True},
            "timezone": calendar.zone.key,
            "cutoff": calendar.cutoff.strftime("%H:%M"),
            "holidays": "",
            "heads": [HEAD],
            "chat_id": GROUP,
            "retry_minutes": RETRY_MINUTES,
            "rules": RULES,
            "money": {},
        }
        return build(
            {
                "database": {"url": self.url},
                "telegram": {"admins": [ADMIN]},
                "crm": {"main": {"kind": "demo"}},
                "teams": {TEAM: team},
            }
        )

    def say(self, what: str) -> None:
        """Add a line to the story."""
        self.log.append(f"{self.clock():%m-%d %H:%M} {what}")

    async def live(self) -> None:
        """Live the whole month. Raises Broken at the first invariant that does not hold."""
        with database_seam(self.seam, lambda: self.story.in_trouble("database_locked", self.clock())):
            for day in self.story.calendar.workdays(self.story.first, self.story.last):
                await self._day(day)
            await self._end()

    async def _day(self, day: date) -> None:
        self.cutoff = cutoff = self.story.calendar.cutoff_of(day)
        self.clock.at = max(self.clock.at, cutoff - timedelta(minutes=31))
        end = cutoff + timedelta(minutes=RETRY_MINUTES + 20)
        while self.clock() < end:
            await self._life(end)
        await self._check(day)

    async def _life(self, end: datetime) -> None:
        """Start a process and let it work until `end`, or until it dies."""
        if self.story.in_trouble("service_down", self.clock()):
            self.clock.at += TICK
            return
        self.lives += 1
        self.born_at = self.clock()
        dice = self.story.dice
        if dice.random() < 0.3:
            self.seam.arm(dice.randrange(1, 2500))
        try:
            async with self._process() as work:
                while self.clock() < end and not self.story.in_trouble("service_down", self.clock()):
                    quiet = await self._tick(work)
                    self.clock.at = end if quiet and self.clock() > self.cutoff else self.clock() + TICK
        except* Killed:
            self.say(f"life {self.lives} was killed")
        except* StorageError as errors:
            self.say(f"the database failed: {errors.exceptions[0]}")
        self.seam.revive()
        self.clock.at += timedelta(minutes=2)

    @asynccontextmanager
    async def _process(self) -> AsyncIterator[ServiceWork]:
        db = await Database.open(self.url)
        try:
            process = Process(
                db=db,
                settings=self.settings,
                connections=FixedConnections(self.crm),  # type: ignore[arg-type]
                owner="life",
                started_at=self.clock(),
                now=self.clock,
            )
            await runs.end_leases(db, "life")
            await deliveries.end_leases(db, "life")
            await store_teams(process)
            teams = await load_clocks(process)
            live = LiveReadings(db, process.connections, self.settings.teams, teams)
            context = app_context(process, live, PeriodExporter(process))
            bot = Bot(TOKEN, session=self.telegram, default=DefaultBotProperties(parse_mode=ParseMode.HTML))
            courier = Courier(LimitedBot(bot, db, self.clock.sleep), context, "life", self.clock)
            yield ServiceWork(process, teams, live, courier.deliver)
        finally:
            self.seam.revive()
            with suppress(Exception):
                await db.close()

    async def _tick(self, work: ServiceWork) -> bool:
        """Do as the engine's loops in one round; True if nothing is left to do today."""
        try:
            await self._connect(work.process)
            await _rest(work.process)
            cutoffs, reminders = await work.due()
            for due in cutoffs:
                with suppress(StorageError):
                    await _guarded(self, work.cutoff(due))
            for reminder in reminders:
                await _guarded(self, work.reminder(reminder))
            for number in await work.unsent(limit=200):
                await _guarded(self, work.deliver(number))
            return await self._nothing_left(work.process)
        except StorageError as error:
            self.say(f"database trouble: {error}")
            return False

    async def _nothing_left(self, process: Process) -> bool:
        """Whether every past cutoff is settled and no message waits."""
        async with process.db.reading() as session:
            counts = await deliveries.count_by_state(session)
            today = await runs.find(session, TEAM, self.story.calendar.local_date(self.cutoff))
            unfinished = await runs.unfinished(session)
        waiting = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
        return not waiting and not unfinished and today is not None

    async def _connect(self, process: Process) -> None:
        """Let every member who is known and not connected open an invite."""
        async with process.db.reading() as session:
            waiting = await people.unconnected(session, TEAM)
        for member in waiting:
            async with process.db.transaction() as session:
                self.connected_at[member.crm_user] = self.clock()
                token = await invites.invite_manager(session, "main", member.crm_user, author="sim", at=self.clock())
                await invites.accept(session, token, 5000 + int(member.crm_user), at=self.clock())

    # Invariants

    async def _check(self, day: date) -> None:
        async with await Database.open(self.url) as db, db.reading() as session:
            run = await runs.find(session, TEAM, day)
            await self._settled(day, run)
            if run is None or run.state is not RunState.FINISHED:
                return
            found = await queries.entries(session, TEAM, day, day)
            scores = [entry for entry in found if entry.kind is EntryKind.SCORE]
            self._once(day, scores)
            for entry in scores:
                self._proven(day, run, entry)
            self._hold(day, not await verify(session, TEAM), "verify finds the ledger altered")
            await self._told(session, day, run, {entry.crm_user for entry in scores})

    def _hold(self, day: date, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(self.seed, day, what)

    async def _settled(self, day: date, run: Any) -> None:
        """Every day is settled by its deadline, counted from when the service came back."""
        up_since = max(self.story.calendar.cutoff_of(day), self.born_at, self._down_until())
        if self.clock() > up_since + timedelta(minutes=RETRY_MINUTES) + 2 * TICK:
            self._hold(day, run is not None and run.state is RunState.FINISHED, "the day is not settled")

    def _down_until(self) -> datetime:
        """Return the end of the last outage of the service that has begun."""
        ends = [each.end for each in self.story.troubles if each.what == "service_down" and each.start <= self.clock()]
        return max(ends, default=self.born_at)

    def _once(self, day: date, scores: list[Any]) -> None:
        lines = [(entry.crm_user, entry.rule) for entry in scores]
        self._hold(day, len(lines) == len(set(lines)), "a rule was judged twice")

    def _proven(self, day: date, run: Any, entry: Any) -> None:
        """No points without proof in the company's own history."""
        if entry.outcome not in (Outcome.KEPT, Outcome.BROKEN):
            self._hold(day, entry.points == 0, f"{entry.outcome} made points")
            return
        window, read_by = run.window, self.clock()
        earlier = window.earlier
        found = allowed(self.story, entry.kpi, entry.crm_user, window.start, window.cutoff, read_by, earlier)
        told = f"{entry.kpi} of {entry.crm_user} is {entry.value}, the history allows {found.low}–{found.high}"
        self._hold(day, proves(entry.value, found), told)

    async def _told(self, session: Any, day: date, run: Any, scored: set[str]) -> None:
        """Everybody who was scored and is connected has a message of the day: sent, on its way, or noted why not."""
        members = await people.members(session, TEAM)
        connected = {f"person:{member.person_id}": member.crm_user for member in members if member.connected}
        found = [item for item in await told(session, run_event(run.id)) if item.kind == DeliveryKind.PERSONAL]
        self._hold(day, len(found) == len({item.recipient for item in found}), "a person has two messages of one day")
        for item in found:
            noted = item.state is not DeliveryState.FAILED or item.problem
            self._hold(day, bool(noted), "a message failed without a reason")
        missing = {user for recipient, user in connected.items() if recipient not in {d.recipient for d in found}}
        late = {user for user in missing & scored if self.connected_at.get(user, self.clock()) < run.window.cutoff}
        self._hold(day, not late, f"{sorted(late)} were scored and not told")

    async def _end(self) -> None:
        async with await Database.open(self.url) as db, db.reading() as session:
            counts = await deliveries.count_by_state(session)
        self.say(f"messages: { {state.value: count for state, count in counts.items()} }")
        self._hold(self.story.last, counts.get(DeliveryState.SENDING, 0) == 0, "a message is stuck")


async def _rest(process: Process) -> None:
    """Free all slots: the database's clock stands still beside the virtual one."""
    async with process.db.transaction() as session:
        await session.execute(delete(RateSlotRecord))


async def _guarded(world: World, work: Any) -> None:
    """Go on after a mistake in one piece of work, as the engine does."""
    try:
        await work
    except StorageError as error:
        world.say(f"database trouble: {error}")
    except Exception as error:  # the engine's own guard catches as much
        world.say(f"failed: {type(error).__name__}: {error}")
