"""Judge answers of amoCRM: the meaning of a status, and the form that a body must have."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from crm_clients.errors import CrmNonsense, CrmRefused, RightsMissing
from crm_clients.shared.answers import Answer, Judge, TryAgain
from crm_clients.shared.redaction import one_line

Row = dict[str, Any]
"""Entity, event or user as amoCRM sends JSON."""


class IgnoredFilter(CrmNonsense):
    """Report rows that do not fit the filter: the account ignores filters."""


class UnsortedList(CrmNonsense):
    """Report rows outside of the requested order or span of creation."""


class Unauthorized(CrmRefused):
    """Report HTTP 401: the access token is not valid now."""


class BadRequest(CrmRefused):
    """Report HTTP 400 and similar: amoCRM refuses this request, not the account."""


class MovedAway(CrmRefused):
    """Report HTTP 404: the account does not live at this host (any more)."""


def judge(answer: Answer) -> None:
    """Accept an answer or raise the error that the status means (`docs/crm/README.md`)."""
    status = answer.status
    if status < 300:
        if status != 204 and answer.is_json and not answer.data:
            raise TryAgain("amoCRM answered nothing, which it says with HTTP 204")
        return
    body = answer.data if isinstance(answer.data, dict) else {}
    if status == 429:
        raise TryAgain("amoCRM asks to slow down (HTTP 429)", _seconds(body.get("retry_after"), answer.retry_after))
    if status in (408, 425) or status >= 500:
        raise TryAgain(f"amoCRM answered HTTP {status}", answer.retry_after)
    if status == 401:
        raise Unauthorized("amoCRM does not accept the token (HTTP 401)")
    if status == 402:
        raise CrmRefused("the amoCRM account is not paid for (HTTP 402): pay for it, then reading goes on")
    if status == 403:
        raise CrmRefused(
            "amoCRM refuses all requests (HTTP 403): the account or our address is blocked for too many requests, or "
            "the integration was switched off; nothing more is asked. Look at the integration in amoCRM and ask its "
            "support to lift the block"
        )
    if status == 404:
        raise MovedAway(
            "there is no such amoCRM account or method (HTTP 404): put the account's present address into base_url"
        )
    detail = one_line(body.get("detail") or body.get("title") or "", 120)
    raise BadRequest(f"amoCRM refused the request (HTTP {status}{': ' + detail if detail else ''})")


def judge_users(answer: Answer) -> None:
    """Judge an answer about users: only administrators may see the list, so 403 means missing rights."""
    if answer.status == 403:
        raise RightsMissing(
            "amoCRM refuses the list of users (HTTP 403): only administrators may see it, so make the token as one; "
            "if it was, the account is blocked for too many requests"
        )
    judge(answer)


def judge_fields(answer: Answer) -> None:
    """Judge an answer about custom fields: a refusal concerns the names alone, and no further request."""
    if answer.status == 403:
        raise RightsMissing("amoCRM refuses the list of custom fields (HTTP 403)")
    judge(answer)


def require_form(fits: Callable[[Any], bool], form: str, judge: Judge = judge) -> Judge:
    """Extend a judge: a body that does not fit is requested again."""

    def judge_form(answer: Answer) -> None:
        judge(answer)
        if (answer.is_json or answer.status == 204) and not fits(answer.data):
            raise TryAgain(f"amoCRM answered something that is no {form}")

    return judge_form


def rows_of(data: Any, name: str) -> list[Row] | None:
    """Extract the rows of a list; None if the body is no list of rows with ids.

    An empty list is none either: amoCRM tells an empty list by HTTP 204.
    """
    try:
        rows = data["_embedded"][name]
        fits = isinstance(rows, list) and rows and all(isinstance(row, dict) and _is_key(row["id"]) for row in rows)
        return rows if fits else None
    except (TypeError, KeyError):
        return None


def _is_key(value: object) -> bool:
    return isinstance(value, int | str) and not isinstance(value, bool) and bool(value)


def _seconds(value: object, header: float | None) -> float:
    with suppress(TypeError, ValueError):
        return max(0.0, float(value))  # type: ignore[arg-type]  # a value that is no number is caught
    return header if header is not None else 1.0
