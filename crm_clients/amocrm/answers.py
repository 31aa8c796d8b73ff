"""What amoCRM's answers mean: statuses, and whether a body has the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from crm_clients.amocrm.auth import MovedAway
from crm_clients.errors import CrmNonsense, CrmRefused, RightsMissing
from crm_clients.shared.http import Answer, Judge, TryAgain, one_line

Row = dict[str, Any]


class IgnoredFilter(CrmNonsense):
    """The rows do not fit the filter: the account ignores filters."""


class UnsortedList(CrmNonsense):
    """The rows are not in the order or the span of creation that was asked for."""


class Unauthorized(CrmRefused):
    """HTTP 401: the access token is not valid now."""


class BadRequest(CrmRefused):
    """HTTP 400 and its like: this request is refused, others may be answered."""


def judge(answer: Answer) -> None:
    """What amoCRM's statuses mean."""
    status = answer.status
    if status < 300:
        if status != 204 and answer.is_json and not answer.data:
            raise TryAgain("amoCRM answered nothing, which it says with HTTP 204")
        return
    said = answer.data if isinstance(answer.data, dict) else {}
    if status == 429:
        raise TryAgain("amoCRM asks to slow down (HTTP 429)", _seconds(said.get("retry_after"), answer.retry_after))
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
    detail = one_line(said.get("detail") or said.get("title") or "", 120)
    raise BadRequest(f"amoCRM refused the request (HTTP {status}{': ' + detail if detail else ''})")


def judge_users(answer: Answer) -> None:
    """The list of users is for administrators: 403 means that the token's owner is none."""
    if answer.status == 403:
        raise RightsMissing(
            "amoCRM refuses the list of users (HTTP 403): only administrators may see it, so make the token as one; "
            "if it was, the account is blocked for too many requests"
        )
    judge(answer)


def of_form(fits: Callable[[Any], bool], form: str, judge: Judge = judge) -> Judge:
    """A judge that has whatever is of another form asked for again."""

    def judge_form(answer: Answer) -> None:
        judge(answer)
        if (answer.is_json or answer.status == 204) and not fits(answer.data):
            raise TryAgain(f"amoCRM answered something that is no {form}")

    return judge_form


def rows_of(data: Any, name: str) -> list[Row] | None:
    """The rows of a list; None if it is none."""
    try:
        rows = data["_embedded"][name]
        return rows if isinstance(rows, list) and all(isinstance(row, dict) and row["id"] for row in rows) else None
    except (TypeError, KeyError):
        return None


def _seconds(said: object, header: float | None) -> float:
    with suppress(TypeError, ValueError):
        return max(0.0, float(said))  # type: ignore[arg-type]  # whatever is no number is caught
    return header if header is not None else 1.0
