"""A seeded made-up company that lives through its days, as if it were a CRM.

It keeps its whole history: a past cutoff is answered exactly, however late it is asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from zoneinfo import ZoneInfo

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats, Severity
from crm_clients.demo.config import DemoConfig
from crm_clients.demo.department import Department
from crm_clients.demo.world import FIELDS, World
from crm_clients.errors import CrmUnavailable
from scoring.kpis import CATALOGUE, Capability
from scoring.records import (
    Call,
    Comment,
    Company,
    Completed,
    Deal,
    Fact,
    Meeting,
    Record,
    RecordKind,
    Task,
)
from scoring.workdays import local_instant

BASE_URL = "https://demo.example"
PAGES: Mapping[type[Record], str] = {Deal: "deal", Task: "task", Company: "company", Meeting: "meeting", Call: "call"}


class DemoClient:
    """States the facts of the made-up company."""

    def __init__(
        self,
        config: DemoConfig,
        memory: ClientMemory,
        *,
        transport: object = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """`memory` and `transport` are what every client gets; a made-up company needs neither.

        Without `now` it answers for any window as if its cutoff had come.
        """
        self.capabilities: Mapping[str, Capability] = dict.fromkeys(CATALOGUE, Capability.REBUILDABLE)
        self.stats = ReadStats()
        self._config = config
        self._now = now
        self._zone = ZoneInfo(config.timezone)
        away = tuple((user, frozenset(days)) for user, days in sorted(config.away_on.items()))
        self._world = _world(config.seed, config.managers, config.timezone, away)

    async def users(self) -> list[CrmUser]:
        """The managers, one who has left, and a robot."""
        self._answer(self._now() if self._now else None)
        return self._world.department.users()

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds` as they stood at the cutoff, or stand now if it is still to come."""
        cutoff = request.window.cutoff
        now = self._now() if self._now else cutoff
        for kind in sorted(request.kinds, key=_ORDER.index):
            self._answer(now)
            # Beside the event loop: a large company takes seconds to make up.
            for record in await asyncio.to_thread(list, self._records(kind, request, min(now, cutoff))):
                yield record
            yield Completed(kind, now)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Whether it answers, knows the members and the required fields."""
        try:
            known = {user.id for user in await self.users()}
        except CrmUnavailable as down:
            return [Finding(Severity.ERROR, "login", str(down))]
        findings = [Finding(Severity.OK, "login", "the made-up company answers; it needs no key")]
        for user, name in members.items():
            if user not in known:
                text = f"{name or user} ({user}) is not an account of the made-up company: take him out of the team"
                findings.append(Finding(Severity.ERROR, "visibility", text))
        strange = sorted({name for names in self._config.required_fields.values() for name in names} - set(FIELDS))
        if strange:
            text = f"required_fields: its deals have no {', '.join(strange)}; they have {', '.join(FIELDS)}"
            findings.append(Finding(Severity.ERROR, "deals_missing_fields", text))
        return findings

    def link(self, record: Record) -> str:
        """The record's page on `demo.example`; nothing answers there."""
        return "" if isinstance(record, Comment) else f"{BASE_URL}/{PAGES[type(record)]}/{record.id}"

    async def aclose(self) -> None:
        """Nothing is open."""

    def _answer(self, now: datetime | None) -> None:
        """Count a request; refuse it while the CRM is down."""
        self.stats.requests += 1
        if now is None:
            return
        day = now.astimezone(self._zone).date()
        until = self._config.fail_on.get(day)
        if until is not None and now < local_instant(day, until, self._zone):
            raise CrmUnavailable(f"the made-up CRM is down until {until:%H:%M}; try again then")

    def _records(self, kind: RecordKind, request: ReadRequest, moment: datetime) -> Iterator[Record]:
        start = min(request.window.start, moment)
        earlier = min(request.window.earlier or start, start)
        match kind:
            case RecordKind.CALLS:
                return self._world.calls(start, moment)
            case RecordKind.COMPANIES:
                return self._companies(start, moment)
            case RecordKind.MEETINGS:
                types = self._config.meeting_types
                held = self._world.meetings(earlier, moment)
                return (meeting for of_type, meeting in held if not types or of_type in types)
        stories = self._world.stories(start, moment)
        match kind:
            case RecordKind.TASKS:
                return chain.from_iterable(story.tasks_at(moment) for story in stories)
            case RecordKind.COMMENTS:
                return chain.from_iterable(story.comments_at(moment) for story in stories)
        deals = (story.deal_at(moment, self._required(story.deal.pipeline)) for story in stories)
        return (deal for deal in deals if deal is not None)

    def _companies(self, start: datetime, moment: datetime) -> Iterator[Company]:
        by_owner = self._config.companies_credit == "owner"
        for row in self._world.companies(start, moment):
            yield Company(row.id, row.title, row.owner if by_owner else row.creator, row.created_at)

    def _required(self, pipeline: str) -> list[str] | tuple[str, ...]:
        """The fields a deal needs: those listed for its pipeline; where none are listed at all, the CRM's own."""
        listed = self._config.required_fields
        if not any(listed.values()):
            return FIELDS
        return [*listed.get("*", []), *listed.get(pipeline, [])]


_ORDER = (
    RecordKind.COMPANIES,
    RecordKind.MEETINGS,
    RecordKind.CALLS,
    RecordKind.TASKS,
    RecordKind.COMMENTS,
    RecordKind.DEALS,
)
"""Tasks and comments before the deals they belong to."""


@lru_cache(maxsize=4)
def _world(seed: int, managers: int, timezone: str, away: tuple[tuple[str, frozenset[date]], ...]) -> World:
    """Clients of the same company share what has been worked out."""
    return World(Department(seed, managers, ZoneInfo(timezone), dict(away)))
