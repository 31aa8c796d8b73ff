"""Draw the history of a made-up company from one seed: what really happened, and when the CRM learnt of it."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scoring.records import DealState
from scoring.workdays import WorkCalendar, local_instant
from tests.simulation.history import Happened, StoryDeal, StoryTask
from tests.simulation.troubles import Troubles

PLACES = (
    ("Europe/Moscow", 2026, 11),
    ("Europe/Berlin", 2026, 3),
    ("America/New_York", 2026, 10),
    ("Asia/Yekaterinburg", 2026, 12),
    ("Europe/Berlin", 2026, 10),
    ("America/New_York", 2026, 2),
    ("Africa/Cairo", 2026, 4),
)
"""Zones and months: clocks that are changed (in Cairo on a Friday), short months, the end of a year."""
CUTOFFS = (time(18), time(17, 30), time(9), time(0, 30), time(2, 30))
"""The last two do not exist on some days, and come twice on others."""


class Story:
    """Hold everything that happens to one company in one month."""

    def __init__(self, seed: int, people: int = 7) -> None:
        self.seed = seed
        self.dice = random.Random(f"world/{seed}")
        zone, year, month = PLACES[seed % len(PLACES)]
        self.zone = ZoneInfo(zone)
        cutoff = self.dice.choice(CUTOFFS)
        every_day = cutoff == time(2, 30)  # clocks are mostly changed on Sundays
        self.calendar = WorkCalendar(self.zone, cutoff, frozenset(range(7 if every_day else 5)))
        self.first = date(year, month, 1)
        self.last = (self.first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self.users = [str(101 + number) for number in range(people)]
        self.keeps_owners = self.dice.random() < 0.5
        """Whether the CRM tells who was responsible earlier."""
        self.keeps_completion = self.dice.random() < 0.5
        """Whether the CRM tells when a meeting was marked done."""
        self.rebuilds_states = self.dice.random() < 0.7
        """Whether the CRM tells states of the past."""
        self.left: dict[str, datetime] = {}
        """Who leaves the company, and when."""
        self.joined: dict[str, datetime] = {}
        self.events: list[Happened] = []
        self.deals: list[StoryDeal] = []
        self._number = 0
        self._people()
        self._history()
        self.drift = timedelta(seconds=self.dice.uniform(-3, 3))
        self.troubles = Troubles(self.dice, [self.calendar.cutoff_of(day) for day in self.workdays()])

    def workdays(self) -> list[date]:
        """List the working days of the month."""
        return list(self.calendar.workdays(self.first, self.last))

    def employed(self, user: str, instant: datetime) -> bool:
        """Whether the CRM lists the user as active."""
        return self.joined.get(user, instant) <= instant < self.left.get(user, datetime.max.replace(tzinfo=UTC))

    def _id(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def _moment(self, day: date, low: int = 8 * 60, high: int = 20 * 60) -> datetime:
        minute = self.dice.randrange(low, high)
        wall = time(minute // 60, minute % 60, self.dice.randrange(60))
        return local_instant(day, wall, self.zone)

    def _people(self) -> None:
        dice = self.dice
        if dice.random() < 0.5:
            self.left[dice.choice(self.users)] = self._moment(self.first + timedelta(days=dice.randrange(8, 24)))
        if dice.random() < 0.5:
            newcomer = dice.choice([user for user in self.users if user not in self.left])
            self.joined[newcomer] = self._moment(self.first + timedelta(days=dice.randrange(3, 15)))

    def _history(self) -> None:
        day = self.first - timedelta(days=3)
        while day <= self.last:
            for user in self.users:
                if self.employed(user, self._moment(day)):
                    self._day(user, day)
            day += timedelta(days=1)
        self.events.sort(key=lambda event: event.at)

    def _day(self, user: str, day: date) -> None:
        dice, busy = self.dice, 1.0 if self.calendar.is_workday(day) else 0.15
        for kind, chance, times in (("company", 0.7, 2), ("meeting", 0.6, 2), ("call", 0.85, 9)):
            for _ in range(times):
                if dice.random() < chance * busy:
                    self._event(kind, user, self._moment(day))
        if dice.random() < 0.35 * busy:
            self._deal(user, self._moment(day))

    def _event(self, kind: str, user: str, at: datetime) -> None:
        """Add an event; telephony delivers some calls late, and people mark some meetings done late."""
        dice, late = self.dice, timedelta(0)
        if kind == "call" and dice.random() < 0.06:
            late = timedelta(minutes=dice.randrange(1, 90))
        elif kind == "meeting" and dice.random() < 0.12:
            late = timedelta(minutes=dice.randrange(20, 30 * 60))
        known_at = at + late
        if kind == "meeting" and self.keeps_completion:
            at = known_at
        seconds = dice.randrange(5, 600) if kind == "call" else 0
        self.events.append(Happened(kind, self._id(kind[0]), user, at, known_at, seconds))

    def _deal(self, user: str, at: datetime) -> None:
        dice = self.dice
        deal = StoryDeal(self._id("d"), at, [(at, user)])
        if dice.random() < 0.3:
            deal.owners.append((self._handed_over(at), dice.choice(self.users)))
        if dice.random() < 0.6:
            deal.closed_at = at + timedelta(hours=dice.randrange(20, 500), minutes=dice.randrange(60))
            deal.state = dice.choice([DealState.WON, DealState.LOST])
        created = at + timedelta(minutes=dice.randrange(1, 60))
        while dice.random() < 0.75:
            deadline = created + timedelta(hours=dice.randrange(4, 80))
            done = deadline + timedelta(hours=dice.randrange(-3, 12)) if dice.random() < 0.8 else None
            done = max(done, created + timedelta(minutes=1)) if done else None
            deal.tasks.append(StoryTask(self._id("t"), deal.id, deal.owner_at(created), created, deadline, done))
            if done is None:
                break
            created = done + timedelta(minutes=dice.randrange(1, 90))
        self.deals.append(deal)

    def _handed_over(self, at: datetime) -> datetime:
        """Draw when a deal changes hands, often within minutes of a cutoff."""
        dice = self.dice
        if dice.random() < 0.5:
            return at + timedelta(hours=dice.randrange(5, 200))
        day = self.calendar.local_date(at) + timedelta(days=dice.randrange(1, 6))
        return max(self.calendar.cutoff_of(day) + timedelta(minutes=dice.randrange(-10, 20)), at)
