"""Ask Odoo for the rights of the API key, and for what narrows the key's sight."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from crm_clients.errors import CrmNonsense, RightsMissing
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import OwnCompanyRow, UserRow
from crm_clients.odoo.session import ReadSession

ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"
GRANT = 'give the user of the API key the right Sales "User: All Documents" (Settings, Users)'
_WHAT = "the rights of the API key"
_FRESH = timedelta(hours=1)
"""How long what narrows the key's sight is taken as known."""


async def require_rights(lists: ListReader) -> None:
    """Check that the key's user may see all deals. Raises RightsMissing.

    A user with the right "Own Documents" gets a part of everything with HTTP 200 and no warning, so nothing that is
    read afterwards could show the lack.
    """
    ids = [lists.api.uid]
    try:
        may = await lists.call("res.users", "has_group", _WHAT, ids=ids, group_ext_id=ALL_DOCUMENTS)
    except CrmNonsense:  # before 18 the model is asked, not a user
        may = await lists.call("res.users", "has_group", _WHAT, group_ext_id=ALL_DOCUMENTS)
    if may is not True:
        raise RightsMissing(f"the API key's user may not see all deals, so every count would be too small: {GRANT}")


async def require_deals(lists: ListReader, bound: Collection[int]) -> None:
    """Check that the key's user sees the deals that have activities. Raises RightsMissing.

    A deal may be deleted with its activities meanwhile: only an activity that is still there shows a hidden deal.
    """
    if not bound:
        return
    hidden = set(bound).difference(await lists.ids("crm.lead", [["id", "in", sorted(bound)]], _WHAT))
    domain = [["res_model", "=", "crm.lead"], ["res_id", "in", sorted(hidden)]]
    if hidden and await lists.ids("mail.activity", domain, _WHAT):
        raise RightsMissing(f"activities are visible whose deals are not ({len(hidden)}): {GRANT}, and all companies")


class Sight:
    """Remember when the key was last found to see all companies, to ask at most once an hour."""

    def __init__(self) -> None:
        self._seen_at: datetime | None = None

    async def require_all_companies(self, session: ReadSession) -> None:
        """Check that the key's user works in every company of this Odoo. Raises RightsMissing."""
        now = session.now()
        if self._seen_at is None or not timedelta(0) <= now - self._seen_at < _FRESH:
            await require_all_companies(session.lists, await session.accounts())
            self._seen_at = now


async def require_all_companies(lists: ListReader, accounts: Sequence[UserRow]) -> None:
    """Check that the key's user works in every company of this Odoo. Raises RightsMissing.

    Records of a company that the user lacks are left out of every list, with HTTP 200. That there is such a company
    show the companies themselves, where the user may see them, and the companies of active users.
    """
    companies = await lists.rows("res.company", [], OwnCompanyRow, "companies of this Odoo")
    own = next(account for account in accounts if account.id == lists.api.uid)
    names = {company.id: company.name for company in companies}
    for account in accounts:
        if account.active:
            names.setdefault(account.company_id[0], str(account.company_id[1] or ""))
            names.update({company: names.get(company, "") for company in account.company_ids})
    if lacking := sorted(names.keys() - set(own.company_ids)):
        listed = ", ".join(f"{names[company]} ({company})".strip() for company in lacking)
        raise RightsMissing(
            f"the API key's user works in {len(own.company_ids)} of {len(names)} companies, so what belongs to the "
            f"others is hidden: add {listed} to the user's allowed companies (Settings, Users)"
        )
