"""The history of a made-up company, drawn from one seed: what really happened, and when the CRM learnt of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from scoring.records import DealState
from scoring.workdays import WorkCalendar, local_instant

PLACES = (
    ("Europe/Moscow", 2026, 11),
    ("Europe/Berlin", 2026, 3),
    ("America/New_York", 2026, 10),
    ("Asia/Yekaterinburg", 2026, 12),
    ("Europe/Berlin", 2026, 10),
    ("America/New_York", 2026, 2),
)
"""Zones and months: clocks that are changed, short months, the end of a year."""
CUTOFFS = (time(18), time(17, 30), time(9), time(2, 30))
"""The last does not exist on some days, and comes twice on others."""


@dataclass(frozen=True)
class Happened:
    """A company, a call or a meeting."""

    kind: str
    id: str
    user: str
    at: datetime
    """When it happened; a call by its end."""
    known_at: datetime
    """When the CRM shows it."""
    seconds: int = 0


@dataclass
class StoryTask:
    """A to-do on a deal."""

    id: str
    deal: str
    user: str
    created_at: datetime
    deadline: datetime
    done_at: datetime | None = None

    def open_at(self, instant: datetime) -> bool:
        """Whether it asks something of the manager then."""
        return self.created_at <= instant and (self.done_at is None or self.done_at > instant)


@dataclass
class StoryDeal:
    """A deal with its owners and its end."""

    id: str
    created_at: datetime
    owners: list[tuple[datetime, str]]
    closed_at: datetime | None = None
    state: DealState = DealState.OPEN
    tasks: list[StoryTask] = field(default_factory=list)

    def owner_at(self, instant: datetime) -> str:
        """Who was responsible."""
        return [user for at, user in self.owners if at <= instant][-1]

    def open_at(self, instant: datetime) -> bool:
        """Whether it was in work."""
        return self.created_at <= instant and (self.closed_at is None or self.closed_at > instant)


@dataclass(frozen=True)
class Trouble:
    """A span in which a part of the world fails."""

    what: str
    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


class Story:
    """Everything that happens to one company in one month."""

    def __init__(self, seed: int, people: int = 7) -> None:
        self.seed = seed
        self.dice = random.Random(f"world/{seed}")
        zone, year, month = PLACES[seed % len(PLACES)]
        self.zone = ZoneInfo(zone)
        self.calendar = WorkCalendar(self.zone, self.dice.choice(CUTOFFS))
        self.first = date(year, month, 1)
        self.last = (self.first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        self.users = [str(101 + number) for number in range(people)]
        self.left: dict[str, datetime] = {}
        """Who leaves the company, and when."""
        self.joined: dict[str, datetime] = {}
        self.events: list[Happened] = []
        self.deals: list[StoryDeal] = []
        self.troubles: list[Trouble] = []
        self._number = 0
        self._people()
        self._history()
        self._troubles()

    def employed(self, user: str, instant: datetime) -> bool:
        """Whether the CRM lists the user as active."""
        return self.joined.get(user, instant) <= instant < self.left.get(user, datetime.max.replace(tzinfo=UTC))

    def in_trouble(self, what: str, instant: datetime) -> bool:
        """Whether a part of the world fails then."""
        return any(trouble.what == what and instant in trouble for trouble in self.troubles)

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
        for kind, chance, times in (("company", 0.7, 2), ("meeting", 0.6, 2), ("call", 0.85, 14)):
            for _ in range(times):
                if dice.random() < chance * busy:
                    self._event(kind, user, self._moment(day))
        if dice.random() < 0.35 * busy:
            self._deal(user, self._moment(day))

    def _event(self, kind: str, user: str, at: datetime) -> None:
        late = timedelta(minutes=self.dice.randrange(1, 26)) if self.dice.random() < 0.05 and kind == "call" else None
        seconds = self.dice.randrange(5, 600) if kind == "call" else 0
        self.events.append(Happened(kind, self._id(kind[0]), user, at, at + (late or timedelta(0)), seconds))

    def _deal(self, user: str, at: datetime) -> None:
        dice = self.dice
        deal = StoryDeal(self._id("d"), at, [(at, user)])
        if dice.random() < 0.3:
            other = dice.choice(self.users)
            deal.owners.append((at + timedelta(hours=dice.randrange(5, 200)), other))
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

    def _troubles(self) -> None:
        for day in self.calendar.workdays(self.first, self.last):
            cutoff = self.calendar.cutoff_of(day)
            for what, chance, longest in (
                ("crm_down", 0.15, 300),
                ("crm_partial", 0.1, 60),
                ("crm_mistake", 0.06, 300),
                ("crm_empty", 0.06, 200),
                ("telegram_down", 0.15, 120),
                ("telegram_slow", 0.1, 60),
                ("service_down", 0.1, 3000),
                ("database_locked", 0.06, 2),
            ):
                if self.dice.random() < chance:
                    start = cutoff + timedelta(minutes=self.dice.randrange(-50, 10))
                    self.troubles.append(
                        Trouble(what, start, start + timedelta(minutes=self.dice.randrange(1, longest)))
                    )
