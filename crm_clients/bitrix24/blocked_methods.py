"""Remember which of Bitrix24's methods have used up the computing time."""

from __future__ import annotations

from collections.abc import Iterable

from crm_clients.bitrix24.api import OperationLimit, Reply
from crm_clients.shared.pacing import Clock


class BlockedMethods:
    """Hold until when each method may not be called."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}
        """By method, monotonic seconds."""

    def note(self, method: str, replies: Iterable[Reply]) -> None:
        """Learn from the replies to a method's commands."""
        for reply in replies:
            if isinstance(reply.error, OperationLimit):
                end = self._clock.monotonic() + (reply.error.after or 0)
                self._until[method] = max(end, self._until.get(method, end))

    def wait(self, method: str) -> float:
        """Give the seconds until a method may be called; 0 for now."""
        return max(0.0, self._until.get(method, 0.0) - self._clock.monotonic())
