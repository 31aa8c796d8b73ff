"""amoCRM and Kommo, API v4.

Facts are rolled back to the cutoff with amoCRM's own events, so a late read counts what was true then. Documented in
`docs/crm/amocrm.md`; the endpoints and their traps are listed there too.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, SecretStr, field_validator, model_validator

from crm_clients.amocrm.account import read_account, read_rights, user, user_rows
from crm_clients.amocrm.answers import judge
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.auth import Application, Keys, LongLived, OAuth
from crm_clients.amocrm.changes import Changes
from crm_clients.amocrm.check import examine
from crm_clients.amocrm.contacts import CommentBook, read_calls, read_companies
from crm_clients.amocrm.deals import DealReader
from crm_clients.amocrm.pacing import BACKLOG, MeasuredPace
from crm_clients.amocrm.session import Job
from crm_clients.amocrm.tasks import read_meetings, read_tasks
from crm_clients.base import ClientMemory, CrmConfig, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmError, CrmUnavailable
from crm_clients.shared.fact_stream import Stream
from crm_clients.shared.http import Clock, Deadline, Http
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Call, Company, Completed, Deal, Fact, Failed, Meeting, Record, RecordKind, Task

PRESENT_ONLY = frozenset({"won_amount", "lost_without_reason", "deals_missing_fields"})
"""No or no full history: a sum, a loss reason or a field may have been changed after the cutoff."""
QUEUE = 4
"""Portions of facts that may wait for whoever folds them."""


class AmocrmConfig(CrmConfig):
    """The settings of an amoCRM or Kommo connection."""

    kind: Literal["amocrm"] = "amocrm"
    base_url: str
    token: SecretStr | None = None
    """A long-lived token; or the four below."""
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    redirect_uri: str = ""
    refresh_token: SecretStr = SecretStr("")
    requests_per_second: float = Field(default=6.8, gt=0, le=50)

    @field_validator("base_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError('base_url must be the address of the account, such as "https://example.amocrm.ru"')
        return f"{parts.scheme}://{parts.netloc}"

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        oauth = {
            "client_id": self.client_id,
            "client_secret": self.client_secret.get_secret_value(),
            "redirect_uri": self.redirect_uri,
            "refresh_token": self.refresh_token.get_secret_value(),
        }
        given = [name for name, value in oauth.items() if value]
        if self.has_token and given:
            raise ValueError(f"give either token or {', '.join(given)}, not both")
        if not self.has_token and not given:
            raise ValueError("give token (long-lived), or client_id, client_secret, redirect_uri and refresh_token")
        missing = [name for name, value in oauth.items() if not value]
        if given and missing:
            raise ValueError(f"{', '.join(missing)} is missing beside {', '.join(given)}")
        return self

    @property
    def has_token(self) -> bool:
        """Whether a long-lived token is given."""
        return self.token is not None and bool(self.token.get_secret_value())


class AmocrmClient:
    """States the facts of one amoCRM account."""

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
        self.capabilities: Mapping[str, Capability] = MappingProxyType(
            {key: _capability(key, config) for key in CATALOGUE}
        )
        pace = MeasuredPace(config.requests_per_second, clock)
        http = Http(
            config.base_url,
            stats=self.stats,
            pace=pace,
            judge=judge,
            in_flight=BACKLOG,
            before_wire=pace.before_wire,
            clock=clock,
            transport=transport,
        )
        self._keys = _keys(config, memory, http)
        self._api = AmocrmApi(http, self._keys, pace)

    async def users(self) -> list[CrmUser]:
        """All users, also inactive ones. Raises CrmError rather than give an incomplete list."""
        self._api.forget_refusal()
        return [user(row) for row in await user_rows(self._api, self._deadline())]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """The facts of `request.kinds`, all kinds at once; see `CrmClient.read`."""
        self._api.forget_refusal()
        deadline = self._deadline()
        account = await read_account(self._api, deadline)
        rights = await read_rights(self._api, account, deadline)
        stream = Stream(QUEUE)
        job = Job(self._api, self._config, self._memory, request, account, deadline, stream.give)
        hidden = {kind: text for kind in request.kinds if (text := rights.missing(kind))}
        async for fact in stream.run(_Reading(job, hidden).run):
            yield fact

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Login, rights, visibility of every member, settings, clock skew."""
        self._api.forget_refusal()
        return await examine(self._api, self._config, self._keys, members, self._deadline())

    def link(self, record: Record) -> str:
        """The record's page on the configured host; of tasks and calls that of the entity they hang on."""
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

    async def aclose(self) -> None:
        """Close connections; a renewal of tokens that is on its way may end first."""
        await self._keys.aclose()
        await self._api.http.aclose()

    def _deadline(self) -> Deadline:
        return Deadline(self._config.read_timeout_seconds, self._api.http.clock)


class _Reading:
    """One read: every kind by itself, so that none takes another with it."""

    def __init__(self, job: Job, hidden: Mapping[RecordKind, str]) -> None:
        self._job, self._hidden = job, hidden
        self._kinds = job.request.kinds
        self._changes = Changes(job, job.request.kinds - hidden.keys())
        self._deals: DealReader | None = None
        self._deals_over = asyncio.Event()

    async def run(self) -> None:
        """Every kind by itself, and its mark."""
        job = self._job
        comments = CommentBook(job)
        ways: dict[RecordKind, Callable[[], Awaitable[None]]] = {
            RecordKind.CALLS: lambda: read_calls(job),
            RecordKind.COMPANIES: lambda: read_companies(job),
            RecordKind.MEETINGS: lambda: read_meetings(job, self._changes),
            RecordKind.TASKS: self._read_tasks,
            RecordKind.DEALS: lambda: self._read_deals(comments),
            RecordKind.COMMENTS: lambda: self._read_comments(comments),
        }
        async with asyncio.TaskGroup() as group:
            for kind in sorted(self._kinds, key=list(ways).index):
                group.create_task(self._state(kind, ways[kind]), name=f"amocrm-{kind}")

    async def _state(self, kind: RecordKind, way: Callable[[], Awaitable[None]]) -> None:
        """Read a kind and say whether it was read whole."""
        started = self._job.api.http.clock.now()
        mark: Completed | Failed
        if kind in self._hidden:
            mark = Failed(kind, self._hidden[kind])
        else:
            try:
                await way()
                mark = Completed(kind, started)
            except CrmError as error:
                mark = Failed(kind, str(error))
            except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError) as error:
                # A row of a form that nothing documents: this kind cannot be counted, the others can.
                mark = Failed(kind, f"{kind}: amoCRM answered in an unexpected form ({type(error).__name__})")
        self._changes.leave(kind)
        if kind is RecordKind.DEALS:
            self._deals_over.set()
        await self._job.put([mark])

    async def _read_tasks(self) -> None:
        """Not before the deals are read, too: they ask what has changed of tasks, and it must not fail them then."""
        await read_tasks(self._job, self._changes)
        if RecordKind.DEALS in self._kinds:
            await self._deals_over.wait()
        self._changes.ensure_tasks()

    async def _read_deals(self, comments: CommentBook) -> None:
        if RecordKind.COMMENTS in self._kinds and RecordKind.COMMENTS not in self._hidden:
            with suppress(CrmError):  # then nothing is known, and every deal is looked at
                await comments.load()
        reader = DealReader(self._job, self._changes, comments.knows)
        await reader.run()
        self._deals = reader

    async def _read_comments(self, comments: CommentBook) -> None:
        if RecordKind.DEALS in self._kinds:
            await self._deals_over.wait()
        if self._deals is None:
            raise CrmUnavailable("comments: the deals that they belong to could not be read")
        await comments.read(self._deals.open_leads)


def _capability(key: str, config: AmocrmConfig) -> Capability:
    if key == "deals_missing_fields" and not any(config.required_fields.values()):
        return Capability.UNAVAILABLE
    return Capability.PRESENT if key in PRESENT_ONLY else Capability.REBUILDABLE


def _keys(config: AmocrmConfig, memory: ClientMemory, http: Http) -> Keys:
    if config.token is not None and config.has_token:
        http.hide(config.token.get_secret_value())
        return LongLived(config.base_url, config.token.get_secret_value())
    application = Application(config.client_id, config.client_secret.get_secret_value(), config.redirect_uri)
    return OAuth(config.base_url, application, config.refresh_token.get_secret_value(), memory, http)
