"""Open CRM clients when first needed and close all clients together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from crm_clients import CRM_KINDS
from crm_clients.base import ClientMemory, CrmClient, CrmConfig
from scoring.rules import CrmCounting


class Connections:
    """Hold the clients of all `[crm.…]` tables.

    `memory` returns a client's memory by connection key. `options` are extra arguments by kind (the demo's clock).
    `shift` is the distance of the instant taken for now from the clock.
    """

    def __init__(
        self,
        configs: Mapping[str, CrmConfig],
        memory: Callable[[str], ClientMemory],
        options: Mapping[str, Mapping[str, Any]] | None = None,
        shift: timedelta = timedelta(0),
    ) -> None:
        self._configs = configs
        self._memory = memory
        self._options = options or {}
        self._shift = shift
        self._open: dict[tuple[str, CrmCounting], CrmClient] = {}

    def client(self, connection: str) -> CrmClient:
        """Return the client of a connection, opened at the first call."""
        return self._client(connection, self._configs[connection])

    def client_for(self, connection: str, counting: CrmCounting | None) -> CrmClient:
        """Return the client that counts as a day's rulebook says; None: as the settings say now."""
        config = self._configs[connection]
        return self._client(connection, config if counting is None else config.counting_as(counting))

    def _client(self, connection: str, config: CrmConfig) -> CrmClient:
        key = (connection, config.counting)
        if key not in self._open:
            self._open[key] = CRM_KINDS[config.kind].open(
                config, self._memory(connection), **self._options.get(config.kind, {})
            )
        return self._open[key]

    def timeout(self, connection: str) -> float:
        """Return the time limit for a whole read of the connection, in seconds."""
        return self._configs[connection].read_timeout_seconds

    def shift(self, connection: str) -> timedelta:
        """Return the shift to add to a client's instants: zero for a client that works by the given clock."""
        own_clock = "now" in self._options.get(self._configs[connection].kind, {})
        return timedelta(0) if own_clock else self._shift

    async def aclose(self) -> None:
        """Close every open client."""
        while self._open:
            _, client = self._open.popitem()
            await client.aclose()
