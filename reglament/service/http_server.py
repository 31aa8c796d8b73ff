"""Serve HTTP with time limits, so that no caller keeps a connection, and no body fills the memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Hold the seconds that a caller may take for the head of a request, for the body, and between two requests."""

    head: float = 10.0
    body: float = 10.0
    idle: float = 75.0


class CannotListen(Exception):
    """Report an address that cannot be listened on, with the system's reason."""


LIMITS = TimeLimits()
LONGEST_BODY = 1024**2
"""Bytes of the longest body; aiohttp answers a longer one with 413. An update of Telegram has a few kilobytes."""


class _TimedServer(web.Server):
    """Close connections whose first request does not come in time; aiohttp itself limits only later ones."""

    def __init__(self, handler: Handler, limits: TimeLimits) -> None:
        super().__init__(self._handle, keepalive_timeout=limits.idle, lingering_time=limits.body)
        self._answer = handler
        self._limits = limits
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    def connection_made(self, handler: RequestHandler, transport: asyncio.Transport) -> None:
        """Start the time for the head of the first request."""
        super().connection_made(handler, transport)
        self._silent[handler] = asyncio.get_running_loop().call_later(self._limits.head, transport.abort)

    def connection_lost(self, handler: RequestHandler, exc: BaseException | None = None) -> None:
        """Forget the connection."""
        self._stop_timer(handler)
        super().connection_lost(handler, exc)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._stop_timer(request.protocol)
        return await self._answer(request)

    def _stop_timer(self, handler: RequestHandler) -> None:
        timer = self._silent.pop(handler, None)
        if timer is not None:
            timer.cancel()


async def read_body(request: web.BaseRequest, limits: TimeLimits = LIMITS) -> bytes:
    """Read the body of a request. Raises web.HTTPException: too slow (408), too long (413), not decodable (400)."""
    try:
        async with asyncio.timeout(limits.body):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, HttpProcessingError):  # cut off, or not of its Content-Encoding
        raise web.HTTPBadRequest from None


@asynccontextmanager
async def serving(handler: Handler, listen: str, limits: TimeLimits = LIMITS) -> AsyncIterator[int]:
    """Answer requests at host:port by `handler`; yield the port, chosen by the system for port 0.

    Raises CannotListen.
    """
    host, _, port = listen.rpartition(":")
    runner = web.ServerRunner(_TimedServer(handler, limits))
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host or "127.0.0.1", int(port)).start()
        except (OSError, ValueError, OverflowError) as error:
            raise CannotListen(str(error)) from None
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
