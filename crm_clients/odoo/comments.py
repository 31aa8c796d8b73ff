"""Read the comments of people on deals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crm_clients.odoo.lists import PAGE
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.users import ODOO_BOT
from crm_clients.odoo.values import Domain, instant, reference
from scoring.records import Comment, Deal, DealState


async def read_comments(session: ReadSession, deals: Sequence[Deal]) -> AsyncIterator[Comment]:
    """Yield the comments on all `deals` that were open at the cutoff.

    Mailings, tracked changes and messages of the OdooBot are left out.
    """
    opened = [int(deal.id) for deal in deals if _was_open(deal, session)]
    if not opened:
        return
    robots = {reference(row["partner_id"]) for row in await session.accounts() if row["id"] == ODOO_BOT}
    for start in range(0, len(opened), PAGE):
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", opened[start : start + PAGE]],
            ["message_type", "in", ["comment", "email"]],
        ]
        fields = ("res_id", "date", "author_id")
        async for page in session.lists.guarded_pages("mail.message", domain, fields, "comments"):
            for row in page:
                if reference(row["author_id"]) not in robots:
                    yield Comment(str(row["res_id"]), instant(row["date"]))


def _was_open(deal: Deal, session: ReadSession) -> bool:
    late = deal.closed_at is not None and deal.closed_at >= session.cutoff
    return deal.state is DealState.OPEN or late
