"""Speak HTTP with a CRM: pace, retry, deadline, redaction, counters.

The product only reads, so every request may be repeated. A client's `judge` says how to take an answer: the judge
returns to accept, raises `TryAgain` to repeat, or any other CrmError to stop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import urlsplit

import anyio
import httpx
import stamina

from crm_clients.base import ReadStats
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable
from crm_clients.shared.answers import Answer, Judge, TryAgain, standard_judge
from crm_clients.shared.backoff import Backoff, retry_after
from crm_clients.shared.json_decoding import NotJson, parse
from crm_clients.shared.pacing import Clock, Deadline, Pace
from crm_clients.shared.redaction import one_line, redact
from crm_clients.shared.wire_logs import silence_wire_logs

MOST_BYTES = 64 * 2**20
"""Bytes of an unpacked answer; the largest of any CRM (a page, a batch, a list of ids) is a few megabytes."""
MOVES = 2
"""Redirects in a row that are followed; more lead in circles."""

anyio.get_available_backends()  # loads what httpx would load in its first request, while the event loop waits


class Http:
    """Speak with the host of a connection."""

    def __init__(
        self,
        base_url: str,
        *,
        stats: ReadStats,
        pace: Pace,
        judge: Judge = standard_judge,
        secrets: Iterable[str] = (),
        headers: Mapping[str, str] | None = None,
        attempts: int = 6,
        request_seconds: float = 60,
        in_flight: int = 4,
        follow_moves: bool = False,
        before_wire: Callable[[], Awaitable[None]] | None = None,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Prepare a connection.

        `attempts` counts the first attempt too; `in_flight` limits the requests that are open at once. `follow_moves`:
        accounts of this CRM may change host, and the old host names the new. `before_wire` is awaited when a request
        has a connection and the first byte is about to go out: making connections takes time.
        """
        self.host = urlsplit(base_url).hostname or ""
        self.moved_to = ""
        """Scheme and host where the CRM is now; empty until a host tells of a move."""
        self._follow_moves = follow_moves
        self._moves = 0
        self.stats = stats
        self.skew: timedelta | None = None
        """How far the CRM's clock is ahead of ours, by the last answer."""
        self.clock = clock or Clock()
        self._secrets = set(secrets)
        self._pace, self._judge = pace, judge
        self._attempts, self._request_seconds = attempts, request_seconds
        self._gate = asyncio.Semaphore(in_flight)
        self._before_wire = before_wire
        silence_wire_logs()
        self._client = httpx.AsyncClient(
            base_url=base_url,
            headers={"Accept": "application/json", "User-Agent": "reglament", **(headers or {})},
            # No session may outlive a request: a cookie could answer for another login.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=httpx.Timeout(request_seconds, connect=min(15.0, request_seconds), pool=None),
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def hide(self, *secrets: str) -> None:
        """Keep further secrets (a renewed token) out of every error text."""
        self._secrets.update(secrets)

    def redact(self, text: object) -> str:
        """Make a printable line without secrets of foreign text."""
        return one_line(redact(str(text), self._secrets))

    async def call(
        self,
        method: str,
        path: str,
        *,
        deadline: Deadline,
        what: str,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        params: httpx.QueryParams | Mapping[str, Any] | list[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        judge: Judge | None = None,
        attempts: int | None = None,
    ) -> Any:
        """Send a request and return the answer's JSON (None for 204); `what` names the reading in errors.

        Raises CrmUnavailable after the last attempt, DeadlineExceeded when the read's time is over, and the errors of
        the judge.
        """
        request = self._client.build_request(method, path, json=json, data=form, params=params, headers=headers)
        body = await request.aread()  # kept: every attempt sends the same bytes
        backoff = Backoff(deadline, self._pace)
        problem = ""
        try:
            async for attempt in stamina.retry_context(on=backoff, attempts=attempts or self._attempts, timeout=None):
                with attempt:
                    self._count_retry(attempt.num, backoff)
                    return await self._guarded(self._again(request, body), deadline, what, judge or self._judge)
        except TryAgain as error:
            problem = str(error)
        raise CrmUnavailable(problem)

    async def aclose(self) -> None:
        """Close connections."""
        await self._client.aclose()

    def _again(self, request: httpx.Request, body: bytes) -> httpx.Request:
        """Address the same request to where the CRM is now."""
        url, headers = request.url, request.headers
        if self.moved_to:
            place = httpx.URL(self.moved_to)
            url = url.copy_with(scheme=place.scheme, host=place.host, port=place.port)
            headers = httpx.Headers({**headers, "host": url.netloc.decode()})
        return httpx.Request(request.method, url, headers=headers, content=body, extensions=self._extensions())

    def _extensions(self) -> dict[str, Any]:
        before_wire = self._before_wire
        if before_wire is None:
            return {}

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            del info
            if event.endswith("send_request_headers.started"):
                await before_wire()

        return {"trace": trace}

    def _count_retry(self, number: int, backoff: Backoff) -> None:
        if number > 1:
            self.stats.retries += 1
            self.stats.waited_seconds += backoff.slept

    async def _guarded(self, request: httpx.Request, deadline: Deadline, what: str, judge: Judge) -> Any:
        """Make an attempt; errors are safe to show, also in the log of the retries."""
        try:
            return await self._attempt(request, deadline, what, judge)
        except CrmError as error:
            problem = error
        text = self.redact(problem)
        text = text if what in text else f"{what}: {text}"
        # Raised out here, so that what was not yet safe is not remembered as its context.
        raise TryAgain(text, problem.after) if isinstance(problem, TryAgain) else type(problem)(text)

    async def _attempt(self, request: httpx.Request, deadline: Deadline, what: str, judge: Judge) -> Any:
        async with self._gate:
            self.stats.waited_seconds += await self._pace.turn(deadline, what)
            limit = min(self._request_seconds, deadline.remaining(what))
            self.stats.requests += 1
            response, body = await self._send(request, limit)
        deadline.remaining(what)
        answer = self._answer(response, body)
        if 300 <= answer.status < 400:
            self._moved(answer, request.url)
        self._moves = 0
        judge(answer)
        if answer.status != 204 and not answer.is_json:
            kind = one_line(response.headers.get("content-type", "no content type"), 60)
            raise TryAgain(f"the CRM answered something that is not JSON ({kind})")
        return answer.data

    async def _send(self, request: httpx.Request, limit: float) -> tuple[httpx.Response, bytes]:
        problem = ""
        try:
            async with asyncio.timeout(limit):  # httpx limits each chunk, not the whole
                return await self._exchange(request)
        except (TimeoutError, httpx.TimeoutException):
            problem = f"{self.host} did not answer within {limit:.0f} s"
        except httpx.UnsupportedProtocol:
            problem = "the address in the settings must begin with https:// or http://"
            raise CrmRefused(problem) from None
        except httpx.ConnectError as error:
            problem = f"cannot connect to {self.host}: {one_line(error, 120)}"
        except httpx.RequestError as error:
            problem = f"the connection to {self.host} broke: {one_line(error, 120) or type(error).__name__}"
        # Raised out here, so that no traceback carries httpx's error, which knows the whole URL.
        raise TryAgain(problem)

    async def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """Send, and return the response and its body.

        The body is read beside the response: a response and its stream refer to each other, so a body that the
        response kept would stay in memory until the next full garbage collection.
        """
        response = await self._client.send(request, stream=True)
        try:
            chunks, size = [], 0
            async for chunk in response.aiter_bytes():
                chunks.append(chunk)
                size += len(chunk)
                if size > MOST_BYTES:
                    raise CrmNonsense(f"{self.host} sends an answer of more than {MOST_BYTES // 2**20} MB")
            return response, b"".join(chunks)
        finally:
            await response.aclose()

    def _answer(self, response: httpx.Response, body: bytes) -> Answer:
        self._note_clock(response)
        headers = response.headers
        after = retry_after(headers.get("retry-after", ""), self.clock.now())
        try:
            data = parse(body)
        except NotJson:
            return Answer(response.status_code, headers, retry_after=after)
        return Answer(response.status_code, headers, data, True, after)

    def _moved(self, answer: Answer, asked: httpx.URL) -> NoReturn:
        """Refuse a redirect, or repeat the whole request where accounts move.

        Browsers follow otherwise: a redirected POST would become a GET, and a foreign host would get the key. A move
        counts only if the old host names the new host for the very same path.
        """
        target = urlsplit(answer.headers.get("location", ""))
        place = f"{target.scheme or 'https'}://{target.netloc.rpartition('@')[2]}" if target.hostname else ""
        same = target.path == asked.path and target.scheme in ("https", asked.scheme)
        self._moves += 1
        if self._follow_moves and place and same and self._moves <= MOVES:
            self.moved_to = place
            raise TryAgain(f"the CRM has moved to {place}")
        where = f" to {target.scheme or 'https'}://{target.hostname}" if target.hostname else ""
        raise CrmRefused(f"the CRM redirects{where}: put its present address into the settings")

    def _note_clock(self, response: httpx.Response) -> None:
        if "date" in response.headers:
            with suppress(ValueError, TypeError):
                told = parsedate_to_datetime(response.headers["date"])
                self.skew = told - self.clock.now().replace(microsecond=0)
