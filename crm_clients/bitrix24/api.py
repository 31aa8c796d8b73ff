"""Call Bitrix24's incoming webhook: batches of commands, and the meaning of its errors (docs/crm/bitrix24.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from crm_clients.base import ReadStats
from crm_clients.bitrix24.values import instant
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, RightsMissing
from crm_clients.shared.answers import Answer, TryAgain
from crm_clients.shared.http import Http
from crm_clients.shared.pacing import BucketPace, Clock, Deadline
from crm_clients.shared.redaction import one_line

COMMANDS = 50
"""Commands of a batch at most."""
PAGE = 50
"""Rows of a page, for all methods alike."""
LONGEST_TOTAL = 10
"""Digits of a number of rows, at most."""
PACES = {"standard": (2.0, 50), "enterprise": (5.0, 250)}
"""Requests per second, and how many may come at once, by the portal's plan."""
SPARE = 2
"""Left in the bucket: answers arrive bunched, and people work with the portal too."""
IN_FLIGHT = 2
"""Requests on their way at once: a portal may take seconds for an answer, and meanwhile the answer before is folded."""
QUERY_PAUSE, LONGEST_QUERY_PAUSE, OPERATION_PAUSE = 1.0, 30.0, 60.0
"""Seconds to wait if the portal does not say how long; the first doubles each time."""
_STOP = {
    "OVERLOAD_LIMIT": "Bitrix24 has blocked the REST API of this portal because of overload: ask its support",
    "PORTAL_DELETED": "the portal is closed or deleted: check webhook_url",
    "INVALID_CREDENTIALS": "Bitrix24 does not accept the webhook: make a new one and put it into webhook_url",
    "NO_AUTH_FOUND": "Bitrix24 does not accept the webhook: make a new one and put it into webhook_url",
    "EXPIRED_TOKEN": "the webhook has expired: make a new one and put it into webhook_url",
    "INVALID_TOKEN": "Bitrix24 does not accept the webhook: make a new one and put it into webhook_url",
    "USER_ACCESS_ERROR": "the webhook's user may not use the REST API: choose another user for it",
    "INVALID_REQUEST": "Bitrix24 wants https: put the https address into webhook_url",
}
_RIGHTS = {
    "ACCESS_DENIED",
    "ALLOWED_ONLY_INTRANET_USER",
    "ERROR_METHOD_NOT_FOUND",
    "INSUFFICIENT_SCOPE",
    "INVALID_CREDENTIALS",
    "METHOD_CONFIRM_WAITING",
}
"""Errors of a command in a batch by which only the command's method is refused."""
_TRANSIENT = {"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER", "ERROR_CORE", "ERROR_BATCH_LENGTH_EXCEEDED"}


class OperationLimit(TryAgain):
    """Report that a method has used up the computing time; the method may be called again after `after` seconds."""


class RecordMissing(CrmNonsense):
    """Report that the portal denies a record that was asked for by its id."""


class PlanEnded(RightsMissing):
    """Report that the portal's plan offers no REST API: a right is missing for everything."""


@dataclass(frozen=True, slots=True)
class Reply:
    """Hold the portal's answer to a command of a batch."""

    value: Any = None
    total: int | None = None
    next: int | None = None
    error: CrmError | None = None
    known: bool = True
    """False where the portal did not answer the command at all."""


@dataclass(slots=True)
class Refusal:
    """Remember that the portal refused everything, so that no further request is made."""

    error: CrmRefused | None = None


class Bitrix24Api:
    """Send batches to a webhook. Raises the errors that `CrmError` lists; no text holds the webhook's address."""

    def __init__(
        self,
        webhook_url: str,
        plan: str,
        *,
        stats: ReadStats,
        clock: Clock,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        per_second, capacity = PACES[plan]
        parts = [part for part in httpx.URL(webhook_url).path.split("/") if part]
        self.clock = clock
        self.http = Http(
            webhook_url,
            stats=stats,
            pace=BucketPace(per_second, capacity - SPARE, clock),
            judge=self._judge,
            secrets=[webhook_url, webhook_url.rstrip("/"), *parts[-1:], "/".join(parts[-2:])],
            in_flight=IN_FLIGHT,
            follow_moves=True,
            clock=clock,
            transport=transport,
        )
        self._refusal = Refusal()
        self._refusals_in_a_row = 0
        """Requests that came too fast, since the last that did not."""
        self._resets: dict[str, float] = {}
        """By method, when a part of the computing time is given back (seconds since 1970), as last told."""

    def forget_refusal(self) -> None:
        """Allow requests again: an administrator may have acted since."""
        self._refusal = Refusal()

    async def batch(
        self, commands: Mapping[str, str], *, deadline: Deadline, what: str, attempts: int | None = None
    ) -> dict[str, Reply]:
        """Run up to 50 commands, `method?query` by name, in order, and give a reply for each.

        Names must not be numeric: the portal could not tell which command failed. Raises CrmError if the batch as a
        whole failed.
        """
        if self._refusal.error is not None:
            raise self._refusal.error
        try:
            answer = await self.http.call(
                "POST",
                "batch",
                json={"halt": 0, "cmd": dict(commands)},
                deadline=deadline,
                what=what,
                attempts=attempts,
            )
        except CrmRefused as error:
            self._note_refusal(error)
            raise
        return self._replies(commands, answer)

    async def aclose(self) -> None:
        """Close connections."""
        await self.http.aclose()

    def _replies(self, commands: Mapping[str, str], answer: Mapping[str, Any]) -> dict[str, Reply]:
        self._refusals_in_a_row = 0
        told = answer["result"]
        results, errors = _by_name(told.get("result")), _by_name(told.get("result_error"))
        totals, nexts = _by_name(told.get("result_total")), _by_name(told.get("result_next"))
        times = _by_name(told.get("result_time"))
        nameless = told.get("result_error")
        replies = {}
        for name, command in commands.items():
            method = command.partition("?")[0]
            error = errors.get(name)
            if error is None and name not in results and isinstance(nameless, list) and nameless:
                error = nameless[0]
            if error is not None:
                problem = self._problem(error, times.get(name), method=method)
                replies[name] = Reply(error=_named(problem, method, self.http.redact(problem)))
                self._note_refusal(replies[name].error)
            else:
                self._note_reset(method, times.get(name))
                replies[name] = Reply(
                    results.get(name), _whole(totals.get(name)), _whole(nexts.get(name)), known=name in results
                )
        return replies

    def _note_refusal(self, problem: CrmError | None) -> None:
        if isinstance(problem, CrmRefused) and refused(problem):
            self._refusal.error = problem

    def _note_reset(self, method: str, time: Any) -> None:
        if reset := _seconds(time, "operating_reset_at"):
            self._resets[method] = reset

    def _judge(self, answer: Answer) -> None:
        """Raise the error that an answer as a whole means, if any."""
        data, status = answer.data, answer.status
        if isinstance(data, Mapping) and (data.get("error") or ("error" in data and status >= 400)):
            raise self._problem(data, data.get("time"), status=status, retry_after=answer.retry_after)
        if status == 403:
            raise CrmRefused("the portal refuses every request (HTTP 403): look at the webhook, its user and the plan")
        if status in (401, 404):
            raise CrmRefused(f"there is no such webhook (HTTP {status}): check webhook_url")
        if status >= 400:
            raise TryAgain(f"the portal answered HTTP {status}", answer.retry_after)
        if answer.is_json and not (isinstance(data, Mapping) and isinstance(data.get("result"), Mapping)):
            raise TryAgain("the portal's answer is cut")

    def _problem(
        self, said: Any, time: Any, *, status: int = 0, method: str = "", retry_after: float | None = None
    ) -> CrmError:
        """Translate Bitrix24's error code; the description is shown, for it names the right that is missing.

        `method` is the method of a command in a batch; without a method the whole request failed.
        """
        code = str(said.get("error", "") if isinstance(said, Mapping) else said).strip()
        about = str(said.get("error_description", "") if isinstance(said, Mapping) else "")
        text = one_line(": ".join(part for part in (code, about) if part) or f"HTTP {status}", 160)
        kind = (code or about).upper().rstrip(".!").replace(" ", "_")  # some errors have a text and no code
        if kind == "OPERATION_TIME_LIMIT":
            return OperationLimit(f"computing time is used up ({text})", self._until_reset(method or "batch", time))
        if kind == "QUERY_LIMIT_EXCEEDED":
            return TryAgain("too many requests", None if method else retry_after or self._query_pause())
        if kind in _STOP and not (method and kind in _RIGHTS):
            return CrmRefused(_STOP[kind])
        if kind in _TRANSIENT or status >= 500 or status == 429:
            return TryAgain(f"the portal answered {text}", retry_after)
        return _permanent(kind, text, status, in_batch=bool(method))

    def _query_pause(self) -> float:
        """Double the wait after each refusal: another program may use up the portal's limit as well."""
        self._refusals_in_a_row += 1
        return min(LONGEST_QUERY_PAUSE, QUERY_PAUSE * 2.0 ** (self._refusals_in_a_row - 1))

    def _until_reset(self, method: str, time: Any) -> float:
        """Count the seconds until `operating_reset_at`, by the portal's own clock where the answer tells the time.

        A refused call need not tell the reset. Then the reset in the method's last answer is a hint: that answer may
        have been about another minute's share, so the method is tried again before.
        """
        now = _seconds(time, "finish") or self.clock.now().timestamp()
        if told := _seconds(time, "operating_reset_at"):
            return max(1.0, told - now)
        hint = self._resets.get(method, 0.0) - now
        return max(1.0, min(hint, OPERATION_PAUSE)) if hint > 0 else OPERATION_PAUSE


def _permanent(kind: str, text: str, status: int, *, in_batch: bool) -> CrmError:
    """Make the error for a refusal that asking again would not change."""
    if in_batch and kind.endswith("NOT_FOUND") and kind not in _RIGHTS:
        return RecordMissing(f"the portal does not know the record ({text})")
    if kind in _RIGHTS and (in_batch or kind != "ACCESS_DENIED"):
        return RightsMissing(f"the webhook lacks a right or a scope ({text})")
    if kind == "ACCESS_DENIED" and "plan" in text.lower():
        return PlanEnded(f"the portal refuses every request ({text}): look at its plan")
    if status in (401, 403) or kind == "ACCESS_DENIED":
        return CrmRefused(f"the portal refuses every request ({text}): look at the webhook, its user and the plan")
    return CrmNonsense(f"the portal does not understand the request ({text})")


def _named(problem: CrmError, method: str, text: str) -> CrmError:
    """Add the method's name to a problem, without secrets."""
    text = f"{method}: {text}"
    return type(problem)(text, problem.after) if isinstance(problem, TryAgain) else type(problem)(text)


def _by_name(value: Any) -> Mapping[str, Any]:
    """Read a map by command name; PHP sends an empty map as a list."""
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int | None:
    """Read a number of rows; None for none, and for a number that no list can have."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < LONGEST_TOTAL else None


def _seconds(time: Any, key: str) -> float:
    """Read an instant of an answer's `time`, written as seconds since 1970 or as a date; 0 where missing."""
    value = time.get(key) if isinstance(time, Mapping) else None
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return _timestamp(value)


def _timestamp(value: Any) -> float:
    try:
        at = instant(value)
    except CrmNonsense:
        return 0.0
    return at.timestamp() if at is not None else 0.0


def refused(problem: CrmError) -> bool:
    """Tell whether further requests would be useless or harmful."""
    is_partial = isinstance(problem, RightsMissing) and not isinstance(problem, PlanEnded)
    return isinstance(problem, CrmRefused) and not is_partial
