"""What goes wrong between a CRM and us, put before any fake server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

Break = Callable[[httpx.Request, httpx.AsyncBaseTransport], Awaitable[httpx.Response]]
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"


def _status(status: int, body: bytes = b"", **headers: str) -> Break:
    async def answer(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        return httpx.Response(status, content=body, headers=headers, request=request)

    return answer


def _error(kind: type[httpx.RequestError]) -> Break:
    async def fail(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        raise kind(f"broken: {request.url}", request=request)

    return fail


async def _cut(request: httpx.Request, server: httpx.AsyncBaseTransport) -> httpx.Response:
    """Half of the right answer, as a proxy without Content-Length may deliver it."""
    whole = await server.handle_async_request(request)
    body = await whole.aread()
    return httpx.Response(200, content=body[: len(body) // 2] or b"{", headers={"content-type": "application/json"})


FAULTS: dict[str, Break] = {
    "429 with Retry-After": _status(429, b"{}", **{"retry-after": "3", "content-type": "application/json"}),
    "429 without a word": _status(429),
    "500": _status(500, b"{}"),
    "502 as HTML": _status(502, HTML, **{"content-type": "text/html"}),
    "503": _status(503),
    "HTML with 200": _status(200, HTML, **{"content-type": "text/html; charset=utf-8"}),
    "nothing with 200": _status(200),
    "a cut answer": _cut,
    "a dropped connection": _error(httpx.RemoteProtocolError),
    "a reset connection": _error(httpx.ReadError),
    "a refused connection": _error(httpx.ConnectError),
    "a time-out": _error(httpx.ReadTimeout),
    "a garbled encoding": _error(httpx.DecodingError),
}


@dataclass
class Unreliable(httpx.AsyncBaseTransport):
    """A server behind a bad line. `when(number, request)` says which requests (counted from 1) break, and how."""

    server: httpx.AsyncBaseTransport
    when: Callable[[int, httpx.Request], Break | None] = lambda _number, _request: None
    requests: list[httpx.Request] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    """Called before each request: time passes, the world changes."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        self.before()
        fault = self.when(len(self.requests), request)
        if fault is None:
            return await self.server.handle_async_request(request)
        return await fault(request, self.server)
