"""Tell whether the service lives, for `reglament health` and the health check of the image."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from reglament.config.settings import Settings
from reglament.process import clock_now
from storage.days import heartbeats
from storage.db.database import Database
from storage.messages import deliveries
from storage.values import DeliveryState

STALE = timedelta(seconds=90)
"""Age of a heartbeat from which a loop counts as dead; loops beat every few seconds, also during a run."""
STUCK = timedelta(minutes=30)
"""Age of the oldest waiting message from which sending counts as stuck."""


@dataclass(frozen=True, slots=True)
class Health:
    """Hold the verdict and a line with the reason."""

    healthy: bool
    text: str


async def health(settings: Settings) -> Health:
    """Read heartbeats and the oldest unsent message. Raises StorageError if the database cannot be read."""
    now = clock_now()
    async with await Database.open(settings.database.url) as database, database.reading() as session:
        beats = await heartbeats.all_beats(session)
        counts = await deliveries.count_by_state(session)
        oldest = await deliveries.oldest_pending(session, at=now)
    alive = {name: at for name, at in beats.items() if now - at <= STALE}
    if not alive:
        last = max(beats.values(), default=None)
        since = "never" if last is None else f"last at {last:%Y-%m-%d %H:%M:%S} UTC"
        return Health(False, f"the service does not run ({since}): start `reglament run`")
    pending = counts.get(DeliveryState.PENDING, 0)
    if oldest is not None and now - oldest > STUCK:
        return Health(False, f"{pending} messages wait, the oldest since {oldest:%Y-%m-%d %H:%M} UTC: see the log")
    return Health(True, f"alive: {', '.join(sorted(alive))}; {pending} messages wait")
