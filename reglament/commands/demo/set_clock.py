"""Tell the time as the demo and tests set it."""

from __future__ import annotations

from datetime import datetime, timedelta

from reglament.process import ProcessClock, clock_now


class SetClock(ProcessClock):
    """Tell an instant that stays the same until set anew."""

    def __init__(self, at: datetime) -> None:
        super().__init__(at)
        self.at = at

    @property
    def shift(self) -> timedelta:
        """Return the distance of the set instant from the clock."""
        return self.at - clock_now()

    def __call__(self) -> datetime:
        """Return the set instant."""
        return self.at
