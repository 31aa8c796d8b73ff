"""Read Odoo's accounts."""

from __future__ import annotations

from crm_clients.base import CrmUser
from crm_clients.errors import CrmNonsense
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import TeamRow, UserRow
from crm_clients.shared.cleaning import clean_name

ODOO_BOT = 1
"""The id of the user as which Odoo acts."""
_WHAT = "users"


async def read_accounts(lists: ListReader) -> list[UserRow]:
    """Read the rows of all internal users, archived users included.

    Raises CrmNonsense if the key's own user is missing: such a list is a part of the whole, or none at all.
    """
    accounts = await lists.rows("res.users", [["share", "=", False]], UserRow, _WHAT)
    if lists.api.uid not in {account.id for account in accounts}:
        raise CrmNonsense(f"{_WHAT}: the list lacks the API key's own user ({lists.api.uid})")
    return accounts


async def read_users(lists: ListReader) -> list[CrmUser]:
    """Read all internal users; the departments of a user are the sales teams the user belongs to."""
    teams: dict[int, set[str]] = {}
    for team in await lists.rows("crm.team", [], TeamRow, "sales teams"):
        for user in team.member_ids:
            teams.setdefault(user, set()).add(str(team.id))
    return [
        CrmUser(
            str(account.id),
            clean_name(account.name),
            account.active,
            frozenset(teams.get(account.id, ())),
            human=account.id != ODOO_BOT,
        )
        for account in await read_accounts(lists)
    ]
