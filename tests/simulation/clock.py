"""The clocks of a simulated world: the true time, and the clock of the machine that serves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.simulation.troubles import Troubles


@dataclass
class TrueClock:
    """Tell the true time, which moves only when the world moves it."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        """Seconds that no clock setting changes."""
        return self.at.timestamp()

    async def sleep(self, seconds: float) -> None:
        """Let virtual time pass."""
        self.at += timedelta(seconds=max(seconds, 0.0))


@dataclass
class MachineClock:
    """Tell the time as the machine does: it drifts, and somebody sets it wrong for a while."""

    true: TrueClock
    troubles: Troubles
    drift: timedelta
    """How much the clock gains in a day."""
    since: datetime
    number: int = 0
    """Which of the machines: a wrong setting strikes the first."""

    def __call__(self) -> datetime:
        return self.true.at + self.error

    @property
    def error(self) -> timedelta:
        """How far the clock is ahead of the true time."""
        drifted = self.drift * ((self.true.at - self.since) / timedelta(days=1))
        if self.number == 0 and self.troubles.strikes("clock_jump", self.true.at):
            return drifted + self.troubles.at("clock_jump", self.true.at).size
        return drifted
