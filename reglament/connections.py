"""CRM clients, opened when first needed and closed together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crm_clients import CRM_KINDS
from crm_clients.base import ClientMemory, CrmClient, CrmConfig


class Connections:
    """The clients of all `[crm.…]` tables.

    `memory` gives a client's memory by connection key. `options` are extra arguments by kind (the demo's clock).
    """

    def __init__(
        self,
        configs: Mapping[str, CrmConfig],
        memory: Callable[[str], ClientMemory],
        options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self._configs = configs
        self._memory = memory
        self._options = options or {}
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

    async def aclose(self) -> None:
        """Close every client that was opened."""
        while self._open:
            _, client = self._open.popitem()
            await client.aclose()
