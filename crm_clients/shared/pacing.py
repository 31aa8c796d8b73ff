"""When the next request may go out: clocks, deadlines and the rhythms that CRMs allow."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

from crm_clients.errors import DeadlineExceeded


class Clock:
    """Wall clock, monotonic clock and sleep in one place, so that tests need no real time."""

    def now(self) -> datetime:
        """The present instant, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds from some point; never jumps."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class Deadline:
    """The end of a whole read; every request of it asks how much time is left."""

    def __init__(self, seconds: float, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._seconds = seconds
        self._end = self._clock.monotonic() + seconds

    def remaining(self, what: str) -> float:
        """Seconds left, more than 0. Raises DeadlineExceeded, which names `what` was being read."""
        left = self._end - self._clock.monotonic()
        if left <= 0:
            raise self.exceeded(what)
        return left

    def allows(self, seconds: float) -> bool:
        """Whether something that takes `seconds` would end in time."""
        return self._clock.monotonic() + seconds < self._end

    def exceeded(self, what: str) -> DeadlineExceeded:
        """The error that says so."""
        return DeadlineExceeded(
            f"reading {what} did not end within {self._seconds:g} s; "
            "if the CRM is merely slow, raise read_timeout_seconds of its connection"
        )


class Pace(Protocol):
    """A rhythm of requests, shared by all that are in flight."""

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn; the seconds waited. Raises DeadlineExceeded at once if it comes too late."""

    def push_back(self, seconds: float) -> None:
        """No turn for this long, whoever is waiting: the CRM asked for it."""


class _Slots:
    """Hands out instants; a turn is kept again if the CRM pushed back meanwhile."""

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
        """No turn for this long."""
        self._blocked_until = max(self._blocked_until, self._clock.monotonic() + seconds)
        self._after_block(self._blocked_until)

    def _reserve(self, now: float) -> float:
        raise NotImplementedError

    def _after_block(self, end: float) -> None:
        raise NotImplementedError


class EvenPace(_Slots):
    """Turns evenly spaced, however many ask at once."""

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
    """A leaky bucket: a burst up to `capacity`, then `per_second`; in any span never more than both together."""

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
        """Go on without a burst: the CRM's bucket is fuller than ours, somebody else uses it too."""
        self._empty_at = max(self._empty_at, end + self._burst)
