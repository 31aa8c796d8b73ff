"""One process of the service: its lives, its deaths, and one round of all that its loops do."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiogram import Bot, Dispatcher
from aiogram.client.default import DefaultBotProperties
from aiogram.enums import ParseMode
from aiogram.exceptions import TelegramAPIError
from aiogram.methods import GetUpdates

from bot import dispatcher as bot_dispatcher
from bot.delivery.courier import Courier
from bot.telegram.limited_bot import LimitedBot
from bot.telegram.pacing.rate_limiter import RateLimiter
from bot.telegram.session import LateAnswers
from reglament.bot_context import app_context
from reglament.commands.export import PeriodExporter
from reglament.day.clocks import load_clocks
from reglament.day.live import LiveReadings
from reglament.process import Process
from reglament.service import service
from reglament.service.monitor import Monitor
from reglament.service.work import ServiceWork
from storage.days import instants
from storage.db.database import Database
from storage.errors import StorageError
from tests.bot.botapi import TOKEN
from tests.reglament.scripted import FixedConnections
from tests.simulation.clock import MachineClock
from tests.simulation.crm import SimulatedCrm
from tests.simulation.faults import FaultyDatabase
from tests.simulation.kill import Seam, was_killed
from tests.simulation.messenger import SimulatedTelegram

if TYPE_CHECKING:
    from tests.simulation.world import World

LOOK = timedelta(minutes=2)
"""Pause between two looks at foreign clocks, as in the service."""


@dataclass
class Replica:
    """Hold a process of the service, alive or dead."""

    world: World
    number: int
    alive: bool = False
    lives: int = 0
    rests_until: datetime | None = None
    """After a death the process is started again then."""
    db: Database | None = None
    _looked_at: datetime | None = None

    def __post_init__(self) -> None:
        world = self.world
        self.seam = Seam()
        drift = world.story.drift * (1 - self.number / 2)
        self.machine = MachineClock(world.clock, world.story.troubles, drift, world.clock(), self.number)
        self.crm = SimulatedCrm(world.story, world.clock, self.machine, self.seam, self._stall)
        self.born_at = world.clock()

    # Life and death

    async def live(self, *, answers: bool) -> bool:
        """Live one round; return whether nothing is left to do. A death ends the round at once."""
        try:
            if not self.alive:
                await self._start()
            return await self._round(answers=answers)
        except StorageError as error:
            self.say(f"the database failed: {error}")
        except BaseException as error:
            if not was_killed(error):
                raise
            await self._die()
        return False

    async def stop(self) -> None:
        """End the process as SIGTERM does."""
        if self.alive:
            with suppress(StorageError):
                await self.work.forget_beats()
            await self._close()
            self.say("stopped")

    def arm(self, after: int) -> None:
        """Let the process die after so many more steps."""
        if self.alive:
            self.seam.arm(after)

    async def _die(self) -> None:
        self.world.story.troubles.felt["killed"] += 1
        self.say(f"killed in life {self.lives}")
        await self._close()
        self.rests_until = self.world.clock() + timedelta(seconds=self.world.story.dice.randrange(5, 300))

    async def _close(self) -> None:
        self.alive = False
        self.seam.revive()
        await self.leave()

    async def leave(self) -> None:
        """Close all connections to the database."""
        if self.db is not None:
            await self._faulty.close()

    async def _start(self) -> None:
        world = self.world
        self.lives += 1
        self.born_at = world.clock()
        if self.db is None:
            self.db = await Database.open(world.url)
            await self.db.close()  # connections that were opened before the faults could see them
            self._faulty = FaultyDatabase(self.db, world.story, self.seam, world.clock, self.machine)
        process = Process(
            db=self.db,
            settings=world.settings,
            connections=FixedConnections(self.crm),  # type: ignore[arg-type]
            owner=f"replica-{self.number}:{self.lives}",
            started_at=self.machine(),
            now=self.machine,
        )
        await self._assemble(await service._start(process))
        await self.work.look_at_clocks()
        self.alive = True

    async def _assemble(self, process: Process) -> None:
        clock, db = self.world.clock, process.db
        teams = await load_clocks(process)
        live = LiveReadings(process, teams)
        context = app_context(process, live, PeriodExporter(process))
        session = SimulatedTelegram(self.world.telegram, self.seam, self._stall)
        session.middleware(LateAnswers())
        self.bot = Bot(TOKEN, session=session, default=DefaultBotProperties(parse_mode=ParseMode.HTML))
        limited = LimitedBot(self.bot, db, clock.sleep)
        limited.limiter = session.limiter = RateLimiter(db, clock.sleep, clock.monotonic)
        courier = Courier(limited, context, process.owner, self.machine, monotonic=clock.monotonic)
        self.work = ServiceWork(process, teams, live, courier.deliver, monotonic=clock.monotonic)
        self.dispatcher: Dispatcher = bot_dispatcher.build(context, self.machine, clock.monotonic, shows_work=False)
        self.monitor = Monitor(self.work, limited, None)

    # A round of all loops

    async def _round(self, *, answers: bool) -> bool:
        work, clock, self.crm.scores = self.work, self.world.clock, False
        if self._looked_at is None or clock() - self._looked_at >= LOOK:
            self._looked_at = clock()
            await work.look_at_clocks()
        await self._accept_clock()
        cutoffs, reminders = await work.due()
        self.crm.scores = True
        for due in cutoffs:
            await self._guarded(work.cutoff(due))
        self.crm.scores = False
        for reminder in reminders:
            await self._guarded(work.reminder(reminder))
        if answers:
            await self._answer_people()
        for number in await work.unsent(limit=200):
            await self._guarded(work.deliver(number))
        if self.world.story.dice.random() < 0.2:
            await self._guarded(self.monitor.look())
        return not cutoffs and work.clock_trouble is None

    async def _accept_clock(self) -> None:
        """Let the operator act on a stored instant of the future, as `run --accept-clock` does."""
        trouble = self.work.clock_trouble
        if trouble is None or "accept-clock" not in trouble.detail or abs(self.machine.error) > instants.TOLERANCE:
            return
        self.say(f"the operator accepts the clock: {trouble.detail}")
        async with self.work.process.db.transaction() as session:
            await instants.accept_clock(session, author="reglament run", at=self.machine())

    async def _answer_people(self) -> None:
        """Take the updates that wait, as polling does, and hand each to the dispatcher."""
        telegram = self.world.telegram
        try:
            updates = await self.bot(GetUpdates())
        except TelegramAPIError:
            return
        telegram.answering = True
        try:
            for update in updates:
                await self.dispatcher.feed_update(self.bot, update)
        finally:
            telegram.answering = False

    async def _guarded(self, work: Any) -> None:
        """Go on after trouble with the database, as the engine does; anything else is a mistake of the product."""
        try:
            await work
        except StorageError as error:
            self.say(f"database trouble: {error}")

    async def _stall(self) -> None:
        """Stand still for minutes, while the other replicas go on."""
        world = self.world
        if world.story.dice.random() < 0.05 and world.story.troubles.strikes("replica_stalled", world.clock()):
            self.say("stands still")
            await world.clock.sleep(world.story.dice.randrange(30, 200))
            await world.others_live(self)

    def say(self, what: str) -> None:
        """Add a line about this process to the story."""
        self.world.say(f"process {self.number}: {what}")
