"""Read the comments of people on deals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from crm_clients.odoo.lists import PAGE
from crm_clients.odoo.rows import CommentRow
from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.users import ODOO_BOT
from crm_clients.odoo.values import Domain, utc
from scoring.records import Comment, Deal, DealState

_WHAT = "comments"
_EMPTIED: Domain = [
    ["attachment_ids", "=", False],
    "|",
    ["body", "in", [False, "", "<p></p>", "<p><br></p>"]],
    ["body", "=like", '<span class="o-mail-Message-edited"%'],
]
"""What is left of a comment that was removed: no text, or the mark "edited" without a text before."""


async def read_comments(session: ReadSession, deals: Sequence[Deal]) -> AsyncIterator[Comment]:
    """Yield the comments on all `deals` that were open at the cutoff.

    Mailings, tracked changes, removed comments and messages of the OdooBot are left out.
    """
    opened = [int(deal.id) for deal in deals if _was_open(deal, session)]
    if not opened:
        return
    robots = {account.partner_id[0] for account in await session.accounts() if account.id == ODOO_BOT}
    for start in range(0, len(opened), PAGE):
        domain: Domain = [
            ["model", "=", "crm.lead"],
            ["res_id", "in", opened[start : start + PAGE]],
            ["message_type", "in", ["comment", "email"]],
        ]
        emptied = set(await session.lists.ids("mail.message", [*domain, *_EMPTIED], _WHAT))
        async for page in session.lists.guarded_pages("mail.message", domain, CommentRow, _WHAT):
            for row in page:
                if row.id not in emptied and (row.author_id is None or row.author_id[0] not in robots):
                    yield Comment(str(row.res_id), utc(row.date))


def _was_open(deal: Deal, session: ReadSession) -> bool:
    late = deal.closed_at is not None and deal.closed_at >= session.cutoff
    return deal.state is DealState.OPEN or late
