"""Check a connection to the made-up company: login, members, settings."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.demo.config import DemoConfig
from crm_clients.demo.deal_life import FIELDS, NEW, REPEAT
from crm_clients.errors import CrmUnavailable
from crm_clients.shared.required_fields import RequiredFields


async def check_connection(
    users: Callable[[], Awaitable[list[CrmUser]]], config: DemoConfig, members: Mapping[str, str]
) -> list[Finding]:
    """Check that the company answers, and knows the members (CRM user → name) and the required fields."""
    try:
        known = {user.id for user in await users()}
    except CrmUnavailable as down:
        return [Finding(Severity.ERROR, "login", str(down))]
    findings = [Finding(Severity.OK, "login", "the made-up company answers; it needs no key")]
    for user, name in members.items():
        if user not in known:
            text = f"{name or user} ({user}) is not an account of the made-up company: take him out of the team"
            findings.append(Finding(Severity.ERROR, "visibility", text))
    strange = sorted({name for names in config.required_fields.values() for name in names} - set(FIELDS))
    if strange:
        text = f"required_fields: its deals have no {', '.join(strange)}; they have {', '.join(FIELDS)}"
        findings.append(Finding(Severity.ERROR, "deals_missing_fields", text))
    if unknown := RequiredFields(config.required_fields, {NEW: (), REPEAT: ()}).unknown_keys:
        text = (
            f"required_fields: no pipeline or stage {', '.join(unknown)}; there are {NEW} and {REPEAT}, without stages"
        )
        findings.append(Finding(Severity.ERROR, "deals_missing_fields", text))
    return findings
