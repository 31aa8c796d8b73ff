"""Check an Odoo connection: login, rights, settings, visibility, clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from crm_clients.base import Finding, Severity
from crm_clients.errors import CrmError
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.control.left_out import left_out
from crm_clients.odoo.lists import ListReader
from crm_clients.odoo.meetings import meeting_types
from crm_clients.odoo.rights import require_all_companies, require_deals, require_rights
from crm_clients.odoo.rows import BindingRow, LeadIdRow, TeamRow, UserRow
from crm_clients.odoo.stages import stage_order
from crm_clients.odoo.users import read_accounts
from crm_clients.shared.clock_check import clock_findings
from crm_clients.shared.redaction import one_line
from crm_clients.shared.required_fields import RequiredFields

LONGEST_LIST = 600
"""Characters of a finding that lists teams and stages at most."""
_WHAT = "the check of the connection"


async def check_connection(lists: ListReader, config: OdooConfig, members: Mapping[str, str]) -> list[Finding]:
    """Look at everything, up to the first failure of login or rights, and return the findings; never raises CrmError.

    `members`: CRM user → name.
    """
    return await _Check(lists, config, members).run()


class _Check:
    """Collect the findings of a check."""

    def __init__(self, lists: ListReader, config: OdooConfig, members: Mapping[str, str]) -> None:
        self._lists, self._config, self._members = lists, config, members
        self._accounts: list[UserRow] = []
        self._findings: list[Finding] = []

    async def run(self) -> list[Finding]:
        if not await self._try("login", self._log_in) or not await self._try("rights", self._rights):
            return self._findings
        await self._try("login", self._people)
        await self._try("deals_missing_fields", self._fields)
        await self._try("meetings_held", self._meetings)
        await self._try("visibility", self._bindings)
        await self._try("deals_open", self._left_out)
        return self._findings + clock_findings(self._lists.api.skew, "Odoo")

    async def _try(self, subject: str, look: Callable[[], Awaitable[None]]) -> bool:
        try:
            await look()
        except CrmError as error:
            self._say(Severity.ERROR, subject, str(error))
            return False
        return True

    def _say(self, severity: Severity, subject: str, text: str) -> None:
        self._findings.append(Finding(severity, subject, text))

    async def _log_in(self) -> None:
        api = self._lists.api
        await api.connect(self._lists.deadline)
        version = f"Odoo {api.version}" if api.version else "Odoo"
        spoken = {"json2": "JSON-2", "jsonrpc": "JSON-RPC"}[api.protocol]
        self._say(Severity.OK, "login", f"{version} answers over {spoken} and accepts the API key")

    async def _rights(self) -> None:
        await require_rights(self._lists)
        self._accounts = await read_accounts(self._lists)
        await require_all_companies(self._lists, self._accounts)
        self._say(Severity.OK, "rights", "the API key's user may see all deals of all companies")

    async def _people(self) -> None:
        accounts = {str(account.id): account for account in self._accounts}
        if accounts[str(self._lists.api.uid)].login != self._config.login:
            self._say(Severity.WARNING, "login", "the API key belongs to another user than `login` names")
        active = []
        for user, name in self._members.items():
            account = accounts.get(user)
            if account is None:
                self._say(Severity.ERROR, "visibility", f"{name} ({user}): Odoo knows no such user; correct `members`")
            elif not account.active:
                self._say(Severity.WARNING, "visibility", f"{name} ({user}) is archived in Odoo and is not scored")
            else:
                active.append(account)
        await self._visibility(active)

    async def _visibility(self, accounts: list[UserRow]) -> None:
        """Name every member without any visible deal, activity, company or message."""
        deals = [["user_id", "in", [account.id for account in accounts]]]
        seen = {
            row.user_id[0]
            async for page in self._lists.pages("crm.lead", deals, LeadIdRow, _WHAT)
            for row in page
            if row.user_id is not None
        }
        invisible = [account for account in accounts if account.id not in seen and not await self._has_traces(account)]
        for account in invisible:
            user = str(account.id)
            name = self._members.get(user) or account.name
            self._say(
                Severity.ERROR,
                "visibility",
                f"{name} ({user}): nothing of this user is visible, neither deals nor "
                "activities, companies or messages. Either he has done nothing yet, or the API key's user lacks the "
                "right to see it: look at his access rights and companies, or take the member out of the team",
            )
        if not invisible:
            self._say(Severity.OK, "visibility", f"something is visible of all {len(accounts)} members")

    async def _has_traces(self, account: UserRow) -> bool:
        """Tell whether an activity, a company or a message of the account is visible."""
        places = (
            ("mail.activity", ["user_id", "=", account.id]),
            ("res.partner", ["create_uid", "=", account.id]),
            ("mail.message", ["author_id", "=", account.partner_id[0]]),
        )
        options = {"limit": 20, "order": "id desc", "context": {"active_test": False}}  # some of a page may be hidden
        for model, condition in places:
            if await self._lists.call(model, "search", _WHAT, domain=[condition], **options):
                return True
        return False

    async def _bindings(self) -> None:
        """Look for activities of unreadable deals: a sign that a rule hides deals from the key."""
        domain = [["res_model", "=", "crm.lead"]]
        pages = self._lists.guarded_pages("mail.activity", domain, BindingRow, _WHAT)
        bound = {row.res_id async for page in pages for row in page if row.res_id}
        await require_deals(self._lists, bound)

    async def _fields(self) -> None:
        required = self._config.required_fields
        wanted = {name for names in required.values() for name in names}
        if not wanted:
            return
        known = await self._lists.fields("crm.lead", _WHAT)
        if strange := sorted(wanted - known.keys()):
            text = f"required_fields: deals of this Odoo have no {', '.join(strange)}; use technical names"
            self._say(Severity.ERROR, "deals_missing_fields", text)
        teams = await self._lists.rows("crm.team", [], TeamRow, _WHAT)
        order = await stage_order(self._lists, teams)
        if strange := RequiredFields(required, order).unknown_keys:
            known_teams = ", ".join(
                f"{team.id} {team.name} (stages {', '.join(order[str(team.id)])})" for team in teams
            )
            text = f"required_fields: no sales team or stage {', '.join(strange)}; there are {known_teams}"
            self._say(Severity.ERROR, "deals_missing_fields", one_line(text, LONGEST_LIST))

    async def _meetings(self) -> None:
        wanted = self._config.meeting_types
        types = await meeting_types(self._lists, wanted)
        strange = [name for name in wanted if name not in types.values() and name not in map(str, types)]
        if strange:
            text = f"meeting_types: Odoo has no activity type {', '.join(strange)}: correct the setting"
            self._say(Severity.ERROR, "meetings_held", text)
        elif not types:
            text = "no activity type is a meeting: name some in meeting_types"
            self._say(Severity.ERROR, "meetings_held", text)

    async def _left_out(self) -> None:
        self._findings += await left_out(self._lists, self._accounts)
