"""Judge whether the service lives and works, and keep the verdict in the state file that `reglament health` reads."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog

from reglament.config.settings import Settings
from reglament.day.troubles import SILENT, find_troubles
from reglament.service import state_file
from storage.days import heartbeats
from storage.db.database import Session
from storage.messages import deliveries
from storage.values import DeliveryState
from storage.whole_files import write_whole

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Health:
    """Hold the verdict and the lines with the reasons."""

    healthy: bool
    text: str


async def judge(session: Session, settings: Settings, now: datetime) -> Health:
    """Judge the service by heartbeats, runs and unsent messages. Raises StorageError."""
    beats = await heartbeats.all_beats(session)
    loops = heartbeats.of_loops(beats)
    if not loops:
        return Health(False, "the service is stopped, or never ran: start `reglament run`")
    alive = sorted(name for name, at in loops.items() if now - at <= SILENT)
    if not alive:
        last = max(loops.values())
        return Health(False, f"the service is dead, last alive at {last:%Y-%m-%d %H:%M:%S} UTC: start it again")
    troubles = await find_troubles(session, settings, beats, now)
    if troubles:
        return Health(False, "\n".join(trouble.line for trouble in troubles))
    waiting = (await deliveries.count_by_state(session)).get(DeliveryState.PENDING, 0)
    return Health(True, f"alive: {', '.join(alive)}; {waiting} messages wait")


class StateFile:
    """Keep the last verdict of the running service in the state file; without the file `health` asks the database."""

    def __init__(self, settings: Settings) -> None:
        """Prepare the file that belongs to the settings as loaded; the verdict of a service before is removed."""
        self._path: Path | None = None
        self._heading: list[str] = []
        if not settings.sources:
            return
        config = str(settings.sources[0])
        path = Path(state_file.path_of(config))
        try:
            path.parent.mkdir(mode=state_file.PRIVATE_FOLDER, exist_ok=True)
            if not state_file.is_folder_private():
                raise PermissionError(f"{path.parent} belongs to others too")
            path.unlink(missing_ok=True)
            self._heading = state_file.heading(config)
        except OSError as error:
            log.warning("state_not_kept", problem=str(error), hint="`reglament health` asks the database")
        else:
            self._path = path

    async def write(self, health: Health, at: datetime) -> None:
        """Write the verdict of an instant. Raises OSError."""
        if self._path is None:
            return
        lines = [*self._heading, str(at.timestamp()), "0" if health.healthy else "1", health.text]
        await asyncio.to_thread(write_whole, self._path, "\n".join(lines).encode())

    def remove(self) -> None:
        """Remove the file: the database tells how the service ended."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
