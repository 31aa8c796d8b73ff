"""Say how long to wait before the next attempt of a request."""

from __future__ import annotations

import random
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crm_clients.shared.answers import TryAgain
from crm_clients.shared.pacing import Deadline, Pace

FIRST_BACKOFF, LONGEST_BACKOFF = 0.5, 30.0
"""Ceilings of the first and of later waits, in seconds; the ceiling doubles with each attempt."""


class Backoff:
    """Answer stamina's question whether to try again: seconds to wait, or False.

    The CRM's own wish holds for all requests; without a wish the wait is exponential with full jitter.
    """

    def __init__(self, deadline: Deadline, pace: Pace) -> None:
        self._deadline, self._pace = deadline, pace
        self._ceiling = FIRST_BACKOFF
        self.slept = 0.0
        """Seconds of the last wait."""

    def __call__(self, error: Exception) -> bool | float:
        """Choose the wait after `error`; False ends the attempts."""
        if not isinstance(error, TryAgain):
            return False
        self.slept = random.uniform(0, self._ceiling)  # noqa: S311  # spreads retries, guards nothing
        self._ceiling = min(LONGEST_BACKOFF, self._ceiling * 2)
        if error.after is not None:
            self._pace.push_back(error.after)  # every request waits, at the pace's turn
            self.slept = 0.0
        return self.slept if self._deadline.allows(error.after or self.slept) else False


def retry_after(header: str, now: datetime) -> float | None:
    """Parse a Retry-After header, in seconds or as a date, to seconds; None without a usable value."""
    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    with suppress(ValueError, TypeError):
        then = parsedate_to_datetime(header)
        return max(0.0, (then if then.tzinfo else then.replace(tzinfo=UTC)).timestamp() - now.timestamp())
    return None
