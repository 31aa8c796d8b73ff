"""Ask CRMs how people there call funnels, stages and fields, seldom, and keep the answers for `/rules`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from crm_clients.base import TellsNames
from crm_clients.errors import CrmError
from reglament.connections import Connections
from reglament.day.time_limit import ended_in_time
from scoring.crm_names import CrmNames

log = structlog.get_logger()

FRESH_SECONDS = 3_600.0
"""Time between two questions to a connection, also after a failure."""
PATIENCE_SECONDS = 5.0
"""Longest wait of a person for the first answer; later answers are not waited for."""
LONGEST_SECONDS = 60.0
"""Time limit of a question."""


@dataclass(slots=True)
class KeptNames:
    """Keep the names of each connection as told last; implements `bot.context.Names`."""

    connections: Connections
    _known: dict[str, CrmNames] = field(default_factory=dict)
    _asked_at: dict[str, float] = field(default_factory=dict)
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def of(self, connection: str) -> CrmNames:
        """Return the names known last, and ask again after an hour; the very first answer is waited for."""
        client = self.connections.client(connection)
        now = time.monotonic()
        if isinstance(client, TellsNames) and now - self._asked_at.get(connection, -FRESH_SECONDS) >= FRESH_SECONDS:
            self._asked_at[connection] = now
            self._running[connection] = asyncio.get_running_loop().create_task(self._ask(connection, client))
        if connection not in self._known and connection in self._running:
            await asyncio.wait([self._running[connection]], timeout=PATIENCE_SECONDS)
        return self._known.get(connection, CrmNames())

    async def _ask(self, connection: str, client: TellsNames) -> None:
        """Ask a client; the names known before stay if the CRM does not answer."""
        try:
            self._known[connection] = await ended_in_time(client.names, LONGEST_SECONDS, f"names of {connection}")
        except CrmError as error:
            log.warning("names_not_read", connection=connection, problem=str(error))
