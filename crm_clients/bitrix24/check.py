"""Check whether a Bitrix24 connection can be trusted: login, scopes, rights, visibility, settings, clock.

A webhook acts with the rights of the user who made the webhook, and a user with few rights gets few rows without any
error: only looking for every member shows that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from crm_clients.base import CrmUser, Finding, Severity
from crm_clients.bitrix24.api import Bitrix24Api
from crm_clients.bitrix24.batching import read_decoded
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.control.left_out import CompanyCheck
from crm_clients.bitrix24.control.visibility import ADVICE, VisibilityProbe, is_admin
from crm_clients.bitrix24.fields import Fields
from crm_clients.bitrix24.lists import CallProgress, QueryProgress, single_call
from crm_clients.bitrix24.objects import DEAL
from crm_clients.bitrix24.stages import Stages
from crm_clients.bitrix24.users import UserDirectory
from crm_clients.bitrix24.values import instant
from crm_clients.errors import CrmError
from crm_clients.shared.pacing import Deadline
from crm_clients.shared.redaction import one_line
from crm_clients.shared.required_fields import RequiredFields, stage_key

SKEW = timedelta(minutes=1)
LONGEST_LIST = 600
"""Characters of a list of stages at most."""
SCOPES = (
    (("crm",), Severity.ERROR, "deals, companies and activities"),
    (("user", "user_basic", "user_brief"), Severity.ERROR, "the list of employees"),
    (("task", "tasks"), Severity.ERROR, "tasks, so overdue_tasks"),
    (("telephony",), Severity.ERROR, "calls, so calls_held, talk_minutes and missed_calls"),
    (("department",), Severity.WARNING, "departments above a person's own, so members by department"),
)
"""Scopes of a webhook by their possible names, how bad a missing scope is, and the records that cannot be read then."""


async def check_connection(
    api: Bitrix24Api, config: Bitrix24Config, users: UserDirectory, deadline: Deadline, members: Mapping[str, str]
) -> list[Finding]:
    """Look at all parts of a connection and return the findings; never raises CrmError. `members`: CRM user → name."""
    return await _Check(api, config, users, deadline).run(members)


class _Check:
    """Collect the findings of a check."""

    def __init__(self, api: Bitrix24Api, config: Bitrix24Config, users: UserDirectory, deadline: Deadline) -> None:
        self._api, self._config, self._users, self._deadline = api, config, users, deadline
        self._findings: list[Finding] = []
        self._stages = Stages()
        self._company = CompanyCheck(self._ask, api.clock.now())

    async def run(self, members: Mapping[str, str]) -> list[Finding]:
        """Look at all parts; stop where no further part could be seen."""
        time, scopes = self._once("server.time"), self._once("scope")
        profile, fields = self._once("profile"), self._once("crm.item.fields", entityTypeId=DEAL)
        tasks = self._once("tasks.task.list", filter={"ID": 0}, select=["ID"])
        calls = self._once("voximplant.statistic.get", FILTER={"ID": 0})
        stages, funnels = self._stages.start("check"), self._stages.start_funnels("check")
        await self._ask([time, scopes, profile, fields, tasks, calls, stages, funnels])
        if time.problem is not None and profile.problem is not None:
            self._say(Severity.ERROR, "login", str(time.problem))
            return self._findings
        self._login(profile)
        if moved := self._api.http.moved_to:
            text = f"the portal has moved to {moved}: put that address into webhook_url while the old one still answers"
            self._say(Severity.WARNING, "address", text)
        self._scopes(scopes)
        for asked, subject in ((tasks, "overdue_tasks"), (calls, "calls_held")):
            if asked.problem is not None:
                self._say(Severity.ERROR, subject, f"{asked.problem}; without it {subject} is not counted")
        self._fields(fields)
        if problem := stages.problem or funnels.problem:
            self._say(Severity.ERROR, "deals", str(problem))
        else:
            self._required_keys()
        await self._members(members)
        if not self._config.meeting_types:
            self._findings += await self._company.meetings()
        self._clock(time)
        return self._findings

    def _say(self, severity: Severity, subject: str, text: str) -> None:
        self._findings.append(Finding(severity, subject, text))

    def _once(self, method: str, **params: Any) -> CallProgress:
        return single_call(method, params, what="the check of the connection", group="check")

    async def _ask(self, asked: Sequence[QueryProgress]) -> None:
        await read_decoded(self._api, self._deadline, asked)

    def _login(self, profile: CallProgress) -> None:
        value = profile.value if isinstance(profile.value, Mapping) else {}
        name = " ".join(str(value.get(part) or "") for part in ("NAME", "LAST_NAME")).strip() or "somebody"
        self._say(Severity.OK, "login", f"the portal answers and accepts the webhook of {name}")
        if is_admin(value):
            self._say(Severity.OK, "rights", f"{name} is an administrator and sees everything")
        elif is_admin(value) is False:
            self._say(
                Severity.WARNING,
                "rights",
                f"{name} is no administrator: whatever his role hides is missing from every count, without any error; "
                f"{ADVICE}",
            )

    def _scopes(self, scopes: CallProgress) -> None:
        granted = {str(name) for name in scopes.value} if isinstance(scopes.value, list) else None
        if granted is None:
            return
        missing = [(names[0], severity, what) for names, severity, what in SCOPES if granted.isdisjoint(names)]
        for name, severity, what in missing:
            self._say(severity, "scopes", f"the webhook lacks the scope {name}, so it cannot read {what}: add it")
        if not missing:
            self._say(Severity.OK, "scopes", "the webhook has all scopes that are needed")

    def _fields(self, fields: CallProgress) -> None:
        if fields.problem is not None:
            self._say(Severity.ERROR, "deals", str(fields.problem))
            return
        wanted = [("loss_reason_field", self._config.loss_reason_field)] if self._config.loss_reason_field else []
        wanted += [("required_fields", name) for names in self._config.required_fields.values() for name in names]
        try:
            known = Fields(fields.value)
            for setting, name in wanted:
                known.name(setting, name)
        except CrmError as error:
            subject = "deals_missing_fields" if "required_fields" in str(error) else "lost_without_reason"
            self._say(Severity.ERROR, subject, str(error))
        else:
            if self._config.deals_credit == "mover" and not known.tells_mover():
                text = "deals of this portal do not tell who moved each, so the responsible users are credited"
                self._say(Severity.WARNING, "deals_won", text)
        if not self._config.loss_reason_field:
            self._say(
                Severity.OK,
                "lost_without_reason",
                "not available: Bitrix24 has no loss reason of its own; name a deal field in loss_reason_field",
            )

    def _required_keys(self) -> None:
        """Name the funnels and stages of `required_fields` that the portal does not have."""
        order = self._stages.order
        if unknown := RequiredFields(self._config.required_fields, order).unknown_keys:
            known = [stage_key(funnel, stage) for funnel, stages in order.items() for stage in stages]
            text = f"required_fields: the portal has no funnel or stage {', '.join(unknown)}; correct the setting"
            known_text = one_line(", ".join(known), LONGEST_LIST)
            self._say(Severity.ERROR, "deals_missing_fields", f"{text}. There are {known_text}")

    async def _members(self, members: Mapping[str, str]) -> None:
        try:
            known = {user.id: user for user in await self._users.read(self._deadline)}
        except CrmError as error:
            self._say(Severity.ERROR, "visibility", str(error))
            return
        if self._stages.names:
            dismissed = {int(user.id): user.name for user in known.values() if not user.active}
            self._findings += await self._company.left_out(self._stages, dismissed)
        found: list[CrmUser] = []
        for key, name in members.items():
            user = known.get(key)
            if user is None:
                self._say(
                    Severity.ERROR, "visibility", f"{name} ({key}): Bitrix24 knows no such employee; correct `members`"
                )
            elif not user.active:
                self._say(Severity.WARNING, "visibility", f"{name} ({key}) is dismissed in Bitrix24 and is not scored")
            elif not user.human:
                text = f"{name} ({key}) is no employee of the portal (a guest, a robot) and is not scored"
                self._say(Severity.ERROR, "visibility", f"{text}; correct `members`")
            else:
                found.append(user)
        await self._visible(found, members)

    async def _visible(self, users: Sequence[CrmUser], members: Mapping[str, str]) -> None:
        """Name every member without any visible record, and say if deals are hidden though their activities are not."""
        try:
            unseen, hidden = await VisibilityProbe(self._ask).run([user.id for user in users])
        except CrmError as error:
            self._say(Severity.ERROR, "visibility", str(error))
            return
        for key in unseen:
            self._say(
                Severity.ERROR,
                "visibility",
                f"{members[key]} ({key}): nothing of this employee is visible, neither deals nor activities or "
                "companies. Either he has done nothing yet, or the webhook's user lacks the right to see it: look at "
                "his CRM role, or take the member out of the team",
            )
        if hidden:
            text = f"activities are visible whose deals are not ({len(hidden)}): {ADVICE}"
            self._say(Severity.ERROR, "visibility", text)
        if users and not unseen and not hidden:
            self._say(Severity.OK, "visibility", f"something is visible of all {len(users)} members")

    def _clock(self, time: CallProgress) -> None:
        told = instant(time.value)
        if told is None:
            return
        skew = abs(told - self._api.clock.now())
        if skew > SKEW:
            text = (
                f"the clocks differ by {skew.total_seconds():.0f} s: set this machine's clock, "
                "or what happens near the cutoff counts for the wrong day"
            )
            self._say(Severity.WARNING, "clock", text)
        else:
            self._say(Severity.OK, "clock", "this machine's clock and the portal's agree")
