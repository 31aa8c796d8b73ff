"""Read Bitrix24 over an incoming webhook (`docs/crm/bitrix24.md`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import httpx

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.check import check_connection
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.names import read_names
from crm_clients.bitrix24.read import read_facts
from crm_clients.bitrix24.recheck import FIELDS, RecordLookup
from crm_clients.bitrix24.session import ReadSession
from crm_clients.bitrix24.users import UserDirectory
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.pacing import Clock, Deadline
from crm_clients.shared.rechecking import recheck
from scoring.appeals.proofs import Disputed, Proof
from scoring.crm_names import CrmNames
from scoring.kpi import Scope
from scoring.kpis import Capability
from scoring.records import Call, Company, Deal, Fact, Meeting, Record, Task


class Bitrix24Client:
    """State the facts of a Bitrix24 portal."""

    def __init__(
        self,
        config: Bitrix24Config,
        memory: ClientMemory,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._config, self._memory, self._portal = config, memory, config.portal
        self._clock = clock or Clock()
        self.stats = ReadStats()
        self.capabilities = _capabilities(config)
        self._api = Bitrix24Api(
            config.webhook_url.get_secret_value(),
            config.plan,
            stats=self.stats,
            clock=self._clock,
            transport=transport,
        )
        self._users = UserDirectory(self._api)

    async def users(self) -> list[CrmUser]:
        """Read all employees, also dismissed employees. Raises CrmError rather than give an incomplete list."""
        self._api.forget_refusal()
        return await self._users.read(self._deadline())

    def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Read the facts of `request.kinds`, as `CrmClient.read` promises."""
        self._api.forget_refusal()
        return read_facts(self._session(request), self._users)

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff, by rows of their ids and the stage history of deals."""
        self._api.forget_refusal()
        lookup = RecordLookup(self._session(ReadRequest(scope.window, frozenset())))
        return await recheck(lookup, self.read, items, scope, FIELDS)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check login, scopes, visibility of every member, settings, clock."""
        self._api.forget_refusal()
        return await check_connection(self._api, self._config, self._users, self._deadline(), members)

    async def names(self) -> CrmNames:
        """Read the names of funnels, stages, and the fields that the settings name. Raises CrmError."""
        self._api.forget_refusal()
        return await read_names(self._api, self._config.field_names, self._deadline())

    def link(self, record: Record) -> str:
        """Link to a record's page on the portal; for activities and calls to the page of the object they hang on."""
        path = ""
        match record:
            case Deal():
                path = f"crm/deal/details/{record.id}/"
            case Company():
                path = f"crm/company/details/{record.id}/"
            case Task() if record.id.startswith("task-"):
                user = record.manager or "0"
                path = f"company/personal/user/{user}/tasks/task/view/{record.id.removeprefix('task-')}/"
            case Task() if record.deals:
                path = f"crm/deal/details/{min(record.deals)}/"
            case Task() | Meeting() | Call():
                path = record.place
        return f"{self._portal}/{path}" if path else ""

    async def aclose(self) -> None:
        """Close connections."""
        await self._api.aclose()

    def _session(self, request: ReadRequest) -> ReadSession:
        return ReadSession(self._api, self._config, self._memory, request, self._deadline(), Stream())

    def _deadline(self) -> Deadline:
        return Deadline(self._config.read_timeout_seconds, self._clock)


def _capabilities(config: Bitrix24Config) -> Mapping[str, Capability]:
    """List what Bitrix24 can state (docs/crm/README.md): `past` also for a past instant, `present` only as of now."""
    past, present, never = Capability.REBUILDABLE, Capability.PRESENT, Capability.UNAVAILABLE
    return {
        "companies_added": past if config.companies_credit == "creator" else present,
        "meetings_held": present,
        "calls_held": past,
        "talk_minutes": past,
        "missed_calls": past,
        "deals_won": past,
        "won_amount": present,
        "deals_lost": past,
        "lost_without_reason": present if config.loss_reason_field else never,
        "deals_open": past,
        "overdue_tasks": present,
        "deals_without_task": present,
        "deals_without_comment": past,
        "deals_missing_fields": present if any(config.required_fields.values()) else never,
        "stale_deals": past,
    }
