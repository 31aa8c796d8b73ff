"""Hold the parts that a read of an Odoo database shares."""

from __future__ import annotations

from datetime import datetime, timedelta

from crm_clients.base import ReadRequest
from crm_clients.odoo.api import OdooApi
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import UserRow
from crm_clients.odoo.users import read_accounts
from crm_clients.odoo.values import Row, utc
from crm_clients.shared.pacing import Clock, Deadline
from crm_clients.shared.rows import is_past, malformed


class ReadSession:
    """Hold the request, the settings, the lists and the accounts of a read."""

    def __init__(self, api: OdooApi, config: OdooConfig, request: ReadRequest, clock: Clock) -> None:
        self.api, self.config, self.request = api, config, request
        self.deadline = Deadline(config.read_timeout_seconds, clock)
        self.lists = ListReader(api, self.deadline)
        self.cutoff = request.window.cutoff
        self.start = request.since
        self.bound_deals: set[int] = set()
        """Deals that the activities read so far belong to: each of the deals must be visible too."""
        self._first = self.start.replace(microsecond=0)
        self._end = self.cutoff.replace(microsecond=0) + timedelta(seconds=1)
        self._clock = clock
        self._accounts: list[UserRow] = []

    def now(self) -> datetime:
        """Tell the present instant."""
        return self._clock.now()

    def past(self, at: datetime, row: Row, what: str) -> datetime:
        """Make an instant of the past aware. Raises MalformedRow if the instant lies in the future."""
        instant = utc(at)
        if not is_past(instant, self.now()):
            raise malformed(row, what, "an instant of the past lies in the future")
        return instant

    def covers(self, at: datetime) -> bool:
        """Tell whether an instant lies where events are asked for: Odoo filters by whole seconds."""
        return self._first <= at < self._end

    async def accounts(self) -> list[UserRow]:
        """Read all accounts, on the first call only."""
        if not self._accounts:
            self._accounts = await read_accounts(self.lists)
        return self._accounts

    async def users_by_contact(self) -> dict[int, str]:
        """Read the users by the contact that messages name as their author."""
        return {account.partner_id[0]: str(account.id) for account in await self.accounts()}
