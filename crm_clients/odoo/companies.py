"""Read the companies that were added in the window."""

from __future__ import annotations

from collections.abc import AsyncIterator

from crm_clients.odoo.session import ReadSession
from crm_clients.odoo.values import Domain, instant, many2one_id, naive
from scoring.records import Company


async def read_companies(session: ReadSession) -> AsyncIterator[Company]:
    """Yield new companies, credited to creator or salesperson as `companies_credit` says."""
    credit = "create_uid" if session.config.companies_credit == "creator" else "user_id"
    domain: Domain = [
        ["is_company", "=", True],
        ["create_date", ">=", naive(session.start)],
        ["create_date", "<", naive(session.cutoff, up=True)],
    ]
    async for page in session.lists.pages("res.partner", domain, ("name", "create_date", credit), "companies"):
        for row in page:
            created = instant(row["create_date"])
            if created is not None:
                yield Company(str(row["id"]), str(row["name"] or ""), many2one_id(row[credit]), created)
