"""Tell when the next request may go out: clocks, deadlines and the rhythms that CRMs allow."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from crm_clients.errors import DeadlineExceeded


class Clock:
    """Gather wall clock, monotonic clock and sleep, so that tests need no real time."""

    def now(self) -> datetime:
        """Tell the present instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Count seconds from some point, without jumps."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds."""
        await asyncio.sleep(seconds)


class Deadline:
    """Mark the end of a whole read; every request asks how much time is left."""

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._seconds = seconds
        self._end = self._clock.monotonic() + seconds

    def remaining(self, what: str) -> float:
        """Count the seconds left, more than 0. Raises DeadlineExceeded, with `what` as the name of the reading."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise self.exceeded(what)
        return left

    def allows(self, seconds: float) -> bool:
        """Tell whether work of so many seconds would end in time."""
        return self._clock.monotonic() + seconds < self._end

    def exceeded(self, what: str) -> DeadlineExceeded:
        """Make the error for a deadline that has passed."""
        return DeadlineExceeded(
            f"reading {what} did not end within {self._seconds:g} s; "
            "if the CRM is merely slow, raise read_timeout_seconds of its connection"
        )


class Pace(Protocol):
    """Set the rhythm of requests, shared by all requests in flight."""

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn and return the seconds waited. Raises DeadlineExceeded at once if too late."""

    def push_back(self, seconds: float) -> None:
        """Give no turn for so many seconds, to no request: the CRM asked for a pause."""


class _Slots:
    """Hand out turns; a turn is drawn again if the CRM pushed back meanwhile."""

    def __init__(self, per_second: float, clock: Clock | None) -> None:
        if per_second <= 0:
            raise ValueError("requests per second must be more than 0")
        self._interval = 1 / per_second
        self._clock = clock or Clock()
        self._blocked_until = float("-inf")

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn."""
        begun = self._clock.monotonic()
        slot = self._reserve(begun)
        while (now := self._clock.monotonic()) < slot:
            if not deadline.allows(slot - now):
                raise deadline.exceeded(what)
            await self._clock.sleep(slot - now)
            if slot < self._blocked_until:
                slot = self._reserve(self._clock.monotonic())
        return now - begun

    def push_back(self, seconds: float) -> None:
        """Give no turn for so many seconds."""
        self._blocked_until = max(self._blocked_until, self._clock.monotonic() + seconds)
        self._after_block(self._blocked_until)

    def _reserve(self, now: float) -> float:
        raise NotImplementedError

    def _after_block(self, end: float) -> None:
        raise NotImplementedError


class EvenPace(_Slots):
    """Space turns evenly, however many requests ask at once."""

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        super().__init__(per_second, clock)
        self._next = float("-inf")

    def _reserve(self, now: float) -> float:
        slot = max(now, self._next)
        self._next = slot + self._interval
        return slot

    def _after_block(self, end: float) -> None:
        self._next = max(self._next, end)


class BucketPace(_Slots):
    """Pace by a leaky bucket: a burst up to `capacity`, then `per_second`; never more than both in any span."""

    def __init__(self, per_second: float, capacity: int, clock: Clock | None = None) -> None:
        super().__init__(per_second, clock)
        if capacity < 1:
            raise ValueError("a bucket holds at least one request")
        self._burst = (capacity - 1) * self._interval
        self._empty_at = float("-inf")  # when the bucket will have leaked dry

    def _reserve(self, now: float) -> float:
        slot = max(now, self._empty_at - self._burst)
        self._empty_at = max(self._empty_at, slot) + self._interval
        return slot

    def _after_block(self, end: float) -> None:
        """Go on without a burst: the CRM's bucket is fuller than ours, as another program uses the account too."""
        self._empty_at = max(self._empty_at, end + self._burst)
