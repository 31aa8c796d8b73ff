"""Whether an Odoo connection can be trusted: rights, visibility, settings, clock."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

from crm_clients.base import CrmConfig, Finding, Severity
from crm_clients.errors import CrmError, CrmNonsense, RightsMissing
from crm_clients.odoo.api import OdooApi, Row, reference
from crm_clients.shared.http import Deadline

ALL_DOCUMENTS = "sales_team.group_sale_salesman_all_leads"
_GRANT = 'give the user of the API key the right Sales "User: All Documents" (Settings, Users)'
_SKEW = timedelta(minutes=1)
_WHAT = "the check of the connection"


async def require_rights(api: OdooApi, deadline: Deadline) -> None:
    """Odoo's own word on the key's rights. Raises RightsMissing.

    A user who may see only his own deals gets a part of everything with HTTP 200 and no warning, so nothing that is
    read afterwards could show it.
    """
    what = "the rights of the API key"
    try:
        may = await api.call(
            "res.users", "has_group", ids=[api.uid], group_ext_id=ALL_DOCUMENTS, deadline=deadline, what=what
        )
    except CrmNonsense:  # before 18 it is asked of the model, not of a user
        may = await api.call("res.users", "has_group", group_ext_id=ALL_DOCUMENTS, deadline=deadline, what=what)
    if may is not True:
        raise RightsMissing(f"the API key's user may not see all deals, so every count would be too small: {_GRANT}")


async def meeting_types(api: OdooApi, wanted: Sequence[str], deadline: Deadline) -> dict[int, str]:
    """The activity types that are meetings, by id: those of the settings (names or ids), else Odoo's own."""
    fields = ("name", "category")
    rows = await api.all_rows("mail.activity.type", [], fields, deadline=deadline, what="activity types")
    if not wanted:
        return {row["id"]: str(row["name"]) for row in rows if row["category"] == "meeting"}
    return {row["id"]: str(row["name"]) for row in rows if str(row["id"]) in wanted or row["name"] in wanted}


class Checkup:
    """The lines of `reglament check` for one connection; none of them raises."""

    def __init__(self, api: OdooApi, config: CrmConfig, login: str, deadline: Deadline) -> None:
        self._api, self._config, self._login, self._deadline = api, config, login, deadline
        self._findings: list[Finding] = []

    async def run(self, users: Callable[[], Awaitable[list[Row]]], members: Mapping[str, str]) -> list[Finding]:
        """Look at everything; stop where nothing further could be seen."""
        if not await self._try("login", self._log_in) or not await self._try("rights", self._rights):
            return self._findings
        await self._try("login", lambda: self._people(users, members))
        await self._try("deals_missing_fields", self._fields)
        await self._try("meetings_held", self._meetings)
        await self._try("visibility", self._bindings)
        self._clock()
        return self._findings

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
        await self._api.connect(self._deadline)
        version = f"Odoo {self._api.version}" if self._api.version else "Odoo"
        spoken = {"json2": "JSON-2", "jsonrpc": "JSON-RPC"}[self._api.protocol]
        self._say(Severity.OK, "login", f"{version} answers over {spoken} and accepts the API key")

    async def _rights(self) -> None:
        await require_rights(self._api, self._deadline)
        self._say(Severity.OK, "rights", "the API key's user may see all deals")

    async def _people(self, users: Callable[[], Awaitable[list[Row]]], members: Mapping[str, str]) -> None:
        rows = {str(row["id"]): row for row in await users()}
        owner = rows.get(str(self._api.uid))
        if owner is not None and owner["login"] != self._login:
            self._say(Severity.WARNING, "login", "the API key belongs to another user than `login` names")
        known = []
        for user, name in members.items():
            row = rows.get(user)
            if row is None:
                self._say(Severity.ERROR, "visibility", f"{name} ({user}): Odoo knows no such user; correct `members`")
            elif not row["active"]:
                self._say(Severity.WARNING, "visibility", f"{name} ({user}) is archived in Odoo and is not scored")
            else:
                known.append(row)
        await self._nothing_visible(known, members)

    async def _nothing_visible(self, rows: Sequence[Row], members: Mapping[str, str]) -> None:
        """Name everybody of whom the key sees nothing at all: no deal, activity, company or message."""
        ids = [row["id"] for row in rows]
        deals = [["user_id", "in", ids]]
        seen: set[int | None] = set()
        async for page in self._api.pages("crm.lead", deals, ("user_id",), deadline=self._deadline, what=_WHAT):
            seen.update(reference(row["user_id"]) for row in page)
        invisible = [row for row in rows if row["id"] not in seen and not await self._anything_of(row)]
        for row in invisible:
            user = str(row["id"])
            self._say(
                Severity.ERROR,
                "visibility",
                f"{members.get(user) or row['name']} ({user}): nothing of this user is visible, neither deals nor "
                "activities, companies or messages. Either he has done nothing yet, or the API key's user lacks the "
                "right to see it: look at his access rights and companies, or take the member out of the team",
            )
        if not invisible:
            self._say(Severity.OK, "visibility", f"something is visible of all {len(rows)} members")

    async def _anything_of(self, row: Row) -> bool:
        places = (
            ("mail.activity", ["user_id", "=", row["id"]]),
            ("res.partner", ["create_uid", "=", row["id"]]),
            ("mail.message", ["author_id", "=", reference(row["partner_id"])]),
        )
        for model, condition in places:
            found = await self._api.call(
                model,
                "search",
                domain=[condition],
                limit=20,  # some of a page may be hidden
                order="id desc",
                context={"active_test": False},
                deadline=self._deadline,
                what=_WHAT,
            )
            if found:
                return True
        return False

    async def _bindings(self) -> None:
        """Activities whose deal cannot be read: a sign that a rule hides deals from the key."""
        bound: set[int] = set()
        domain = [["res_model", "=", "crm.lead"]]
        pages = self._api.guarded_pages("mail.activity", domain, ("res_id",), deadline=self._deadline, what=_WHAT)
        async for page in pages:
            bound.update(int(row["res_id"]) for row in page)
        readable: set[int] = set()
        deals = self._api.pages("crm.lead", [["id", "in", sorted(bound)]], ("id",), deadline=self._deadline, what=_WHAT)
        async for page in deals:
            readable.update(row["id"] for row in page)
        if hidden := bound - readable:
            self._say(
                Severity.ERROR,
                "visibility",
                f"activities are visible whose deals are not ({len(hidden)}): {_GRANT}, and all companies",
            )

    async def _fields(self) -> None:
        wanted = {name for names in self._config.required_fields.values() for name in names}
        teams = set(self._config.required_fields) - {"*"}
        if not wanted:
            return
        known = await self._api.call("crm.lead", "fields_get", attributes=["type"], deadline=self._deadline, what=_WHAT)
        if strange := sorted(wanted - known.keys()):
            text = f"required_fields: deals of this Odoo have no {', '.join(strange)}; use technical names"
            self._say(Severity.ERROR, "deals_missing_fields", text)
        rows = await self._api.all_rows("crm.team", [], ("name",), deadline=self._deadline, what=_WHAT)
        if strange := sorted(teams - {str(row["id"]) for row in rows}):
            teams_known = ", ".join(f"{row['id']} {row['name']}" for row in rows)
            text = f"required_fields: no sales team {', '.join(strange)}; there are {teams_known}"
            self._say(Severity.ERROR, "deals_missing_fields", text)

    async def _meetings(self) -> None:
        wanted = self._config.meeting_types
        types = await meeting_types(self._api, wanted, self._deadline)
        strange = [name for name in wanted if name not in types.values() and name not in map(str, types)]
        if strange:
            text = f"meeting_types: Odoo has no activity type {', '.join(strange)}: correct the setting"
            self._say(Severity.ERROR, "meetings_held", text)
        elif not types:
            text = "no activity type is a meeting: name some in meeting_types"
            self._say(Severity.ERROR, "meetings_held", text)

    def _clock(self) -> None:
        skew = self._api.skew
        if skew is not None and abs(skew) > _SKEW:
            word = "ahead of" if skew > timedelta(0) else "behind"
            text = f"Odoo's clock is {abs(skew).total_seconds():.0f} s {word} ours: set both by NTP"
            self._say(Severity.WARNING, "clock", text)
