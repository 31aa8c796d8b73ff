"""`reglament check` of an amoCRM connection: may this token see all that is scored?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from crm_clients.amocrm.account import Account, read_account, read_rights, read_stages, user, user_rows, whole
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import AmocrmApi
from crm_clients.amocrm.auth import Keys, LongLived, expiry
from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.errors import CrmError
from crm_clients.shared.http import Deadline
from scoring.records import RecordKind

if TYPE_CHECKING:
    from crm_clients.amocrm.client import AmocrmConfig

OK, WARNING, ERROR = Severity.OK, Severity.WARNING, Severity.ERROR
ROUNDS = 40
"""Pages looked at in search of something of every member."""
SAMPLE = 200
"""Open tasks whose deals must be readable."""
SOON = timedelta(days=14)
TOLERATED_SKEW = timedelta(minutes=1)


async def examine(
    api: AmocrmApi, config: AmocrmConfig, keys: Keys, members: Mapping[str, str], deadline: Deadline
) -> list[Finding]:
    """All findings; what cannot be looked at is a finding too."""
    findings: list[Finding] = []
    try:
        account = await read_account(api, deadline)
        findings.append(Finding(OK, "login", f"amoCRM account “{account.name}”, currency {account.currency}"))
        findings += _account(account, config)
        findings += await _token(api, keys)
        findings += await _rights(api, account, deadline)
        findings += _known({found.id: found for found in map(user, await user_rows(api, deadline))}, members)
        findings += await _settings(api, config, deadline)
        findings += await _visible(api, members, deadline)
        findings += await _readable(api, deadline)
    except CrmError as error:
        findings.append(Finding(ERROR, "login" if not findings else "rights", str(error)))
    findings += _clock(api)
    return findings


def _account(account: Account, config: AmocrmConfig) -> list[Finding]:
    findings = []
    if not account.filters:
        text = (
            "the account ignores filters, so every lead it ever had is read each day; ask amoCRM to enable API filters"
        )
        findings.append(Finding(WARNING, "filters", text))
    if not account.loss_reasons:
        text = "loss reasons are switched off in amoCRM: every lost deal counts as lost without a reason"
        findings.append(Finding(WARNING, "lost_without_reason", text))
    for name in account.unknown_meeting_types(config.meeting_types):
        text = f"meeting_types names “{name}”, which is no task type of the account; it has {_types(account)}"
        findings.append(Finding(ERROR, "meetings_held", text))
    return findings


def _types(account: Account) -> str:
    return ", ".join(f"{key} {name}" for key, (name, _) in sorted(account.task_types.items()))


async def _token(api: AmocrmApi, keys: Keys) -> list[Finding]:
    ends = expiry(await keys.access())
    # A pair renews itself; only a long-lived token runs out.
    if not isinstance(keys, LongLived) or ends is None or ends - api.http.clock.now() > SOON:
        return []
    return [
        Finding(WARNING, "login", f"the token ends on {ends:%Y-%m-%d}: make a new one in the integration's settings")
    ]


async def _rights(api: AmocrmApi, account: Account, deadline: Deadline) -> list[Finding]:
    rights = await read_rights(api, account, deadline)
    missing = sorted({text for kind in RecordKind if (text := rights.missing(kind))})
    if missing:
        return [Finding(ERROR, "rights", text) for text in missing]
    return [Finding(OK, "rights", f"{rights.name} sees all leads, contacts and companies")]


def _known(users: Mapping[str, CrmUser], members: Mapping[str, str]) -> list[Finding]:
    findings = []
    for member, name in members.items():
        if member not in users:
            findings.append(Finding(ERROR, "members", f"amoCRM knows no user {member} ({name})"))
        elif not users[member].active:
            findings.append(Finding(WARNING, "members", f"{name} ({member}) is switched off in amoCRM"))
    return findings


async def _settings(api: AmocrmApi, config: AmocrmConfig, deadline: Deadline) -> list[Finding]:
    stages = await read_stages(api, deadline)
    fields: list[Row] = []

    async def keep(rows: list[Row]) -> None:
        fields.extend(rows)

    await api.shifting("leads/custom_fields", "order[id]=asc", deadline, "the fields of leads", keep)
    known = {str(field["id"]) for field in fields} | {str(field["code"]) for field in fields if field.get("code")}
    known |= {"name", "price", "responsible_user_id"}
    findings = []
    wanted = config.required_fields
    for pipeline, names in wanted.items():
        if pipeline != "*" and not (pipeline.isdigit() and int(pipeline) in stages.names):
            has = ", ".join(f"{key} {name}" for key, name in stages.names.items())
            text = f"required_fields names pipeline {pipeline}, which the account has not; it has {has}"
            findings.append(Finding(ERROR, "deals_missing_fields", text))
        findings += [
            Finding(ERROR, "deals_missing_fields", f"required_fields names “{name}”, which is no field of leads")
            for name in names
            if name not in known
        ]
    listed = {name for names in wanted.values() for name in names}
    for field in fields:
        required = field.get("is_required") or field.get("required_statuses")
        if required and not listed & {str(field["id"]), str(field.get("code"))}:
            text = f"amoCRM requires “{field.get('name')}” ({field['id']}); it is not in required_fields"
            findings.append(Finding(OK, "deals_missing_fields", text))
    return findings


async def _visible(api: AmocrmApi, members: Mapping[str, str], deadline: Deadline) -> list[Finding]:
    """Members of whom nothing at all is visible: no lead, task or company."""
    unseen = {int(member) for member in members if member.isdigit()}
    rounds = ROUNDS
    for path, order in (("leads", "updated_at"), ("tasks", "created_at"), ("companies", "updated_at")):
        while unseen and rounds:
            rounds -= 1
            chosen = "&".join(f"filter[responsible_user_id][]={member}" for member in sorted(unseen)[:SAMPLE])
            page = await api.page(path, f"{chosen}&order[{order}]=desc", deadline, f"what members have ({path})")
            seen = {whole(row.get("responsible_user_id")) for row in page.rows} & unseen
            unseen -= seen
            if not seen:
                break
    unseen = await _by_notes(api, unseen, deadline) if unseen else unseen
    findings = [
        Finding(ERROR, "visibility", f"nothing at all of {members[str(member)]} ({member}) is visible to this token")
        for member in sorted(unseen)
    ]
    return findings or [Finding(OK, "visibility", "something of every member is visible")]


async def _by_notes(api: AmocrmApi, unseen: set[int], deadline: Deadline) -> set[int]:
    """Somebody who only telephones has calls."""
    page = await api.page(
        "contacts/notes",
        "filter[note_type][]=call_in&filter[note_type][]=call_out",
        deadline,
        "what members have (calls)",
    )
    return unseen - {whole(row.get("responsible_user_id")) for row in page.rows}


async def _readable(api: AmocrmApi, deadline: Deadline) -> list[Finding]:
    """Open tasks on deals that this token cannot read: the deal is there, but hidden from it."""
    query = "filter[is_completed]=0&filter[entity_type]=leads&order[id]=desc"
    page = await api.page("tasks", query, deadline, "open tasks", limit=SAMPLE)
    leads = {
        whole(row.get("entity_id"))
        for row in page.rows
        if row.get("entity_type") == "leads" and not row.get("is_completed")
    } - {0}
    found: set[int] = set()

    async def take(rows: list[Row]) -> None:
        found.update(whole(row["id"]) for row in rows)

    await api.by_id("leads", "", "id", leads, deadline, "deals of open tasks", take)
    hidden = len(leads - found)
    if hidden:
        text = f"{hidden} of {len(leads)} deals with open tasks cannot be read: give the token the rights to all leads"
        return [Finding(ERROR, "visibility", text)]
    return []


def _clock(api: AmocrmApi) -> list[Finding]:
    skew = api.http.skew
    if skew is None or abs(skew) <= TOLERATED_SKEW:
        return []
    seconds = int(skew.total_seconds())
    text = f"this machine's clock and amoCRM's differ by {abs(seconds)} s: set this machine's clock (NTP)"
    return [Finding(ERROR if abs(seconds) > 300 else WARNING, "clock", text)]
