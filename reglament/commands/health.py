"""Tell whether the service lives and works, for `reglament health` and the health check of the image."""

from __future__ import annotations

from dataclasses import dataclass

from reglament.config.settings import Settings
from reglament.day.troubles import SILENT, find_troubles
from reglament.process import clock_now
from storage.days import heartbeats
from storage.db.database import Database
from storage.messages import deliveries
from storage.values import DeliveryState


@dataclass(frozen=True, slots=True)
class Health:
    """Hold the verdict and the lines with the reasons."""

    healthy: bool
    text: str


async def health(settings: Settings) -> Health:
    """Read heartbeats, runs and unsent messages. Raises StorageError if the database cannot be read."""
    now = clock_now()
    async with await Database.open(settings.database.url) as database, database.reading() as session:
        beats = await heartbeats.all_beats(session)
        loops = heartbeats.of_loops(beats)
        alive = sorted(name for name, at in loops.items() if now - at <= SILENT)
        if not loops:
            return Health(False, "the service is stopped, or never ran: start `reglament run`")
        if not alive:
            last = max(loops.values())
            return Health(False, f"the service is dead, last alive at {last:%Y-%m-%d %H:%M:%S} UTC: start it again")
        troubles = await find_troubles(session, settings, beats, now)
        waiting = (await deliveries.count_by_state(session)).get(DeliveryState.PENDING, 0)
    if troubles:
        return Health(False, "\n".join(trouble.line for trouble in troubles))
    return Health(True, f"alive: {', '.join(alive)}; {waiting} messages wait")
