"""Name what Odoo hides or nobody owns, and what is therefore not counted (`docs/crm/README.md`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from crm_clients.base import Finding, Severity
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.rows import LeadIdRow, TeamRow, UserRow
from crm_clients.odoo.values import Domain
from crm_clients.shared.cleaning import clean_name
from crm_clients.shared.left_out import most_deals, open_deals

_WHAT = "the check of the connection"
_NOT_WON: Domain = [["type", "=", "opportunity"], ["probability", "<", 100]]
_OPEN: Domain = [*_NOT_WON, ["active", "=", True]]
_PUT_AWAY: Domain = [*_NOT_WON, ["active", "=", False], ["probability", ">", 0]]
"""Opportunities archived without being lost: a lost opportunity has the probability 0."""


async def left_out(lists: ListReader, accounts: Iterable[UserRow]) -> list[Finding]:
    """Count the open deals of archived sales teams and people, and the archived deals. Raises CrmError."""
    found = [*await _of_archived_teams(lists), *await _of_archived_people(lists, accounts), *await _archived(lists)]
    return [Finding(Severity.WARNING, "deals_open", text) for text in found]


async def _of_archived_teams(lists: ListReader) -> list[str]:
    texts = []
    for team in await lists.rows("crm.team", [["active", "=", False]], TeamRow, _WHAT):
        if deals := await lists.ids("crm.lead", [*_OPEN, ["team_id", "=", team.id]], _WHAT):
            where = f"of the archived sales team {clean_name(team.name)} ({team.id}), not counted"
            texts.append(f"{open_deals(len(deals))} {where} (move those that are in work to another team)")
    return texts


async def _of_archived_people(lists: ListReader, accounts: Iterable[UserRow]) -> list[str]:
    away = {account.id: account.name for account in accounts if not account.active}
    if not away:
        return []
    rows = await lists.rows("crm.lead", [*_OPEN, ["user_id", "in", sorted(away)]], LeadIdRow, _WHAT)
    counts = Counter(row.user_id[0] for row in rows if row.user_id is not None)
    if not counts:
        return []
    who = most_deals(counts, lambda key: clean_name(away[key]))
    return [f"{open_deals(counts.total())} of people archived in Odoo, counted for nobody (hand those over): {who}"]


async def _archived(lists: ListReader) -> list[str]:
    archived = await lists.ids("crm.lead", _PUT_AWAY, _WHAT)
    if not archived:
        return []
    deals = "1 opportunity" if len(archived) == 1 else f"{len(archived)} opportunities"
    advice = "restore those that are in work, and mark the others as lost"
    return [f"{deals} archived without being lost, not counted as open ({advice})"]
