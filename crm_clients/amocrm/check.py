"""Check an amoCRM connection for `reglament check`: may this token see all that is scored?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from crm_clients.amocrm.account import Account, read_account, read_rights, read_users
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.api import AmocrmApi, ListQuery
from crm_clients.amocrm.auth import Keys, LongLivedToken
from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.amocrm.control.left_out import LeftOut
from crm_clients.amocrm.field_names import BUILT_IN_FIELDS, read_fields
from crm_clients.amocrm.lists import ListReader
from crm_clients.amocrm.stages import Stages, read_stages
from crm_clients.amocrm.tokens import expiry
from crm_clients.amocrm.wire import as_int
from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.errors import CrmError
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.required_fields import RequiredFields
from scoring.records import RecordKind

OK, WARNING, ERROR = Severity.OK, Severity.WARNING, Severity.ERROR
PAGES = 40
"""Pages read in search of a record of every member."""
SAMPLE = 200
"""Open tasks with deals that must be readable, and members named in a filter."""
SOON = timedelta(days=14)
TOLERATED_SKEW = timedelta(minutes=1)


async def check_connection(
    api: AmocrmApi, config: AmocrmConfig, keys: Keys, members: Mapping[str, str], deadline: Deadline
) -> list[Finding]:
    """Return all findings; a part that cannot be checked is a finding too. `members` maps CRM users to names."""
    return await _Check(api, config, keys, members, deadline).run()


class _Check:
    """Hold the account, settings and members of a check."""

    def __init__(
        self, api: AmocrmApi, config: AmocrmConfig, keys: Keys, members: Mapping[str, str], deadline: Deadline
    ) -> None:
        self._api, self._config, self._keys = api, config, keys
        self._members, self._deadline = members, deadline
        self._lists = ListReader(api)

    async def run(self) -> list[Finding]:
        findings: list[Finding] = []
        try:
            account = await read_account(self._api, self._deadline)
            findings.append(Finding(OK, "login", f"amoCRM account “{account.name}”, currency {account.currency}"))
            findings += self._account(account)
            findings += await self._token()
            findings += await self._rights(account)
            users = await read_users(self._api, account, self._deadline)
            stages = await read_stages(self._api, self._deadline)
            findings += self._known_members(users)
            findings += await self._required_fields(stages)
            findings += await LeftOut(self._api, stages, self._deadline).findings(users)
            findings += await self._visible_members()
            findings += await self._readable_deals()
        except CrmError as error:
            findings.append(Finding(ERROR, "login" if not findings else "rights", str(error)))
        findings += self._clock()
        return findings

    def _query(self, path: str, filters: str, what: str) -> ListQuery:
        return ListQuery(path, filters, self._deadline, what)

    def _account(self, account: Account) -> Iterator[Finding]:
        if not account.filters:
            text = (
                "the account ignores filters, so every lead it ever had is read each day; "
                "ask amoCRM to enable API filters"
            )
            yield Finding(WARNING, "filters", text)
        if not account.loss_reasons:
            text = "loss reasons are switched off in amoCRM: every lost deal counts as lost without a reason"
            yield Finding(WARNING, "lost_without_reason", text)
        types = ", ".join(f"{key} {name}" for key, (name, _) in sorted(account.task_types.items()))
        for name in account.unknown_meeting_types(self._config.meeting_types):
            text = f"meeting_types names “{name}”, which is no task type of the account; it has {types}"
            yield Finding(ERROR, "meetings_held", text)

    async def _token(self) -> list[Finding]:
        ends = expiry(await self._keys.access())
        # A pair renews itself; only a long-lived token runs out.
        if not isinstance(self._keys, LongLivedToken) or ends is None or ends - self._api.http.clock.now() > SOON:
            return []
        text = f"the token ends on {ends:%Y-%m-%d}: make a new one in the integration's settings"
        return [Finding(WARNING, "login", text)]

    async def _rights(self, account: Account) -> list[Finding]:
        rights = await read_rights(self._api, account, self._deadline)
        missing = sorted({text for kind in RecordKind if (text := rights.missing(kind))})
        if missing:
            return [Finding(ERROR, "rights", text) for text in missing]
        return [Finding(OK, "rights", f"{rights.name} sees all leads, contacts and companies")]

    def _known_members(self, users: Iterable[CrmUser]) -> Iterator[Finding]:
        known = {user.id: user for user in users}
        for member, name in self._members.items():
            if member not in known:
                yield Finding(ERROR, "members", f"amoCRM knows no user {member} ({name})")
            elif not known[member].active:
                yield Finding(WARNING, "members", f"{name} ({member}) is switched off in amoCRM")

    async def _required_fields(self, stages: Stages) -> list[Finding]:
        """Compare `required_fields` with the account's pipelines and fields."""
        fields = await read_fields(self._api, self._deadline)
        return [*self._unknown_settings(stages, fields), *self._unlisted_fields(fields)]

    def _unknown_settings(self, stages: Stages, fields: list[Row]) -> Iterator[Finding]:
        known = {str(field["id"]) for field in fields} | {str(field["code"]) for field in fields if field.get("code")}
        required = stages.required_fields(self._config.required_fields)
        for key in required.unknown_keys:
            pipeline = key.partition("/")[0]
            if pipeline.isdigit() and int(pipeline) in stages.names:
                shown = [pair for pair in stages.open if str(pair[0]) == pipeline]
                has = ", ".join(f"{pipeline}/{pair[1]} {stages.stage_names[pair]}" for pair in shown)
                text = f"required_fields names stage {key}, which the pipeline has not; open stages are {has}"
            else:
                has = ", ".join(f"{number} {name}" for number, name in stages.names.items())
                text = f"required_fields names pipeline {pipeline}, which the account has not; it has {has}"
            yield Finding(ERROR, "deals_missing_fields", text)
        for name in required.names:
            if name not in known | BUILT_IN_FIELDS:
                text = f"required_fields names “{name}”, which is no field of leads"
                yield Finding(ERROR, "deals_missing_fields", text)

    def _unlisted_fields(self, fields: list[Row]) -> Iterator[Finding]:
        listed = set(RequiredFields(self._config.required_fields).names)
        for field in fields:
            required = field.get("is_required") or field.get("required_statuses")
            if required and not listed & {str(field["id"]), str(field.get("code"))}:
                text = f"amoCRM requires “{field.get('name')}” ({field['id']}); it is not in required_fields"
                yield Finding(OK, "deals_missing_fields", text)

    async def _visible_members(self) -> list[Finding]:
        """Name members without any visible lead, task, company or call."""
        unseen = {int(member) for member in self._members if member.isdigit()}
        pages = PAGES
        for path, order in (("leads", "updated_at"), ("tasks", "created_at"), ("companies", "updated_at")):
            while unseen and pages:
                pages -= 1
                chosen = "&".join(f"filter[responsible_user_id][]={member}" for member in sorted(unseen)[:SAMPLE])
                query = self._query(path, f"{chosen}&order[{order}]=desc", f"what members have ({path})")
                page = await self._api.page(query)
                seen = {as_int(row.get("responsible_user_id")) for row in page.rows} & unseen
                unseen -= seen
                if not seen:
                    break
        unseen = await self._without_calls(unseen) if unseen else unseen
        findings = [
            Finding(
                ERROR, "visibility", f"nothing at all of {self._members[str(key)]} ({key}) is visible to this token"
            )
            for key in sorted(unseen)
        ]
        return findings or [Finding(OK, "visibility", "something of every member is visible")]

    async def _without_calls(self, members: set[int]) -> set[int]:
        """Return members without a recent call: some managers only telephone."""
        types = "filter[note_type][]=call_in&filter[note_type][]=call_out"
        page = await self._api.page(self._query("contacts/notes", types, "what members have (calls)"))
        return members - {as_int(row.get("responsible_user_id")) for row in page.rows}

    async def _readable_deals(self) -> list[Finding]:
        """Count deals of open tasks that the token cannot read: such a deal exists, but is hidden."""
        filters = "filter[is_completed]=0&filter[entity_type]=leads&order[id]=desc"
        page = await self._api.page(self._query("tasks", filters, "open tasks"), limit=SAMPLE)
        leads = {
            as_int(row.get("entity_id"))
            for row in page.rows
            if row.get("entity_type") == "leads" and not row.get("is_completed")
        } - {0}
        found: set[int] = set()

        async def take(rows: list[Row]) -> None:
            found.update(as_int(row["id"]) for row in rows)

        await self._lists.by_ids(self._query("leads", "", "deals of open tasks"), "id", leads, take)
        hidden = len(leads - found)
        if not hidden:
            return []
        text = f"{hidden} of {len(leads)} deals with open tasks cannot be read: give the token the rights to all leads"
        return [Finding(ERROR, "visibility", text)]

    def _clock(self) -> list[Finding]:
        skew = self._api.http.skew
        if skew is None or abs(skew) <= TOLERATED_SKEW:
            return []
        seconds = int(skew.total_seconds())
        text = f"this machine's clock and amoCRM's differ by {abs(seconds)} s: set this machine's clock (NTP)"
        return [Finding(ERROR if abs(seconds) > 300 else WARNING, "clock", text)]
