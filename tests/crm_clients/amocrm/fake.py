"""A server that speaks amoCRM's API v4 as its documentation describes it, over a made-up account.

It runs inside a test (`httpx.MockTransport(fake.handle)`) or on a loopback port
(`async with serve(fake.handle) as url`).
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.crm_clients.amocrm.account_lists import HAL, AccountLists
from tests.crm_clients.amocrm.account_rows import Row
from tests.crm_clients.amocrm.query import Query
from tests.crm_clients.answering import answered


def jwt(**claims: Any) -> str:
    """An access token as amoCRM's look: three parts, claims readable; the signature is nonsense."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{part}.c2ln"


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with matching requests."""

    path: str
    kind: str
    """html, cut, drop, slow, or a status as text."""
    on: frozenset[int] = frozenset({1})
    """Which of the matching requests, counted from 1; empty: all of them."""
    seconds: float = 0.0
    seen: int = 0


@dataclass(slots=True)
class FakeAmocrm(AccountLists):
    """The account's server: who may ask what, how fast, and what goes wrong."""

    token: str = "long-lived"
    client: tuple[str, str, str] = ("client-id", "client-secret", "https://example.org/callback")
    refresh_token: str = "seed-refresh"
    access_seconds: int = 86400
    rate: float = 0.0
    """Requests in any one second; 0: no limit."""
    patience: int = 20
    """After so many 429 the account is blocked: 403 for everything."""
    latency: float = 0.0
    beside: Executor | None = None
    """A process that puts answers together (`answering`), so that requests are noted when they arrive."""
    retry_after: int | None = 1
    moved_to: str = ""
    """The account's new host: the old one answers 404 to everything."""
    host: str = ""
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[str, int], None] | None = None
    """Called with path and running number before each answer: life goes on while somebody reads."""
    requests: list[str] = field(default_factory=list)
    keep_requests: bool = True
    count: int = 0
    blocked: bool = False
    refused: int = 0
    old_tokens_live: bool = False
    """Whether an access token lives on after its pair was renewed."""
    lost_answer: bool = False
    """The next token pair is issued, but the answer never arrives."""
    issued: int = 0
    _access: dict[str, float] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        self.count += 1
        if self.keep_requests:
            self.requests.append(f"{path}?{request.url.query.decode()}" if request.url.query else path)
        arrived = time.monotonic()
        if self.latency:
            await asyncio.sleep(self.latency)
        if (limited := self._limit(arrived)) is not None:
            return limited
        if self.before is not None:
            self.before(path, self.count)
        fault = self._fault(path)
        if fault is not None and fault.kind in ("drop", "slow"):
            await asyncio.sleep(fault.seconds)
            if fault.kind == "drop":
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if fault is not None and fault.kind.isdigit():
            return self.problem(int(fault.kind))
        if fault is not None and fault.kind == "html":
            return self.answer(200, b"<html><body>Technical works</body></html>", {"content-type": "text/html"})
        response = await self._route(request, path)
        if fault is not None and fault.kind == "cut":
            return self.answer(response.status_code, response.content[: len(response.content) // 2], HAL)
        return response

    def _limit(self, now: float) -> httpx.Response | None:
        if self.blocked:
            return self.problem(403, "Account is blocked")
        if not self.rate:
            return None
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self.rate:
            self.refused += 1
            self.blocked = self.refused > self.patience
            return self.problem(429, **({} if self.retry_after is None else {"retry_after": self.retry_after}))  # type: ignore[arg-type]
        self._recent.append(now)
        return None

    def _fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path in path:
                fault.seen += 1
                if not fault.on or fault.seen in fault.on:
                    return fault
        return None

    # Who asks

    async def _route(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/oauth2/account/current/subdomain":
            return self._subdomain(request)
        if self.moved_to and request.url.host != self.moved_to:
            return self.problem(404, "Account not found")
        if path == "/oauth2/access_token" and request.method == "POST":
            return self._renew(json.loads(await request.aread()), request)
        if not self._is_known(request.headers.get("authorization", "")):
            return self.problem(401, "Unauthorized")
        asked = path.removeprefix("/api/v4/"), request.url.query.decode()
        if self.beside is None:
            return self.get(asked[0], Query(asked[1]))
        return self.answer(*await answered(self.beside, _put_together, *asked))

    def _is_known(self, authorization: str) -> bool:
        access = authorization.removeprefix("Bearer ")
        return access == self.token or self._access.get(access, 0.0) > self.clock()

    def _renew(self, body: Row, request: httpx.Request) -> httpx.Response:
        client = (body.get("client_id"), body.get("client_secret"), body.get("redirect_uri"))
        if client != self.client or body.get("grant_type") != "refresh_token":
            return self.problem(400, "Cannot decrypt the refresh token", hint="Client authentication failed")
        if body.get("refresh_token") != self.refresh_token:
            return self.problem(400, "Token is invalid", hint="Token has been revoked")
        self.issued += 1
        if not self.old_tokens_live:
            self._access.clear()
        access = jwt(n=self.issued, exp=int(self.clock()) + self.access_seconds, api_domain="api-b.amocrm.ru")
        self._access[access] = self.clock() + self.access_seconds
        self.refresh_token = f"refresh-{self.issued}"
        if self.lost_answer:
            self.lost_answer = False
            raise httpx.ReadError("Connection reset by peer", request=request)
        pair = {"access_token": access, "refresh_token": self.refresh_token}
        return self.json({"token_type": "Bearer", "expires_in": self.access_seconds, **pair})

    def expire_access(self) -> None:
        """Every access token dies at once."""
        self._access.clear()

    def _subdomain(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-refresh-token") != self.refresh_token:
            return self.problem(401)
        domain = self.moved_to or self.host
        name, _, zone = domain.partition(".")
        return self.json({"id": 321, "subdomain": name, "domain": domain, "top_level_domain": zone.split(".")[-1]})


def _put_together(fake: FakeAmocrm, path: str, query: str) -> tuple[int, bytes, dict[str, str]]:
    response = fake.get(path, Query(query))
    kind = response.headers.get("content-type")
    return response.status_code, response.content, {"content-type": kind} if kind else {}
