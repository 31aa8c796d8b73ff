"""A watch for tests of pacing."""

from __future__ import annotations


class Stopwatch:
    """Moves when somebody sleeps."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
