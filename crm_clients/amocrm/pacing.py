"""How fast amoCRM may be asked, measured where its own measure is: on the wire."""

from __future__ import annotations

import math
from collections import deque

from crm_clients.errors import CrmError
from crm_clients.shared.http import Clock, Deadline, EvenPace

BACKLOG = 8
"""Requests in flight at most, when the answers come slower than the limit lets us ask."""
SECOND, LONGEST_SECOND = 1.05, 1.4
"""A second of the limit, as it may look from the other end of the line: longer if requests bunch up on their way."""
STRETCH, RECOVERY = 1.1, 0.0004
"""What a refusal makes of that second, and how much of it every further request takes back."""


class MeasuredPace(EvenPace):
    """Knows whether requests queue for the limit, or the limit waits for requests; and keeps the limit on the wire.

    amoCRM counts within sliding seconds, and refuses for good whoever goes over the limit too often. A request that
    goes out late (the machine was busy, or the connection had to be made) must not crowd those that follow.
    """

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        super().__init__(per_second, clock)
        self.refusal: CrmError | None = None
        """Set when the account refuses us: whoever waits for a turn gets none."""
        self._idle = 0.0
        self._second = SECOND
        self._sent: deque[float] = deque(maxlen=math.ceil(per_second))

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn."""
        waited = await super().turn(deadline, what)
        self.ensure_welcome()
        self._idle += ((waited < self._interval / 10) - self._idle) / 5
        return waited

    def push_back(self, seconds: float) -> None:
        """No turn for this long; and fewer afterwards, for refusals that go on end in a block."""
        super().push_back(seconds)
        self._second = min(LONGEST_SECOND, self._second * STRETCH)

    async def before_wire(self) -> None:
        """Wait until a further request keeps the limit within any second."""
        while (crowded := self._crowded()) > 0:
            self._idle = 0.0
            await self._clock.sleep(crowded)
        self.ensure_welcome()
        self._second = max(SECOND, self._second - RECOVERY)
        self._sent.append(self._clock.monotonic())

    def _crowded(self) -> float:
        full = len(self._sent) == self._sent.maxlen
        return self._sent[0] + self._second - self._clock.monotonic() if full else 0.0

    def ensure_welcome(self) -> None:
        """Raise the refusal again, if there was one."""
        if self.refusal is not None:
            raise type(self.refusal)(str(self.refusal))

    @property
    def has_room(self) -> bool:
        """Whether more requests in flight would be answered sooner."""
        return self._idle > 0.5
