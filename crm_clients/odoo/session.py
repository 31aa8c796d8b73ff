"""Hold the parts that a read of an Odoo database shares."""

from __future__ import annotations

from datetime import datetime

from crm_clients.base import ReadRequest
from crm_clients.odoo.api import OdooApi
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.users import read_accounts
from crm_clients.odoo.values import Row
from crm_clients.shared.pacing import Clock, Deadline


class ReadSession:
    """Hold the request, the settings, the lists and the accounts of a read."""

    def __init__(self, api: OdooApi, config: OdooConfig, request: ReadRequest, clock: Clock) -> None:
        self.api, self.config, self.request = api, config, request
        self.deadline = Deadline(config.read_timeout_seconds, clock)
        self.lists = ListReader(api, self.deadline)
        self.start, self.cutoff = request.window.start, request.window.cutoff
        self._clock = clock
        self._accounts: list[Row] = []

    def now(self) -> datetime:
        """Tell the present instant."""
        return self._clock.now()

    async def accounts(self) -> list[Row]:
        """Read all accounts, on the first call only."""
        if not self._accounts:
            self._accounts = await read_accounts(self.lists)
        return self._accounts
