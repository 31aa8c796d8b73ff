"""Ping a dead-man's switch outside at every cutoff, so that people outside notice a dead service.

The addresses are those of healthchecks.io and of programs like it: URL/start, URL for a success, URL/fail, URL/log,
each with a line in the body. A service that is dead pings nothing, and the switch raises the alarm by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import httpx
import structlog

from reglament.day.claims import TeamResult
from reglament.day.due import DueCutoff
from storage.values import Run

log = structlog.get_logger()

SECONDS = 10.0
"""Longest wait for an answer of the switch."""
ATTEMPTS = 3
"""Attempts of a ping; a pause of a few seconds lies between two."""
PAUSE_SECONDS = 3.0


class Step(StrEnum):
    """Name the kinds of pings by the end of the address."""

    START = "/start"
    SUCCESS = ""
    FAIL = "/fail"
    LOG = "/log"


class Watch:
    """Ping the switch of `[watch] url`; without an address do nothing. No ping delays or fails any work."""

    def __init__(self, url: str = "", transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = httpx.URL(url) if url else None
        self._client = httpx.AsyncClient(timeout=SECONDS, transport=transport) if url else None
        self._pings: set[asyncio.Task[Any]] = set()
        self._last: asyncio.Task[Any] | None = None

    def ping(self, step: Step, line: str) -> None:
        """Send a ping beside the work, after the pings before."""
        if self._url is None or self._client is None:
            return
        address = self._url.copy_with(path=self._url.path.rstrip("/") + step.value)
        self._last = asyncio.create_task(self._send(self._client, address, line, self._last))
        self._pings.add(self._last)
        self._last.add_done_callback(self._pings.discard)

    def cutoff_begins(self, due: DueCutoff) -> None:
        """Ping the start of a cutoff."""
        self.ping(Step.START, f"{', '.join(due.teams)} {due.day}: begins")

    def cutoff_failed(self, due: DueCutoff, error: Exception) -> None:
        """Ping an attempt that ended in an error; the text of the error stays in the log."""
        self.ping(Step.FAIL, f"{', '.join(due.teams)} {due.day}: {type(error).__name__}, see the log")

    def cutoff_ends(self, results: Sequence[TeamResult]) -> None:
        """Ping the end of an attempt: a success, a failure of a team that could read nothing, or a later attempt."""
        lines = [_line(result) for result in results]
        if any(result.run is not None and _unread(result.run) for result in results):
            step = Step.FAIL
        elif all(result.run is not None for result in results):
            step = Step.SUCCESS
        else:
            step = Step.LOG
        self.ping(step, "\n".join(lines))

    async def aclose(self) -> None:
        """Wait a moment for the pings on the way, then close."""
        if self._pings:
            await asyncio.wait(self._pings, timeout=SECONDS / 2)
        for ping in self._pings:
            ping.cancel()
        if self._client is not None:
            await self._client.aclose()

    async def _send(
        self, client: httpx.AsyncClient, address: httpx.URL, line: str, before: asyncio.Task[Any] | None
    ) -> None:
        if before is not None:
            await asyncio.wait({before})
        problem = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                await asyncio.sleep(PAUSE_SECONDS)
            try:
                answer = await client.post(address, content=line.encode())
            except httpx.HTTPError as error:
                problem = type(error).__name__
            else:
                if answer.is_success:
                    return
                problem = f"HTTP {answer.status_code}"
        log.warning("watch_not_pinged", problem=problem)  # the address is a secret


def _unread(run: Run) -> bool:
    """Tell whether no KPI of a finished run could be read."""
    return bool(run.missing) and set(run.missing) >= set(run.rulebook.counted)


def _line(result: TeamResult) -> str:
    what = f"{result.team} {result.day}"
    if result.run is None:
        return f"{what}: a later attempt at {result.retry_at}" if result.retry_at else f"{what}: another process works"
    missing = len(result.run.missing or ())
    return f"{what}: finished" + (f", {missing} KPIs not read" if missing else "")
