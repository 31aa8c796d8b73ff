"""The made-up company's CRM, as production code sees it: facts as they stand when asked, and every way to fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import datetime, timedelta

from crm_clients.base import CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmUnavailable
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Call, Company, Completed, Deal, DealState, Fact, Failed, Meeting, Record, RecordKind, Task
from tests.simulation.story import Happened, Story, StoryDeal

KEPT = ("calls_held", "companies_added", "meetings_held")


class SimulatedCrm:
    """Reads the story as of the virtual present."""

    def __init__(self, story: Story, now: Callable[[], datetime], seam: Callable[[], None]) -> None:
        self.story, self.now, self.seam = story, now, seam
        self.stats = ReadStats()
        self.capabilities: Mapping[str, Capability] = dict.fromkeys(CATALOGUE, Capability.REBUILDABLE)

    async def users(self) -> list[CrmUser]:
        """Everybody whom the CRM lists; nobody while it answers with an empty list."""
        self._ask()
        if self.story.in_trouble("crm_empty", self.now()):
            return []
        return [
            CrmUser(user, f"Сотрудник {user}", active=self.story.employed(user, self.now()))
            for user in self.story.users
            if self.story.joined.get(user, self.now()) <= self.now()
        ]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Every kind with its mark; partial and mistaken while the story says so."""
        self._ask()
        for kind in sorted(request.kinds):
            started = self.now()
            for record in self._records(kind, request):
                self.seam()
                yield record
            if self.story.in_trouble("crm_partial", self.now()) and self.story.dice.random() < 0.5:
                yield Failed(kind, "the answer was cut")
            else:
                yield Completed(kind, started)

    async def check(self, _members: Mapping[str, str]) -> list[Finding]:
        """Find nothing."""
        return []

    def link(self, record: Record) -> str:
        """The page of a record."""
        return f"https://crm.example/{type(record).__name__.lower()}/{getattr(record, 'id', '')}"

    async def aclose(self) -> None:
        """Close nothing."""

    def _ask(self) -> None:
        self.stats.requests += 1
        self.seam()
        if self.story.in_trouble("crm_down", self.now()):
            raise CrmUnavailable("the CRM does not answer")
        if self.story.in_trouble("crm_mistake", self.now()):
            raise KeyError("responsible")

    def _records(self, kind: RecordKind, request: ReadRequest) -> Iterator[Record]:
        now, start = self.now(), request.window.earlier or request.window.start
        if kind is RecordKind.DEALS:
            yield from (self._deal(deal, request) for deal in self.story.deals if self._is_read(deal, start, now))
        elif kind is RecordKind.TASKS:
            yield from self._tasks(request.window.cutoff, now)
        else:
            for event in self.story.events:
                if event.at >= start and event.known_at <= now and (record := _record(kind, event)) is not None:
                    yield record

    def _is_read(self, deal: StoryDeal, start: datetime, now: datetime) -> bool:
        return deal.created_at <= now and (deal.closed_at is None or deal.closed_at >= start)

    def _deal(self, deal: StoryDeal, request: ReadRequest) -> Deal:
        now = self.now()
        closed = deal.closed_at is not None and deal.closed_at <= now
        return Deal(
            id=deal.id,
            title=f"Сделка {deal.id}",
            manager=deal.owner_at(max(deal.created_at, min(now, request.window.cutoff))),
            state=deal.state if closed else DealState.OPEN,
            created_at=deal.created_at,
            closed_at=deal.closed_at if closed else None,
            stage_since=deal.created_at,
        )

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


def _record(kind: RecordKind, event: Happened) -> Record | None:
    if kind is RecordKind.COMPANIES and event.kind == "company":
        return Company(event.id, f"Компания {event.id}", event.user, event.at)
    if kind is RecordKind.MEETINGS and event.kind == "meeting":
        return Meeting(event.id, f"Встреча {event.id}", event.user, event.at, event.at - timedelta(hours=1))
    if kind is RecordKind.CALLS and event.kind == "call":
        return Call(event.id, f"Звонок {event.id}", event.user, event.at, event.seconds, incoming=False, answered=True)
    return None
