"""Describe a CRM's answers, and judge the statuses of HTTP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crm_clients.errors import CrmRefused, CrmUnavailable


class TryAgain(CrmUnavailable):
    """Report a request that may be repeated; after the last attempt CrmUnavailable stands."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after
        """Seconds the CRM asked to wait, all requests alike; None: back off as usual."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Hold a CRM's answer to one request."""

    status: int
    headers: Mapping[str, str]
    data: Any = None
    """The parsed JSON, numbers with a fraction as Decimal; None for an empty body and for a body that is not JSON."""
    is_json: bool = False
    retry_after: float | None = None
    """Seconds from the Retry-After header."""


Judge = Callable[[Answer], None]
"""Accepts an answer by returning, else raises TryAgain, CrmRefused, RightsMissing, CrmNonsense."""


def standard_judge(answer: Answer) -> None:
    """Judge an answer by the status alone, for clients that know no better."""
    if answer.status < 300:
        return
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise TryAgain(f"the CRM answered HTTP {answer.status}", answer.retry_after)
    if answer.status == 401:
        raise CrmRefused("the CRM does not accept the key (HTTP 401): put a valid one into the settings")
    raise CrmRefused(f"the CRM refused the request (HTTP {answer.status})")
