"""Ask Odoo for the rights of the API key."""

from __future__ import annotations

from crm_clients.errors import CrmNonsense, RightsMissing
from crm_clients.odoo.lists import ListReader

ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"
GRANT = 'give the user of the API key the right Sales "User: All Documents" (Settings, Users)'
_WHAT = "the rights of the API key"


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
