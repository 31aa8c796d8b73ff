"""The made-up company's CRM, as production code sees it: facts as they stand when asked, and every way to fail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from datetime import datetime

from crm_clients.base import CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmUnavailable
from scoring.kpis import CATALOGUE, Capability, KpiKind
from scoring.records import (
    NOTHING,
    Call,
    Change,
    Company,
    Completed,
    Deal,
    DealState,
    Doubtful,
    Fact,
    Failed,
    Meeting,
    Record,
    RecordKind,
    Task,
    Unreadable,
)
from tests.simulation.clock import TrueClock
from tests.simulation.history import Happened, StoryDeal
from tests.simulation.story import Story

EVENTS = {RecordKind.COMPANIES: "company", RecordKind.MEETINGS: "meeting", RecordKind.CALLS: "call"}


class SimulatedCrm:
    """Read the story as of the true present, for one process.

    `stall` may keep the process waiting for an answer while the others go on.
    """

    def __init__(
        self,
        story: Story,
        clock: TrueClock,
        machine: Callable[[], datetime],
        seam: Callable[[], None],
        stall: Callable[[], Awaitable[None]],
    ) -> None:
        self.story, self.clock, self.machine, self.seam, self.stall = story, clock, machine, seam, stall
        self.stats = ReadStats()
        late = Capability.REBUILDABLE if story.rebuilds_states else Capability.PRESENT
        self.capabilities: Mapping[str, Capability] = {
            key: Capability.REBUILDABLE if kpi.kind is KpiKind.EVENT else late for key, kpi in CATALOGUE.items()
        }
        self.read_at: dict[datetime, list[datetime]] = defaultdict(list)
        """By cutoff: when the CRM was really asked for the score."""
        self.scores = False
        """Whether the present reading is for the score, not for a reminder or for /today."""

    async def users(self) -> list[CrmUser]:
        """List everybody; nobody while it answers with an empty list."""
        await self._ask()
        if self._fails("crm_empty"):
            return []
        return [
            CrmUser(user, f"Сотрудник {user}", active=self.story.employed(user, self.clock()))
            for user in self.story.users
            if self.story.joined.get(user, self.clock()) <= self.clock()
        ]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Give every kind with its mark; partial and mistaken while the story says so."""
        for kind in sorted(request.kinds):
            await self._ask()
            if self.scores:
                self.read_at[request.window.cutoff].append(self.clock())
            started = self.machine()
            for fact in self._facts(kind, request):
                yield self._damaged(kind, fact)
            self.seam()
            if self._fails("crm_slow"):
                await self.clock.sleep(self.story.dice.randrange(20, 400))
            if self.story.dice.random() < 0.5 and self._fails("crm_partial"):
                yield Failed(kind, "the answer was cut")
            else:
                yield Completed(kind, started)

    async def check(self, _members: Mapping[str, str]) -> list[Finding]:
        """Find nothing."""
        return []

    def link(self, record: Record) -> str:
        """Return the page of a record."""
        return f"https://crm.example/{type(record).__name__.lower()}/{getattr(record, 'id', '')}"

    async def aclose(self) -> None:
        """Close nothing."""

    async def _ask(self) -> None:
        self.stats.requests += 1
        self.seam()
        await self.stall()
        if self._fails("crm_down"):
            raise CrmUnavailable("the CRM does not answer")
        if self._fails("crm_mistake"):
            raise KeyError("responsible")

    def _fails(self, what: str) -> bool:
        return self.story.troubles.strikes(what, self.clock())

    def _damaged(self, kind: RecordKind, fact: Fact) -> Fact:
        """Replace a row in a hundred by a row that cannot be understood, while the story says so."""
        if isinstance(fact, Doubtful) or self.story.troubles.at("crm_unreadable_rows", self.clock()) is None:
            return fact
        if self.story.dice.random() > 0.01:
            return fact
        self._fails("crm_unreadable_rows")
        return Unreadable(kind, frozenset({fact.manager}), f"{kind}: a row without its date")  # type: ignore[union-attr]

    def _facts(self, kind: RecordKind, request: ReadRequest) -> Iterator[Record | Doubtful]:
        now, start = self.clock(), request.window.earlier or request.window.start
        if kind is RecordKind.DEALS:
            for deal in self.story.deals:
                if deal.created_at <= now and (deal.closed_at is None or deal.closed_at >= start):
                    yield from self._deal(deal, request, now)
        elif kind is RecordKind.TASKS:
            yield from self._tasks(request.window.cutoff, now)
        elif kind in EVENTS:
            for event in self.story.events:
                if event.kind == EVENTS[kind] and start <= event.at <= now and event.known_at <= now:
                    yield self._record(event)

    def _deal(self, deal: StoryDeal, request: ReadRequest, now: datetime) -> Iterator[Deal | Doubtful]:
        """Give a deal as it stands now; without history of owners a doubt for everybody if it changed hands."""
        closed = deal.closed_at is not None and deal.closed_at <= now
        then = max(deal.created_at, min(now, request.window.cutoff))
        moved = not self.story.keeps_owners and deal.owner_at(then) != deal.owner_at(now)
        read = Deal(
            id=deal.id,
            title=f"Сделка {deal.id}",
            manager=deal.owner_at(then if self.story.keeps_owners else now),
            state=deal.state if closed else DealState.OPEN,
            created_at=deal.created_at,
            closed_at=deal.closed_at if closed else None,
            stage_since=deal.created_at,
            changed=frozenset({Change.OWNER}) if moved else NOTHING,
        )
        yield read
        if moved:
            self.story.troubles.felt["owner_changed_after_cutoff"] += 1
            yield Doubtful(RecordKind.DEALS, request.members, Change.OWNER, record=read)

    def _tasks(self, cutoff: datetime, now: datetime) -> Iterator[Task]:
        for deal in self.story.deals:
            for task in deal.tasks:
                if task.created_at <= now and (task.done_at is None or task.done_at >= min(cutoff, now)):
                    done = task.done_at if task.done_at is not None and task.done_at <= now else None
                    yield Task(
                        task.id,
                        f"Задача {task.id}",
                        task.user,
                        task.deadline,
                        task.created_at,
                        done,
                        frozenset({deal.id}),
                    )

    def _record(self, event: Happened) -> Record:
        if event.known_at > event.at:
            self.story.troubles.felt["late_record"] += 1
        match event.kind:
            case "company":
                return Company(event.id, f"Компания {event.id}", event.user, event.at)
            case "meeting":
                held = event.at if self.story.keeps_completion else None
                return Meeting(event.id, f"Встреча {event.id}", event.user, held, event.at)
            case _:
                title = f"Звонок {event.id}"
                return Call(event.id, title, event.user, event.at, event.seconds, incoming=False, answered=True)
