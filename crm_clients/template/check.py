"""Check a connection to Template: login, rights, visibility of every member, clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

from crm_clients.base import Finding, Severity
from crm_clients.errors import CrmError
from crm_clients.shared.clock_check import clock_findings
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import RequiredFields
from crm_clients.template.api import TemplateApi
from crm_clients.template.config import TemplateConfig
from crm_clients.template.rows import DealRow, TaskRow, UserRow
from crm_clients.template.stages import stage_order


async def check_connection(
    api: TemplateApi, config: TemplateConfig, deadline: Deadline, members: Mapping[str, str]
) -> list[Finding]:
    """Look at everything, up to the first failure, and return the findings; never raises CrmError.

    `members`: CRM user → name.
    """
    try:
        await api.require_full_visibility(deadline)
        findings = [Finding(Severity.OK, "login", "Template accepts the key, which sees all records")]
        findings += [finding async for finding in _members(api, deadline, members)]
        required = RequiredFields(config.required_fields, await stage_order(api, deadline))
    except CrmError as error:
        return [Finding(Severity.ERROR, "login", str(error))]
    if unknown := required.unknown_keys:
        text = f"required_fields: Template has no pipeline or stage {', '.join(unknown)}; correct the setting"
        findings.append(Finding(Severity.ERROR, "deals_missing_fields", text))
    return findings + clock_findings(api.skew, "Template")


async def _members(api: TemplateApi, deadline: Deadline, members: Mapping[str, str]) -> AsyncIterator[Finding]:
    known = {str(row.id) async for row in api.rows("users", UserRow, deadline)}
    for user, name in members.items():
        if user not in known:
            text = f"{name} ({user}): Template knows no such user; correct `members`"
            yield Finding(Severity.ERROR, "visibility", text)
        elif not await _has_records(api, deadline, user):
            text = f"{name} ({user}): no deal or task of this user is visible; look at the rights of the key"
            yield Finding(Severity.WARNING, "visibility", text)


async def _has_records(api: TemplateApi, deadline: Deadline, user: str) -> bool:
    async for _ in api.rows("deals", DealRow, deadline, limit=1, owner=user):
        return True
    async for _ in api.rows("tasks", TaskRow, deadline, limit=1, owner=user):
        return True
    return False
