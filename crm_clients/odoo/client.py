"""State the facts of Odoo, over JSON-2 (19 and later) or JSON-RPC (before): docs/crm/odoo.md.

Deals are the opportunities of `crm.lead`, tasks are activities, meetings are done activities of a meeting type. The
community edition keeps no calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.odoo.api import OdooApi
from crm_clients.odoo.check import check_connection
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.links import record_url
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.names import read_names
from crm_clients.odoo.read import read_facts
from crm_clients.odoo.recheck import FIELDS, RecordLookup
from crm_clients.odoo.rights import Sight
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.users import read_users
from crm_clients.shared.pacing import Clock, Deadline
from crm_clients.shared.rechecking import recheck
from scoring.appeals.proofs import Disputed, Proof
from scoring.crm_names import CrmNames
from scoring.kpi import Scope
from scoring.kpis import Capability
from scoring.records import Fact, Record


class OdooClient:
    """State the facts of an Odoo database."""

    def __init__(
        self,
        config: OdooConfig,
        memory: ClientMemory,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a connection; `memory` is handed to every client and not needed here."""
        self.capabilities = _capabilities(config)
        self.stats = ReadStats()
        self._config = config
        self._clock = clock or Clock()
        self._sight = Sight()
        self._api = OdooApi(config, stats=self.stats, clock=self._clock, transport=transport)

    async def users(self) -> list[CrmUser]:
        """Read all internal users, archived users included; departments are sales teams."""
        lists = self._lists()
        await self._api.connect(lists.deadline)
        return await read_users(lists)

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds`, and a mark for each kind."""
        async for fact in read_facts(self._session(request), self._sight):
            yield fact

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff, by their dates and messages."""
        lookup = RecordLookup(self._session(ReadRequest(scope.window, frozenset())), scope)
        return await recheck(lookup, self.read, items, scope, FIELDS)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check login, rights, settings, visibility of every member, clock."""
        return await check_connection(self._lists(), self._config, members)

    async def names(self) -> CrmNames:
        """Read the names of sales teams, stages, fields and activity types. Raises CrmError."""
        lists = self._lists()
        await self._api.connect(lists.deadline)
        return await read_names(lists)

    def link(self, record: Record) -> str:
        """Make the address of the record's page; for a task or a meeting, of the document."""
        return record_url(record, self._api, self._config.url)

    async def aclose(self) -> None:
        """Close connections."""
        await self._api.aclose()

    def _session(self, request: ReadRequest) -> ReadSession:
        return ReadSession(self._api, self._config, request, self._clock)

    def _lists(self) -> ListReader:
        return ListReader(self._api, Deadline(self._config.read_timeout_seconds, self._clock))


def _capabilities(config: OdooConfig) -> Mapping[str, Capability]:
    """List what Odoo can state: messages and unchangeable dates tell also of a past instant (docs/crm/odoo.md)."""
    past, present, never = Capability.REBUILDABLE, Capability.PRESENT, Capability.UNAVAILABLE
    return {
        "companies_added": past if config.companies_credit == "creator" else present,
        "meetings_held": past,
        "calls_held": never,
        "talk_minutes": never,
        "missed_calls": never,
        "deals_won": past,
        "won_amount": past,
        "deals_lost": past,
        "lost_without_reason": past,
        "deals_open": past,
        "overdue_tasks": present,
        "deals_without_task": present,
        "deals_without_comment": past,
        "deals_missing_fields": present if any(config.required_fields.values()) else never,
        "stale_deals": past,
    }
