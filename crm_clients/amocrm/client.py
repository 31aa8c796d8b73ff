"""Connect to amoCRM and Kommo, API v4.

A late read states the account as at the cutoff: amoCRM's own events tell the changes since. Lists, rights and settings
are documented in `docs/crm/amocrm.md`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

import httpx

from crm_clients.amocrm.account import read_account, read_users
from crm_clients.amocrm.answers import judge
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.auth import Application, Keys, LongLivedToken, OAuthTokens
from crm_clients.amocrm.check import check_connection
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.amocrm.names import read_names
from crm_clients.amocrm.pacing import IN_FLIGHT, MeasuredPace
from crm_clients.amocrm.read import read_facts
from crm_clients.amocrm.recheck import FIELDS, RecordLookup
from crm_clients.amocrm.session import ReadSession
from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import Clock, Deadline
from crm_clients.shared.rechecking import recheck
from scoring.appeals.proofs import Disputed, Proof
from scoring.crm_names import CrmNames
from scoring.kpi import Scope
from scoring.kpis import Capability
from scoring.records import Call, Company, Deal, Fact, Meeting, Record, Task


class AmocrmClient:
    """State the facts of an amoCRM account; see `CrmClient`."""

    def __init__(
        self,
        config: AmocrmConfig,
        memory: ClientMemory,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._config, self._memory = config, memory
        self.stats = ReadStats()
        self.capabilities = _capabilities(config)
        pace = MeasuredPace(config.requests_per_second, clock)
        http = Http(
            config.base_url,
            stats=self.stats,
            pace=pace,
            judge=judge,
            in_flight=IN_FLIGHT,
            before_wire=pace.before_wire,
            clock=clock,
            transport=transport,
        )
        self._keys = _keys(config, memory, http)
        self._api = AmocrmApi(http, self._keys, pace)

    async def users(self) -> list[CrmUser]:
        """Read all users, also inactive accounts. Raises CrmError rather than return an incomplete list."""
        self._api.begin()
        deadline = self._deadline()
        return await read_users(self._api, await read_account(self._api, deadline), deadline)

    def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the facts of `request.kinds`; see `CrmClient.read`."""
        self._api.begin()
        return read_facts(self._api, self._config, self._memory, request, self._deadline())

    async def recheck(self, items: Sequence[Disputed], scope: Scope) -> list[Proof]:
        """Tell how disputed records stood at the cutoff, by the events since then."""
        self._api.begin()
        deadline = self._deadline()
        account = await read_account(self._api, deadline)
        request = ReadRequest(scope.window, frozenset())
        session = ReadSession(self._api, self._config, self._memory, request, account, deadline, _no_facts)
        return await recheck(RecordLookup(session), self.read, items, scope, FIELDS)

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Check login, rights, visibility of every member, settings and clock skew."""
        self._api.begin()
        return await check_connection(self._api, self._config, self._keys, members, self._deadline())

    async def names(self) -> CrmNames:
        """Read the names of pipelines, stages, fields and task types. Raises CrmError."""
        self._api.begin()
        return await read_names(self._api, self._deadline())

    def link(self, record: Record) -> str:
        """Build the address of a record's page on the configured host; tasks and calls lead to the entity."""
        path = ""
        match record:
            case Deal():
                path = f"leads/detail/{record.id}"
            case Company():
                path = f"companies/detail/{record.id}"
            case Task() if record.deals:
                path = f"leads/detail/{min(record.deals)}"
            case Task() | Meeting() | Call():
                path = record.place
        return f"{self._config.base_url}/{path}" if path else ""

    async def renew_keys(self, until: datetime) -> None:
        """Renew a token pair that ends before `until`; see `RenewsKeys`."""
        await self._keys.renew_ahead(until)

    async def aclose(self) -> None:
        """Close connections, after a running renewal of tokens has ended."""
        await self._keys.aclose()
        await self._api.http.aclose()

    def _deadline(self) -> Deadline:
        return Deadline(self._config.read_timeout_seconds, self._api.http.clock)


def _capabilities(config: AmocrmConfig) -> Mapping[str, Capability]:
    """List what amoCRM can state (docs/crm/README.md): `present` where no event tells the earlier value."""
    past, present, never = Capability.REBUILDABLE, Capability.PRESENT, Capability.UNAVAILABLE
    return {
        "companies_added": past,
        "meetings_held": past,
        "calls_held": past,
        "talk_minutes": past,
        "missed_calls": past,
        "deals_won": past,
        "won_amount": present,
        "deals_lost": past,
        "lost_without_reason": present,
        "deals_open": past,
        "overdue_tasks": past,
        "deals_without_task": past,
        "deals_without_comment": past,
        "deals_missing_fields": present if any(config.required_fields.values()) else never,
        "stale_deals": past,
    }


async def _no_facts(_facts: Sequence[Fact]) -> None:
    """Take no facts: a look-up by id gives rows."""


def _keys(config: AmocrmConfig, memory: ClientMemory, http: Http) -> Keys:
    if token := config.long_lived_token:
        http.hide(token)
        return LongLivedToken(config.base_url, token)
    application = Application(config.client_id, config.client_secret.get_secret_value(), config.redirect_uri)
    return OAuthTokens(config.base_url, application, config.refresh_token.get_secret_value(), memory, http)
