"""A made-up company in neutral words, from which the fake server of every CRM is filled.

People are always the same: Anna and Boris sell, Zoya has left, a robot imports. Ids are digits and unique in the whole
company, so that a CRM with one table for many kinds can use them as they are.
"""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from crm_clients.shared.pacing import Clock
from scoring.records import DealState
from scoring.workdays import Window

OPEN, WON, LOST = DealState.OPEN, DealState.WON, DealState.LOST
ANNA, BORIS, ZOYA, ROBOT = "7", "12", "15", "99"
NAMES = {ANNA: "Анна Лебедева", BORIS: "Борис Орлов", ZOYA: "Зоя Ушедшая", ROBOT: "Импорт"}

START = datetime(2026, 11, 17, 15, tzinfo=UTC)
"""Tuesday 18:00 in Moscow."""
CUTOFF = datetime(2026, 11, 18, 15, tzinfo=UTC)
TODAY = date(2026, 11, 18)
WINDOW = Window(START, CUTOFF, START - timedelta(days=1))
LONG_AGO = CUTOFF - timedelta(days=60)


@dataclass(frozen=True)
class User:
    id: str
    name: str
    active: bool = True
    human: bool = True


@dataclass(frozen=True)
class Move:
    """A deal enters a stage."""

    at: datetime
    state: DealState
    stage: str = ""
    """One of `World.stages` of that state; empty: the first of them."""
    reason: str = ""
    """Why it was lost."""


@dataclass(frozen=True)
class WorldDeal:
    id: str
    title: str
    user: str
    created_at: datetime = LONG_AGO
    moves: tuple[Move, ...] = ()
    """After its creation in the first open stage, oldest first."""
    pipeline: str = "1"
    amount: Decimal | None = None
    currency: str = "RUB"
    filled: bool = True
    """Whether the field that the settings require has a value."""
    visible: bool = True
    """False: the key may not see it."""

    @property
    def last(self) -> Move:
        """Where it stands."""
        return self.moves[-1] if self.moves else Move(self.created_at, OPEN)

    @property
    def closed_at(self) -> datetime | None:
        """When it entered its present won or lost state."""
        closed = None
        state = OPEN
        for move in self.moves:
            if move.state is not state:
                closed, state = move.at, move.state
        return closed if state is not OPEN else None


@dataclass(frozen=True)
class WorldTask:
    id: str
    title: str
    user: str
    deadline: datetime | date | None = None
    created_at: datetime = LONG_AGO
    done_at: datetime | None = None
    deals: tuple[str, ...] = ()
    kind: str = "todo"
    """todo, call, meeting."""


@dataclass(frozen=True)
class WorldMeeting:
    id: str
    title: str
    user: str
    held_at: datetime | None
    """None: planned, not held."""
    started_at: datetime
    deal: str = ""


@dataclass(frozen=True)
class WorldCall:
    id: str
    user: str
    ended_at: datetime
    seconds: int
    """Talk time; 0: nobody answered."""
    incoming: bool = False
    deal: str = ""


@dataclass(frozen=True)
class WorldCompany:
    id: str
    title: str
    creator: str
    owner: str
    created_at: datetime


@dataclass(frozen=True)
class WorldComment:
    id: str
    deal: str
    user: str
    created_at: datetime
    human: bool = True
    """False: the CRM's own note (a stage was changed, a robot acted)."""


def people() -> list[User]:
    """Two who sell, one who left, one that is no human."""
    return [
        User(ANNA, NAMES[ANNA]),
        User(BORIS, NAMES[BORIS]),
        User(ZOYA, NAMES[ZOYA], active=False),
        User(ROBOT, NAMES[ROBOT], human=False),
    ]


@dataclass
class World:
    """All that the CRM holds at `now`; nothing in it lies after `now` but deadlines and planned meetings."""

    users: list[User] = field(default_factory=people)
    deals: list[WorldDeal] = field(default_factory=list)
    tasks: list[WorldTask] = field(default_factory=list)
    meetings: list[WorldMeeting] = field(default_factory=list)
    calls: list[WorldCall] = field(default_factory=list)
    companies: list[WorldCompany] = field(default_factory=list)
    comments: list[WorldComment] = field(default_factory=list)
    now: datetime = CUTOFF + timedelta(seconds=20)
    window: Window = WINDOW
    pipelines: dict[str, str] = field(default_factory=lambda: {"1": "Новые клиенты", "2": "Прогрев"})
    stages: dict[str, DealState] = field(
        default_factory=lambda: {"new": OPEN, "talks": OPEN, "won": WON, "lost": LOST, "lost_too": LOST}
    )

    def stage_of(self, move: Move) -> str:
        """The stage's key."""
        return move.stage or next(stage for stage, state in self.stages.items() if state is move.state)


@dataclass(frozen=True)
class Quirks:
    """How the fake server misbehaves within what its API allows."""

    page_size: int | None = None
    """Rows per page where the server decides (None: as the real one)."""
    repeat_rows: bool = False
    """The last rows of a page come again on the next one, as when rows are inserted while it is read."""


class FakeClock(Clock):
    """Time passes only in `sleep` and `advance`; sleepers wake in the order of their ends."""

    def __init__(self, now: datetime = CUTOFF) -> None:
        self.began, self.seconds = now, 0.0
        self._sleepers: list[tuple[float, int]] = []
        self._count = 0

    def now(self) -> datetime:
        return self.began + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return 1000.0 + self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        me = (self.seconds + seconds, self._count)
        heapq.heappush(self._sleepers, me)
        try:
            for _ in range(20):  # whoever else is about to sleep gets there first
                await asyncio.sleep(0)
            while self._sleepers[0] != me:  # noqa: ASYNC110  # no event: time is virtual
                await asyncio.sleep(0)
        finally:
            self._sleepers.remove(me)
            heapq.heapify(self._sleepers)
        self.seconds = max(self.seconds, me[0])
