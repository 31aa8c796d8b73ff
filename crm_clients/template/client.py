"""State the facts of an account of Template."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmNonsense
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.pacing import Clock, Deadline
from crm_clients.shared.rechecking import recheck
from crm_clients.template.api import TemplateApi
from crm_clients.template.check import check_connection
from crm_clients.template.config import TemplateConfig
from crm_clients.template.read import read_facts
from crm_clients.template.recheck import FIELDS, RecordLookup
from crm_clients.template.rows import UserRow
from crm_clients.template.session import ReadSession
from scoring.appeals.proofs import Disputed, Proof
from scoring.kpi import Scope
from scoring.kpis import Capability
from scoring.records import Call, Comment, Company, Deal, Fact, Meeting, Record, Task

_PAGES: Mapping[type[Record], str] = {
    Deal: "deals",
    Task: "tasks",
    Company: "companies",
    Meeting: "meetings",
    Call: "calls",
}


class TemplateClient:
    """State the facts of an account of Template."""

    def __init__(
        self,
        config: TemplateConfig,
        memory: ClientMemory,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a connection; `memory` keeps renewed tokens and caches, where a CRM needs such."""
        self.capabilities = _capabilities(config)
        self.stats = ReadStats()
        self._config = config
        self._clock = clock or Clock()
        self._api = TemplateApi(config, stats=self.stats, clock=self._clock, transport=transport)

    async def users(self) -> list[CrmUser]:
        """Read all users, dismissed users and robots included. Raises CrmError rather than give a part.

        A list without the key's own account is a part: a list that is empty by mistake would dismiss everybody.
        """
        deadline = self._deadline()
        own = await self._api.account(deadline)
        rows = [row async for row in self._api.rows("users", UserRow, deadline)]
        if own.id not in {row.id for row in rows}:
            raise CrmNonsense("users: the list lacks the key's own account")
        return [CrmUser(str(row.id), clean_name(row.name), row.active, human=not row.robot) for row in rows]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds`, and a mark for each kind."""
        session = ReadSession(self._api, self._config, request, self._deadline())
        await self._api.require_full_visibility(session.deadline)
        async for fact in read_facts(session, self._clock):
            yield fact

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff."""
        deadline = self._deadline()
        await self._api.require_full_visibility(deadline)
        lookup = RecordLookup(self._api, scope.window.cutoff, deadline)
        return await recheck(lookup, self.read, items, scope, FIELDS)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check login, rights, visibility of every member, clock."""
        return await check_connection(self._api, self._config, self._deadline(), members)

    def link(self, record: Record) -> str:
        """Make the address of the record's page; empty for a comment."""
        if isinstance(record, Comment):
            return ""
        return f"{self._config.base_url}/{_PAGES[type(record)]}/{record.id}"

    async def aclose(self) -> None:
        """Close connections."""
        await self._api.aclose()

    def _deadline(self) -> Deadline:
        return Deadline(self._config.read_timeout_seconds, self._clock)


def _capabilities(config: TemplateConfig) -> Mapping[str, Capability]:
    """List what the CRM can state: `past` only where a read after the cutoff gives the value at the cutoff."""
    past, present, never = Capability.REBUILDABLE, Capability.PRESENT, Capability.UNAVAILABLE
    return {
        "companies_added": past if config.companies_credit == "creator" else present,
        "meetings_held": past,
        "calls_held": past,
        "talk_minutes": past,
        "missed_calls": past,
        "deals_won": past,
        "won_amount": past,
        "deals_lost": past,
        "lost_without_reason": past,
        "deals_open": past,
        "overdue_tasks": present,
        "deals_without_task": present,
        "deals_without_comment": past,
        "deals_missing_fields": present if any(config.required_fields.values()) else never,
        "stale_deals": present,
    }
