"""The one way to speak HTTP with a CRM: pace, retry, deadline, redaction, counters.

Only reads exist in this product, so every request may be repeated. What an answer means is said by the client's
`judge`: it returns to accept, raises `TryAgain` to repeat, or any other CrmError to stop.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NoReturn
from urllib.parse import quote, urlsplit

import anyio
import httpx
import stamina

from crm_clients.base import ReadStats
from crm_clients.errors import CrmError, CrmRefused, CrmUnavailable
from crm_clients.shared.json_decoding import NotJson, parse
from crm_clients.shared.pacing import BucketPace, Clock, Deadline, EvenPace, Pace

__all__ = [
    "Answer",
    "BucketPace",
    "Clock",
    "Deadline",
    "EvenPace",
    "Http",
    "Judge",
    "Pace",
    "TryAgain",
    "one_line",
    "redact",
    "standard_judge",
]

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
MOVES = 2
"""Redirects in a row that are followed; more lead in circles."""

anyio.get_available_backends()  # loads what httpx would load in its first request, while the event loop waits


class TryAgain(CrmUnavailable):
    """The request may be repeated; after the last attempt it stands as CrmUnavailable."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after
        """Seconds the CRM asked to wait, all requests alike; None: back off as usual."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the CRM said."""

    status: int
    headers: Mapping[str, str]
    data: Any = None
    """The parsed JSON, numbers with a fraction as Decimal; None if there was no body or it was not JSON."""
    is_json: bool = False
    retry_after: float | None = None
    """Seconds from the Retry-After header."""


Judge = Callable[[Answer], None]
"""Accepts an answer by returning, else raises TryAgain, CrmRefused, RightsMissing, CrmNonsense."""


def standard_judge(answer: Answer) -> None:
    """What statuses mean unless a client knows better."""
    if answer.status < 300:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"the CRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status == 401:
        raise CrmRefused("the CRM does not accept the key (HTTP 401): put a valid one into the settings")
    raise CrmRefused(f"the CRM refused the request (HTTP {answer.status})")


def redact(text: str, secrets: Iterable[str]) -> str:
    """`text` without the secrets, also where they are percent-encoded."""
    spellings = {spelling for secret in secrets for spelling in (secret, quote(secret, safe="")) if len(secret) > 3}
    for spelling in sorted(spellings, key=len, reverse=True):
        text = text.replace(spelling, "•••")
    return text


def one_line(text: object, limit: int = 300) -> str:
    """Foreign text made fit for an error message."""
    words = " ".join("".join(c if c.isprintable() else " " for c in str(text)).split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


class Http:
    """Speaks with one host for one client.

    `attempts` counts the first one too. `in_flight` is how many requests may be open at once. `before_wire` is awaited
    when a request has its connection and its first byte is about to go out: making connections takes its time.
    """

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
        """`follow_moves`: accounts of this CRM may change their host, and the old one says which is the new one."""
        self.host = urlsplit(base_url).hostname or ""
        self.moved_to = ""
        """Scheme and host where the CRM is now, if it said so."""
        self._follow_moves = follow_moves
        self._moves = 0
        self.stats = stats
        self.skew: timedelta | None = None
        """How far the CRM's clock is ahead of ours, from its last answer."""
        self.clock = clock or Clock()
        self._secrets = set(secrets)
        self._pace, self._judge = pace, judge
        self._attempts, self._request_seconds = attempts, request_seconds
        self._gate = asyncio.Semaphore(in_flight)
        self._before_wire = before_wire
        _silence_wire_logs()
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
        """A foreign text as one line without secrets."""
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
        """The answer's JSON (None for 204). `what` names for people what is being read.

        Raises CrmUnavailable after the last attempt, DeadlineExceeded when the read's time is over, and whatever the
        judge raises.
        """
        request = self._client.build_request(method, path, json=json, data=form, params=params, headers=headers)
        body = await request.aread()  # kept: every attempt sends the same bytes
        backoff = _Backoff(deadline, self._pace)
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
        """The same request to where the CRM is now."""
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

    def _count_retry(self, number: int, backoff: _Backoff) -> None:
        if number > 1:
            self.stats.retries += 1
            self.stats.waited_seconds += backoff.slept

    async def _guarded(self, request: httpx.Request, deadline: Deadline, what: str, judge: Judge) -> Any:
        """An attempt whose errors are safe to show, also in the log of the retries."""
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
            return response, b"".join([chunk async for chunk in response.aiter_bytes()])
        finally:
            await response.aclose()

    def _answer(self, response: httpx.Response, body: bytes) -> Answer:
        self._note_clock(response)
        headers = response.headers
        retry_after = _retry_after(headers.get("retry-after", ""), self.clock.now())
        try:
            data = parse(body)
        except NotJson:
            return Answer(response.status_code, headers, retry_after=retry_after)
        return Answer(response.status_code, headers, data, True, retry_after)

    def _moved(self, answer: Answer, asked: httpx.URL) -> NoReturn:
        """Never followed as browsers do: a redirected POST would become a GET, and a foreign host would get the key.

        Where accounts move, the whole request is repeated at a host that the old one names for the very same path.
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


class _Backoff:
    """Says how long to wait before the next attempt: what the CRM asked for, else exponential with full jitter."""

    def __init__(self, deadline: Deadline, pace: Pace) -> None:
        self._deadline, self._pace = deadline, pace
        self._ceiling = FIRST_BACKOFF
        self.slept = 0.0

    def __call__(self, error: Exception) -> bool | float:
        if not isinstance(error, TryAgain):
            return False
        self.slept = random.uniform(0, self._ceiling)  # noqa: S311  # spreads retries, guards nothing
        self._ceiling = min(LONGEST_BACKOFF, self._ceiling * 2)
        if error.after is not None:
            self._pace.push_back(error.after)  # everybody waits, at the pace's turn
            self.slept = 0.0
        return self.slept if self._deadline.allows(error.after or self.slept) else False


def _retry_after(header: str, now: datetime) -> float | None:
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    with suppress(ValueError, TypeError):
        then = parsedate_to_datetime(header)
        return max(0.0, (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    return None


class _Mute(logging.Filter):
    """Drops records of libraries that log whole URLs and headers, which hold secrets."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep warnings, which neither library makes of URLs."""
        return record.levelno >= logging.WARNING


_MUTE = _Mute()
_WIRE_LOGGERS = (
    "httpx",
    "httpcore",
    *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks")),
)


def _silence_wire_logs() -> None:
    for name in _WIRE_LOGGERS:
        logging.getLogger(name).addFilter(_MUTE)
