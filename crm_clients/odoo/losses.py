"""Find deals that were lost lately and stand in another sales team now (docs/product.md §19).

Odoo tells of a loss to whoever may read the deal; of which team a deal was before, to administrators alone.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from crm_clients.errors import RightsMissing
from crm_clients.odoo.rows import MessageRow, TeamChangeRow
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, naive, utc

WHAT = "losses of deals"
_CHANGES = "mail.tracking.value"


class LossLog:
    """Know which deals were lost since the window before, and the sales teams that deals had before."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session
        self._lost: set[int] = set()
        self._changes: dict[int, list[tuple[datetime, str]]] = defaultdict(list)
        """By deal: when the team was changed, and the team before; oldest first."""

    async def read(self, subtype: int) -> None:
        """Read the messages of lost deals, of the subtype given, and the changes of team of such deals.

        A key that may not read the changes leaves the teams unknown: then no deal is told as lost elsewhere.
        """
        since = naive(self._session.start)
        lost: Domain = [["model", "=", "crm.lead"], ["subtype_id", "=", subtype], ["date", ">=", since]]
        async for page in self._session.lists.guarded_pages("mail.message", lost, MessageRow, WHAT):
            self._lost.update(row.res_id for row in page)
        if not self._lost:
            return
        try:
            rows = await self._team_changes(since)
        except RightsMissing:
            return
        messages = {row.mail_message_id[0] for row in rows}
        of_message: Domain = [["id", "in", sorted(messages)]]
        deals = {
            row.id: row.res_id
            async for page in self._session.lists.guarded_pages("mail.message", of_message, MessageRow, WHAT)
            for row in page
        }
        for row in sorted(rows, key=lambda row: row.id):
            if row.mail_message_id[0] in deals:
                before = utc(row.create_date), str(row.old_value_integer or "")
                self._changes[deals[row.mail_message_id[0]]].append(before)

    async def _team_changes(self, since: str) -> list[TeamChangeRow]:
        """Read the changes of team of the deals that were lost. Raises RightsMissing."""
        lists = self._session.lists
        known = await lists.fields(_CHANGES, WHAT)
        field = "field_id" if "field_id" in known else "field"  # before 17
        changes: Domain = [
            [f"{field}.model", "=", "crm.lead"],
            [f"{field}.name", "=", "team_id"],
            ["mail_message_id.model", "=", "crm.lead"],
            ["mail_message_id.res_id", "in", sorted(self._lost)],
            ["create_date", ">=", since],
        ]
        return await lists.rows(_CHANGES, changes, TeamChangeRow, WHAT)

    def was_lost_and_moved(self, deal: int) -> bool:
        """Tell whether a deal was lost lately, and the team was changed since the window before."""
        return deal in self._changes

    def team_at(self, deal: int, at: datetime, now: str) -> str:
        """Tell the team that a deal had at an instant, from the team `now` and the changes since."""
        return next((before for changed, before in self._changes.get(deal, ()) if changed > at), now)
