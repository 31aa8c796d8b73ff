"""State the facts of a seeded made-up company that lives through its days, as if the company had a CRM.

The made-up CRM keeps the whole history: a past cutoff is answered exactly, however late the question comes.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.demo.check import check_connection
from crm_clients.demo.config import DemoConfig
from crm_clients.demo.department import Department
from crm_clients.demo.read import read_facts
from crm_clients.demo.recheck import FIELDS, RecordLookup
from crm_clients.demo.world import World
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.rechecking import recheck
from scoring.appeals.proofs import Disputed, Proof
from scoring.kpi import Scope
from scoring.kpis import DEALS_MISSING_FIELDS, Capability
from scoring.records import Call, Comment, Company, Deal, Fact, Meeting, Record, Task
from scoring.workdays import local_instant

BASE_URL = "https://demo.example"
NEVER = Capability.UNAVAILABLE
PAGES: Mapping[type[Record], str] = {Deal: "deal", Task: "task", Company: "company", Meeting: "meeting", Call: "call"}


_CAPABILITIES: Mapping[str, Capability] = {
    "companies_added": Capability.REBUILDABLE,
    "meetings_held": Capability.REBUILDABLE,
    "calls_held": Capability.REBUILDABLE,
    "talk_minutes": Capability.REBUILDABLE,
    "missed_calls": Capability.REBUILDABLE,
    "deals_won": Capability.REBUILDABLE,
    "won_amount": Capability.REBUILDABLE,
    "deals_lost": Capability.REBUILDABLE,
    "lost_without_reason": Capability.REBUILDABLE,
    "deals_open": Capability.REBUILDABLE,
    "overdue_tasks": Capability.REBUILDABLE,
    "deals_without_task": Capability.REBUILDABLE,
    "deals_without_comment": Capability.REBUILDABLE,
    "deals_missing_fields": Capability.REBUILDABLE,
    "stale_deals": Capability.REBUILDABLE,
}
"""The made-up company keeps the whole of its history."""


class DemoClient:
    """State the facts of the made-up company."""

    def __init__(
        self,
        config: DemoConfig,
        memory: ClientMemory,
        *,
        transport: object = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        """Found the company; `memory` and `transport` are handed to every client and not needed here.

        Without `now` the client answers for any window as if the cutoff had come.
        """
        knows_fields = any(config.required_fields.values())
        self.capabilities = _CAPABILITIES if knows_fields else {**_CAPABILITIES, DEALS_MISSING_FIELDS: NEVER}
        self.stats = ReadStats()
        self._config = config
        self._now = now
        self._zone = ZoneInfo(config.timezone)
        away = tuple((user, frozenset(days)) for user, days in sorted(config.away_on.items()))
        self._world = _world(config.seed, config.managers, config.timezone, away)

    async def users(self) -> list[CrmUser]:
        """List the managers, a dismissed manager, and a robot."""
        self._answer(self._now() if self._now else None)
        return self._world.department.users()

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds` as of the cutoff, or as of now before the cutoff."""
        now = self._now() if self._now else request.window.cutoff
        async for fact in read_facts(self._world, self._config, request, now, self._answer):
            yield fact

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff: exactly, for the whole history is kept."""
        self._answer(self._now() if self._now else None)
        lookup = RecordLookup(self._world, scope.window.cutoff)
        return await recheck(lookup, self.read, items, scope, FIELDS)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check that the company answers, and knows the members and the required fields."""
        return await check_connection(self.users, self._config, members)

    def link(self, record: Record) -> str:
        """Make the address of the record's page on `demo.example`, where no server answers."""
        return "" if isinstance(record, Comment) else f"{BASE_URL}/{PAGES[type(record)]}/{record.id}"

    async def aclose(self) -> None:
        """Do nothing: no connection is open."""

    def _answer(self, now: datetime | None) -> None:
        """Count a request. Raises CrmUnavailable while the CRM is down."""
        self.stats.requests += 1
        if now is None:
            return
        day = now.astimezone(self._zone).date()
        until = self._config.fail_on.get(day)
        if until is not None and now < local_instant(day, until, self._zone):
            raise CrmUnavailable(f"the made-up CRM is down until {until:%H:%M}; try again then")


@lru_cache(maxsize=4)
def _world(seed: int, managers: int, timezone: str, away: tuple[tuple[str, frozenset[date]], ...]) -> World:
    """Found a company; clients of the same company share all that has been worked out."""
    return World(Department(seed, managers, ZoneInfo(timezone), dict(away)))
