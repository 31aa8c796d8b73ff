"""Odoo, over JSON-2 (19 and later) or JSON-RPC (before): docs/crm/odoo.md, docs/crm/README.md.

Deals are the opportunities of `crm.lead`, tasks are activities, meetings are done activities of a meeting type. The
community edition keeps no calls.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import httpx

from crm_clients.base import ClientMemory, CrmUser, Finding, ReadRequest, ReadStats
from crm_clients.errors import CrmError, CrmRefused
from crm_clients.odoo.api import Domain, OdooApi, Row, day, instant, naive, reference
from crm_clients.odoo.check import Checkup, meeting_types, require_rights
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.deals import DealReader, human_comments
from crm_clients.shared.http import Clock, Deadline
from scoring.kpis import Capability
from scoring.records import (
    Comment,
    Company,
    Completed,
    Deal,
    DealState,
    Fact,
    Failed,
    Meeting,
    Record,
    RecordKind,
    Task,
)

ODOO_BOT = 1
"""The user under which Odoo itself acts."""


@dataclass(slots=True)
class _Read:
    """What one read knows."""

    request: ReadRequest
    deadline: Deadline
    people: list[Row] = field(default_factory=list)
    """All accounts, once somebody needed them."""


class OdooClient:
    """States the facts of one Odoo database."""

    def __init__(
        self,
        config: OdooConfig,
        memory: ClientMemory,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`memory` is what every client gets; nothing of Odoo needs to be remembered."""
        self.capabilities = _capabilities(config)
        self.stats = ReadStats()
        self._config = config
        self._clock = clock or Clock()
        self._api = OdooApi(
            config.url,
            config.database,
            config.login,
            config.api_key.get_secret_value(),
            config.protocol,
            stats=self.stats,
            clock=self._clock,
            transport=transport,
        )
        self._documents: dict[tuple[type[Record], str], tuple[str, int]] = {}

    async def users(self) -> list[CrmUser]:
        """All internal users; the sales teams somebody belongs to are his departments."""
        deadline = self._deadline()
        await self._api.connect(deadline)
        teams: dict[int, set[str]] = {}
        for team in await self._api.all_rows("crm.team", [], ("member_ids",), deadline=deadline, what="sales teams"):
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
            for row in await self._people(deadline)
        ]

    async def read(self, request: ReadRequest) -> AsyncIterator[Fact]:
        """Yield the records of `request.kinds`, each kind with its mark."""
        read = _Read(request, self._deadline())
        await self._api.connect(read.deadline)
        await require_rights(self._api, read.deadline)
        self._documents = {}
        readers: dict[RecordKind, Callable[[_Read], AsyncIterator[Record]]] = {
            RecordKind.TASKS: self._tasks,
            RecordKind.COMPANIES: self._companies,
            RecordKind.MEETINGS: self._meetings,
            RecordKind.CALLS: self._calls,
        }
        for kind, reader in readers.items():
            if kind not in request.kinds:
                continue
            started = self._clock.now()
            try:
                async for record in reader(read):
                    yield record
            except CrmError as error:
                yield Failed(kind, str(error))
            else:
                yield Completed(kind, started)
        if request.kinds & {RecordKind.DEALS, RecordKind.COMMENTS}:
            async for fact in self._deals_and_comments(read):
                yield fact

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        """Login, rights, settings, visibility of every member, clock."""
        deadline = self._deadline()
        checkup = Checkup(self._api, self._config, self._config.login, deadline)
        return await checkup.run(lambda: self._people(deadline), members)

    def link(self, record: Record) -> str:
        """The page of the record; of an activity or a done meeting, the page of its document."""
        match record:
            case Deal():
                return self._page("crm.lead", record.id)
            case Company():
                return self._page("res.partner", record.id)
            case Task() | Meeting() if document := self._documents.get((type(record), record.id)):
                return self._page(*document)
        return ""

    async def aclose(self) -> None:
        """Close connections."""
        await self._api.aclose()

    def _deadline(self) -> Deadline:
        return Deadline(self._config.read_timeout_seconds, self._clock)

    def _page(self, model: str, number: str | int) -> str:
        """Where the server itself leads to; before 18 a page was named behind a #."""
        major = self._api.version.partition(".")[0]
        if self._api.protocol == "json2" or not major.isdigit() or int(major) >= 18:
            return f"{self._config.url}/odoo/{model}/{number}"
        return f"{self._config.url}/web#id={number}&model={model}&view_type=form"

    async def _people(self, deadline: Deadline) -> list[Row]:
        fields = ("name", "login", "active", "partner_id")
        domain: Domain = [["share", "=", False]]
        return await self._api.all_rows("res.users", domain, fields, deadline=deadline, what="users")

    async def _accounts(self, read: _Read) -> list[Row]:
        if not read.people:
            read.people = await self._people(read.deadline)
        return read.people

    async def _tasks(self, read: _Read) -> AsyncIterator[Task]:
        """Activities of the members and of all deals; planned calendar meetings of deals beside them."""
        cutoff = naive(read.request.window.cutoff)
        known = await self._api.call(
            "mail.activity", "fields_get", attributes=["type"], deadline=read.deadline, what="activities"
        )
        scope: Domain = [["res_model", "=", "crm.lead"]]
        if read.request.members:
            scope = ["|", *scope, ["user_id", "in", [int(user) for user in read.request.members if user.isdigit()]]]
        else:
            scope = []
        fields = ["summary", "activity_type_id", "user_id", "date_deadline", "create_date", "res_model", "res_id"]
        if "date_done" in known:  # done ones are archived; before, they are deleted
            fields += ["active", "write_date"]
            done_since: Domain = ["&", ["date_done", "!=", False], ["write_date", ">=", cutoff]]
            scope = [*scope, "|", ["active", "=", True], *done_since]
        pages = self._api.guarded_pages("mail.activity", scope, fields, deadline=read.deadline, what="activities")
        async for page in pages:
            for row in page:
                yield self._task(row)
        async for meeting in self._planned_meetings(read):
            yield meeting

    def _task(self, row: Row) -> Task:
        kind = row["activity_type_id"]
        done = instant(row["write_date"]) if not row.get("active", True) else None
        of_deal = row["res_model"] == "crm.lead"
        task = Task(
            id=str(row["id"]),
            title=str(row["summary"] or (kind[1] if kind else "")),
            manager=str(reference(row["user_id"]) or ""),
            deadline=day(row["date_deadline"]),
            created_at=instant(row["create_date"]),
            done_at=done,
            deals=frozenset({str(row["res_id"])}) if of_deal else frozenset(),
        )
        if row["res_model"]:
            self._documents[Task, task.id] = (row["res_model"], row["res_id"])
        return task

    async def _planned_meetings(self, read: _Read) -> AsyncIterator[Task]:
        """Calendar meetings of a deal that are still to come: its next step, even without an activity."""
        domain: Domain = [["opportunity_id", "!=", False], ["stop", ">=", naive(read.request.window.cutoff)]]
        fields = ("name", "user_id", "opportunity_id", "create_date")
        async for page in self._api.pages("calendar.event", domain, fields, deadline=read.deadline, what="meetings"):
            for row in page:
                deal = reference(row["opportunity_id"])
                yield Task(
                    id=f"event-{row['id']}",
                    title=str(row["name"] or ""),
                    manager=str(reference(row["user_id"]) or ""),
                    created_at=instant(row["create_date"]),
                    deals=frozenset({str(deal)}) if deal else frozenset(),
                )

    async def _companies(self, read: _Read) -> AsyncIterator[Company]:
        window = read.request.window
        credit = "create_uid" if self._config.companies_credit == "creator" else "user_id"
        domain: Domain = [
            ["is_company", "=", True],
            ["create_date", ">=", naive(window.start)],
            ["create_date", "<", naive(window.cutoff, up=True)],
        ]
        fields = ("name", "create_date", credit)
        async for page in self._api.pages("res.partner", domain, fields, deadline=read.deadline, what="companies"):
            for row in page:
                created = instant(row["create_date"])
                if created is not None:
                    manager = str(reference(row[credit]) or "")
                    yield Company(str(row["id"]), str(row["name"] or ""), manager, created)

    async def _meetings(self, read: _Read) -> AsyncIterator[Meeting]:
        """The message that a done activity leaves on its document, credited to who did it."""
        types = await meeting_types(self._api, self._config.meeting_types, read.deadline)
        if not types:
            raise CrmRefused("meetings: no activity type is a meeting: name some in meeting_types")
        users = {reference(row["partner_id"]): str(row["id"]) for row in await self._accounts(read)}
        window = read.request.window
        domain: Domain = [
            ["mail_activity_type_id", "in", sorted(types)],
            ["date", ">=", naive(window.start)],
            ["date", "<", naive(window.cutoff, up=True)],
        ]
        fields = ("date", "author_id", "model", "res_id", "record_name", "mail_activity_type_id")
        pages = self._api.guarded_pages("mail.message", domain, fields, deadline=read.deadline, what="meetings")
        async for page in pages:
            for row in page:
                kind = types.get(reference(row["mail_activity_type_id"]) or 0, "")
                title = ": ".join(str(part) for part in (kind, row["record_name"]) if part)
                meeting = Meeting(
                    str(row["id"]), title, users.get(reference(row["author_id"]), ""), instant(row["date"])
                )
                if row["model"]:
                    self._documents[Meeting, meeting.id] = (row["model"], row["res_id"])
                yield meeting

    async def _calls(self, _read: _Read) -> AsyncIterator[Record]:
        """There are none, so all of them have been read."""
        no_calls: tuple[Record, ...] = ()
        for call in no_calls:
            yield call

    async def _deals_and_comments(self, read: _Read) -> AsyncIterator[Fact]:
        """Comments are asked for by the open deals of each page, and fail without them."""
        kinds, started = read.request.kinds, self._clock.now()
        comments_problem = "" if RecordKind.COMMENTS in kinds else "not asked for"
        deals_problem = ""
        reader = DealReader(self._api, read.request, self._config.required_fields)
        try:
            async for deals in reader.pages(read.deadline):
                if not comments_problem:
                    try:
                        async for comment in self._comments(deals, read):
                            yield comment
                    except CrmError as error:
                        comments_problem = str(error)
                if RecordKind.DEALS in kinds:
                    for deal in deals:
                        yield deal
        except CrmError as error:
            deals_problem = str(error)
        if RecordKind.DEALS in kinds:
            yield Failed(RecordKind.DEALS, deals_problem) if deals_problem else Completed(RecordKind.DEALS, started)
        if RecordKind.COMMENTS in kinds:
            problem = comments_problem or deals_problem
            yield Failed(RecordKind.COMMENTS, problem) if problem else Completed(RecordKind.COMMENTS, started)

    async def _comments(self, deals: list[Deal], read: _Read) -> AsyncIterator[Comment]:
        cutoff = read.request.window.cutoff
        opened = [
            deal.id
            for deal in deals
            if deal.id.isdigit()
            and (deal.state is DealState.OPEN or (deal.closed_at is not None and deal.closed_at >= cutoff))
        ]
        if not opened:
            return
        robots = {reference(row["partner_id"]) for row in await self._accounts(read) if row["id"] == ODOO_BOT}
        async for comment in human_comments(self._api, opened, robots, read.deadline):
            yield comment


def _capabilities(config: OdooConfig) -> Mapping[str, Capability]:
    """docs/crm/README.md: what the messages or unchangeable dates tell is known also for a past instant."""
    past, present, never = Capability.REBUILDABLE, Capability.PRESENT, Capability.UNAVAILABLE
    return {
        "companies_added": past if config.companies_credit == "creator" else present,
        "meetings_held": past,
        "calls_held": never,
        "talk_minutes": never,
        "missed_calls": never,
        "deals_won": past,
        "won_amount": past,
        "deals_lost": past,
        "lost_without_reason": past,
        "deals_open": past,
        "overdue_tasks": present,
        "deals_without_task": present,
        "deals_without_comment": past,
        "deals_missing_fields": present if any(config.required_fields.values()) else never,
        "stale_deals": past,
    }
