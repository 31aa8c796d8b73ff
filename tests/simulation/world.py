"""One seed drives a month of a company through the production code; after every day the invariants are checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from unittest import mock

from reglament.config.people import WEEKDAYS
from reglament.config.settings import Settings, build
from reglament.day.foreign_clocks import ForeignClocks
from reglament.process import Process
from storage.days import runs
from storage.db.database import Database
from storage.messages import deliveries
from storage.people import invites, people
from storage.values import DeliveryState, RunState
from tests.simulation.clock import TrueClock
from tests.simulation.inline import kept_logs, without_threads
from tests.simulation.invariants import Invariants
from tests.simulation.messenger import Telegram
from tests.simulation.replica import Replica
from tests.simulation.staff import ADMIN, GROUP, HEAD, HR, Asked, Staff
from tests.simulation.story import Story

TEAM = "sales"
RETRY_MINUTES = 120
RULES = [
    {"kpi": "companies_added", "at_least": 1},
    {"kpi": "meetings_held", "at_least": 1},
    {"kpi": "calls_held", "at_least": 4},
    {"kpi": "overdue_tasks", "at_most": 0},
    {"kpi": "deals_without_task", "at_most": 0},
]
SOME_DEATHS, MANY_DEATHS = (0.4, 0.2), (1.0, 0.9)
"""Chance of a day that processes are killed, and chance of each round of such a day."""
STEPS = 400
"""Steps within which an armed process dies."""


@dataclass
class World:
    """Hold a company, its CRM, its messenger, and the processes that serve it."""

    seed: int
    url: str
    replicas: int = 1
    deaths: tuple[float, float] = SOME_DEATHS
    log: list[str] = field(default_factory=list)
    """The story in lines, for whoever replays it."""

    def __post_init__(self) -> None:
        """Draw the story and put the clock before its first day."""
        self.story = Story(self.seed)
        self.clock = TrueClock(self.story.calendar.cutoff_of(self.story.workdays()[0]) - timedelta(hours=8))
        self.telegram = Telegram(self.story, self.clock)
        self.staff = Staff(self.story, self.clock, self.telegram)
        self.settings = self._settings()
        self.processes = [Replica(self, number) for number in range(self.replicas)]
        self._standing: list[Replica] = []
        self._blocked: set[int] = set()

    def _settings(self) -> Settings:
        calendar = self.story.calendar
        team: dict[str, Any] = {
            "title": "Отдел продаж",
            "crm": "main",
            "members": {"everyone": True},
            "timezone": calendar.zone.key,
            "cutoff": calendar.cutoff.strftime("%H:%M"),
            "weekdays": [name for number, name in enumerate(WEEKDAYS) if number in calendar.weekdays],
            "holidays": "",
            "heads": [HEAD],
            "hr": [HR],
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
        self.log.append(f"{self.clock():%m-%d %H:%M:%S} {what}")

    def told(self) -> str:
        """Tell the story so far: troubles by their begin, what was done, and how often each trouble was felt."""
        planned = [
            f"{each.start:%m-%d %H:%M} to {each.end:%m-%d %H:%M} {each.what}" for each in self.story.troubles.all()
        ]
        felt = ", ".join(f"{what} {count}" for what, count in sorted(self.story.troubles.felt.items()))
        return "\n".join(("Troubles:", *planned, "Story:", *self.log, f"Felt: {felt}"))

    async def live(self) -> None:
        """Live the whole month. Raises Broken at the first invariant that does not hold."""
        with without_threads(), kept_logs() as self.noted, self._foreign_clocks():
            async with await Database.open(self.url) as db:
                self.invariants = Invariants(self, db)
                try:
                    for day in self.story.workdays():
                        await self._day(day)
                    await self._end()
                finally:
                    for process in self.processes:
                        await process.leave()

    async def _day(self, day: date) -> None:
        cutoff = self.story.calendar.cutoff_of(day)
        self.clock.at = max(self.clock.at, cutoff - timedelta(minutes=29))
        end = cutoff + timedelta(minutes=RETRY_MINUTES + 20)
        of_day, of_round = self.deaths
        deadly = self.story.dice.random() < of_day
        while self.clock.at < end:
            if deadly and self.story.dice.random() < of_round:
                self._arm()
            quiet = await self._round()
            if quiet and self.clock.at > cutoff + timedelta(minutes=5):
                break
            self._pass_time(cutoff)
        self.clock.at = max(self.clock.at, end)
        await self.invariants.check(day)

    def _pass_time(self, cutoff: datetime) -> None:
        """Go on by minutes, by more the longer the cutoff is past; the second of the cutoff is never missed."""
        past = max(self.clock.at - cutoff, timedelta(0))
        then = self.clock.at + timedelta(minutes=self.story.dice.uniform(2, 9)) * (1 + past / timedelta(hours=1))
        on_time = cutoff + timedelta(seconds=1)
        self.clock.at = min(then, on_time) if self.clock.at < cutoff else then

    def _arm(self) -> None:
        self.story.dice.choice(self.processes).arm(self.story.dice.randrange(1, STEPS))

    async def _round(self) -> bool:
        """Let every process live a round, in any order; return whether nothing is left to do."""
        if self.story.troubles.strikes("service_down", self.clock()):
            for process in self.processes:
                await process.stop()
            return False
        asked = self._people_act()
        order = [each for each in self.processes if each.rests_until is None or each.rests_until <= self.clock()]
        self.story.dice.shuffle(order)
        before, since = self.story.troubles.disturbances, len(self.noted)
        quiet = [await process.live(answers=place == 0) for place, process in enumerate(order)]
        if order:
            calm = before == self.story.troubles.disturbances
            await self.invariants.check_answers(asked, calm=calm, since=since)
            await self._connect()
        return bool(quiet) and all(quiet) and await self._nothing_left()

    async def others_live(self, but: Replica) -> None:
        """Let the other processes live a round while one stands still in the middle of its own."""
        self._standing.append(but)
        answering, self.telegram.answering = self.telegram.answering, False
        for process in self.processes:
            if process.alive and process not in self._standing:
                await process.live(answers=False)
        self.telegram.answering = answering
        self._standing.remove(but)

    def _people_act(self) -> list[Asked]:
        for chat in self.staff.managers.values():
            if self.telegram.blocked(chat) != (chat in self._blocked):
                self.staff.blocks(chat, back=chat in self._blocked)
                self._blocked ^= {chat}
        asked: list[Asked] = []
        while self.story.dice.random() < 0.3:
            asked += self.staff.acts()
        for each in asked:
            self.say(f"{each.who}: {each.what}")
        return asked

    async def _nothing_left(self) -> bool:
        """Whether every past cutoff is settled and no message waits."""
        db = self.invariants.db
        async with db.reading() as session:
            counts = await deliveries.count_by_state(session)
            unfinished = await runs.unfinished(session)
            last = await runs.last_finished(session, TEAM)
        passed = [day for day in self.story.workdays() if self.story.calendar.cutoff_of(day) <= self.clock()]
        waiting = counts.get(DeliveryState.PENDING, 0) + counts.get(DeliveryState.SENDING, 0)
        return not waiting and not unfinished and (not passed or (last is not None and last.day >= passed[-1]))

    async def _connect(self) -> None:
        """Let a member who is not connected open an invitation and say that it is he."""
        async with self.invariants.db.reading() as session:
            waiting = await people.unconnected(session, TEAM)
        for member in waiting:
            chat = 5000 + int(member.crm_user)
            asking = [
                each for each in self.telegram.chats[chat] if any(data.startswith("ok:") for data in each.buttons)
            ]
            if asking:
                self.staff.taps(chat, asking[-1], asking[-1].buttons[0])
                continue
            async with self.invariants.db.transaction() as session:
                at = self.clock()
                token = await invites.invite_manager(session, "main", member.crm_user, author="sim", at=at)
            self.staff.managers[member.crm_user] = chat
            self.staff.writes(chat, f"/start {token}")

    @contextmanager
    def _foreign_clocks(self) -> Iterator[None]:
        """Tell the true time where the service asks CRM, Telegram and the server of the database."""

        async def ask_clocks(process: Process) -> ForeignClocks:
            skew = self.clock() - process.now()
            names = ["crm.main"]
            if not self.story.troubles.at("telegram_down", self.clock()):
                names.append("Telegram")
            if not process.db.is_sqlite:
                names.append("the database")
            return ForeignClocks(dict.fromkeys(names, skew))

        with mock.patch("reglament.service.work.ask_clocks", ask_clocks):
            yield

    def born_at(self) -> datetime:
        """Return when the youngest process was started."""
        return max(process.born_at for process in self.processes)

    async def _end(self) -> None:
        for process in self.processes:
            await process.stop()
        async with self.invariants.db.reading() as session:
            counts = await deliveries.count_by_state(session)
            lived = await runs.between(session, TEAM, self.story.first, self.story.last)
        self.say(f"messages: { {state.value: count for state, count in counts.items()} }")
        self.say(f"days: {sum(run.state is RunState.FINISHED for run in lived)} of {len(self.story.workdays())}")
        await self.invariants.check_end()
