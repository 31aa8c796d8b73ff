"""CRM clients, opened when first needed and closed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from crm_clients import CRM_KINDS
from crm_clients.base import ClientMemory, CrmClient, CrmConfig


class Connections:
    """The clients of all `[crm.…]` tables.

    `memory` gives a client's memory by connection key. `options` are extra arguments by kind (the demo's clock).
    `shift` is how far the instant taken for now is from the clock.
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
        self._open: dict[str, CrmClient] = {}

    def client(self, connection: str) -> CrmClient:
        """The client of a connection."""
        if connection not in self._open:
            config = self._configs[connection]
            self._open[connection] = CRM_KINDS[config.kind].open(
                config, self._memory(connection), **self._options.get(config.kind, {})
            )
        return self._open[connection]

    def timeout(self, connection: str) -> float:
        """Seconds that a whole read of the connection may take."""
        return self._configs[connection].read_timeout_seconds

    def shift(self, connection: str) -> timedelta:
        """What to add to a client's instants; nothing for one that was given our clock."""
        own_clock = "now" in self._options.get(self._configs[connection].kind, {})
        return timedelta(0) if own_clock else self._shift

    async def aclose(self) -> None:
        """Close every client that was opened."""
        while self._open:
            _, client = self._open.popitem()
            await client.aclose()
