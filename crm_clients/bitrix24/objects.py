"""Map the kinds of Bitrix24's CRM objects, and name their pages."""

from __future__ import annotations

from typing import Any

from crm_clients.bitrix24.values import number

LEAD, DEAL, CONTACT, COMPANY = 1, 2, 3, 4
PATHS = {LEAD: "lead", DEAL: "deal", CONTACT: "contact", COMPANY: "company"}
"""Paths of the pages of CRM objects on a portal, by Bitrix24's number of the kind of object."""


def place(owner_type: Any, owner: Any) -> str:
    """Name the page of the CRM object that an activity or a call hangs on; empty if there is none."""
    path = PATHS.get(number(owner_type))
    return f"crm/{path}/details/{number(owner)}/" if path and number(owner) else ""
