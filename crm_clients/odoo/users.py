"""Read Odoo's accounts."""

from __future__ import annotations

from crm_clients.base import CrmUser
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.values import Row

ODOO_BOT = 1
"""The id of the user as which Odoo acts."""


async def read_accounts(lists: ListReader) -> list[Row]:
    """Read the rows of all internal users, archived users included."""
    return await lists.rows("res.users", [["share", "=", False]], ("name", "login", "active", "partner_id"), "users")


async def read_users(lists: ListReader) -> list[CrmUser]:
    """Read all internal users; the departments of a user are the sales teams the user belongs to."""
    teams: dict[int, set[str]] = {}
    for team in await lists.rows("crm.team", [], ("member_ids",), "sales teams"):
        for user in team["member_ids"]:
            teams.setdefault(user, set()).add(str(team["id"]))
    return [
        CrmUser(
            str(row["id"]),
            str(row["name"]),
            bool(row["active"]),
            frozenset(teams.get(row["id"], ())),
            human=row["id"] != ODOO_BOT,
        )
        for row in await read_accounts(lists)
    ]
