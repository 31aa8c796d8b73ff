"""Pace requests to amoCRM where amoCRM measures: on the wire."""

from __future__ import annotations

import math
from collections import deque

from crm_clients.errors import CrmError
from crm_clients.shared.pacing import Clock, Deadline, EvenPace

IN_FLIGHT = 8
"""Requests in flight at most."""
SECOND, LONGEST_SECOND = 1.05, 1.4
"""Length of the limit's second as amoCRM may measure: longer than ours if requests bunch up on the way."""
STRETCH, RECOVERY = 1.1, 0.0004
"""Factor by which a refusal lengthens that second, and seconds that each further request takes back."""


class MeasuredPace(EvenPace):
    """Keep the account's limit within every second on the wire.

    amoCRM counts within sliding seconds, and blocks an account that exceeds the limit too often. A request that goes
    out late (a busy machine, a new connection) must not crowd the requests after it.
    """

    def __init__(self, per_second: float, clock: Clock | None = None) -> None:
        super().__init__(per_second, clock)
        self.refusal: CrmError | None = None
        """Refusal of the account; while set, no request gets a turn."""
        self._second = SECOND
        self._sent: deque[float] = deque(maxlen=math.ceil(per_second))

    async def turn(self, deadline: Deadline, what: str) -> float:
        """Wait for the next turn and return the seconds waited. Raises the refusal, or DeadlineExceeded."""
        waited = await super().turn(deadline, what)
        self.ensure_welcome()
        return waited

    def push_back(self, seconds: float) -> None:
        """Give no turn for `seconds`, and fewer afterwards: refusals that go on end in a block."""
        super().push_back(seconds)
        self._second = min(LONGEST_SECOND, self._second * STRETCH)

    async def before_wire(self) -> None:
        """Wait until a further request keeps the limit within any second."""
        while (crowded := self._crowded()) > 0:
            await self._clock.sleep(crowded)
        self.ensure_welcome()
        self._second = max(SECOND, self._second - RECOVERY)
        self._sent.append(self._clock.monotonic())

    def ensure_welcome(self) -> None:
        """Raise the account's refusal again, if any."""
        if self.refusal is not None:
            raise type(self.refusal)(str(self.refusal))

    def _crowded(self) -> float:
        """Return the seconds until the limit allows a further request."""
        is_full = len(self._sent) == self._sent.maxlen
        return self._sent[0] + self._second - self._clock.monotonic() if is_full else 0.0
