"""A server that speaks amoCRM's API v4 as its documentation describes it, over a made-up account.

It runs inside a test (`httpx.MockTransport(fake.handle)`) or on a loopback port (`async with serve(fake) as url`).
Only documented parameters are understood; everything else is ignored without a word, as the real one does.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.crm_clients.amocrm.account_rows import LOST, WON, Company, Event, Lead, Note, Row, Task, User
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.answering import answered

HAL = {"content-type": "application/hal+json"}
PROBLEM = {"content-type": "application/problem+json"}


def jwt(**claims: Any) -> str:
    """An access token as amoCRM's look: three parts, claims readable; the signature is nonsense."""
    part = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{part}.c2ln"


class Query:
    """The query string as PHP reads it."""

    def __init__(self, raw: str) -> None:
        self.pairs = parse_qsl(raw, keep_blank_values=True)
        self.one = dict(self.pairs)

    def many(self, name: str) -> list[str] | None:
        """`name`, `name[]` and `name[0]`; None if absent."""
        found = [value for key, value in self.pairs if key == name or re.fullmatch(re.escape(name) + r"\[\d*\]", key)]
        return found or None

    def ints(self, name: str) -> set[int] | None:
        found = self.many(name)
        return None if found is None else {int(part) for value in found for part in value.split(",") if part}

    def span(self, name: str) -> tuple[int, int] | None:
        """`name[from]`/`name[to]`, both included."""
        low, high = self.one.get(f"{name}[from]"), self.one.get(f"{name}[to]")
        if low is None and high is None:
            return None
        return (int(low) if low else 0, int(high) if high else 2**62)

    def pairs_of(self, name: str) -> set[tuple[int, int]] | None:
        """Stages: `name[0][pipeline_id]` and `name[0][status_id]` go in pairs; half a pair is ignored."""
        found: dict[str, dict[str, int]] = {}
        for key, value in self.pairs:
            if match := re.fullmatch(re.escape(name) + r"\[(\d+)\]\[(pipeline_id|status_id)\]", key):
                found.setdefault(match[1], {})[match[2]] = int(value)
        pairs = {(pair["pipeline_id"], pair["status_id"]) for pair in found.values() if len(pair) == 2}
        return pairs or None

    def order(self, allowed: tuple[str, ...]) -> tuple[str, bool]:
        for name in allowed:
            if (way := self.one.get(f"order[{name}]")) in ("asc", "desc"):
                return name, way == "desc"
        return "id", False


@dataclass(slots=True)
class Fault:
    """Something that goes wrong with matching requests."""

    path: str
    kind: str
    """html, cut, drop, slow, or a status as text."""
    on: frozenset[int] = frozenset({1})
    """Which of the matching requests, counted from 1; empty: all of them."""
    seconds: float = 0.0
    seen: int = 0


@dataclass(slots=True)
class FakeAmocrm:
    """The account's server: who may ask what, how fast, and what goes wrong."""

    world: World
    token: str = "long-lived"
    client: tuple[str, str, str] = ("client-id", "client-secret", "https://example.org/callback")
    refresh_token: str = "seed-refresh"
    access_seconds: int = 86400
    viewer: int = 1
    rights: str = "A"
    """`A` everything, `G` his group's, `M` only his own."""
    filters_enabled: bool = True
    stages_heeded: int = 0
    """Stages of a funnel that a filter by stages heeds, as Kommo's page on leads has it; 0: all."""
    rate: float = 0.0
    """Requests in any one second; 0: no limit."""
    patience: int = 20
    """After so many 429 the account is blocked: 403 for everything."""
    page_size: int | None = None
    """Fewer rows per page than anybody asks for."""
    repeat_rows: bool = False
    """Each page begins with the last row of the one before, as if something had been inserted."""
    latency: float = 0.0
    beside: Executor | None = None
    """A process that puts answers together (`answering`), so that requests are noted when they arrive."""
    skew: int = 0
    retry_after: int | None = 1
    moved_to: str = ""
    """The account's new host: the old one answers 404 to everything."""
    host: str = ""
    faults: list[Fault] = field(default_factory=list)
    before: Callable[[str, int], None] | None = None
    """Called with path and running number before each answer: life goes on while somebody reads."""
    requests: list[str] = field(default_factory=list)
    keep_requests: bool = True
    count: int = 0
    blocked: bool = False
    refused: int = 0
    old_tokens_live: bool = False
    """Whether an access token lives on after its pair was renewed."""
    lost_answer: bool = False
    """The next token pair is issued, but the answer never arrives."""
    issued: int = 0
    clock: Callable[[], float] = time.time
    _access: dict[str, float] = field(default_factory=dict)
    _recent: deque[float] = field(default_factory=deque)
    _cache: dict[tuple[Any, ...], tuple[int, list[Any], list[int]]] = field(default_factory=dict)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path
        self.count += 1
        if self.keep_requests:
            self.requests.append(f"{path}?{request.url.query.decode()}" if request.url.query else path)
        arrived = time.monotonic()
        if self.latency:
            await asyncio.sleep(self.latency)
        if (limited := self._limit(arrived)) is not None:
            return limited
        if self.before is not None:
            self.before(path, self.count)
        fault = self._fault(path)
        if fault is not None and fault.kind in ("drop", "slow"):
            await asyncio.sleep(fault.seconds)
            if fault.kind == "drop":
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.", request=request)
        if fault is not None and fault.kind.isdigit():
            return self._problem(int(fault.kind))
        if fault is not None and fault.kind == "html":
            return self._answer(200, b"<html><body>Technical works</body></html>", {"content-type": "text/html"})
        response = await self._route(request, path)
        if fault is not None and fault.kind == "cut":
            return self._answer(response.status_code, response.content[: len(response.content) // 2], HAL)
        return response

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
        date = formatdate(self.clock() + self.skew, usegmt=True)
        return httpx.Response(status, content=body, headers={"date": date, **(headers or {})})

    def _json(self, body: Any, status: int = 200) -> httpx.Response:
        return self._answer(status, json.dumps(body, ensure_ascii=False).encode(), HAL if status < 400 else PROBLEM)

    def _problem(self, status: int, detail: str = "", **more: Any) -> httpx.Response:
        body = {
            "title": HTTPStatus(status).phrase,
            "type": "https://httpstatus.es/",
            "status": status,
            "detail": detail,
        }
        return self._json({**body, **more}, status)

    def _limit(self, now: float) -> httpx.Response | None:
        if self.blocked:
            return self._problem(403, "Account is blocked")
        if not self.rate:
            return None
        while self._recent and now - self._recent[0] >= 1.0:
            self._recent.popleft()
        if len(self._recent) >= self.rate:
            self.refused += 1
            self.blocked = self.refused > self.patience
            return self._problem(429, **({} if self.retry_after is None else {"retry_after": self.retry_after}))  # type: ignore[arg-type]
        self._recent.append(now)
        return None

    def _fault(self, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.path in path:
                fault.seen += 1
                if not fault.on or fault.seen in fault.on:
                    return fault
        return None

    # Who asks

    async def _route(self, request: httpx.Request, path: str) -> httpx.Response:
        if path == "/oauth2/account/current/subdomain":
            return self._subdomain(request)
        if self.moved_to and request.url.host != self.moved_to:
            return self._problem(404, "Account not found")
        if path == "/oauth2/access_token" and request.method == "POST":
            return self._renew(json.loads(await request.aread()), request)
        if not self._is_known(request.headers.get("authorization", "")):
            return self._problem(401, "Unauthorized")
        asked = path.removeprefix("/api/v4/"), request.url.query.decode()
        if self.beside is None:
            return self._get(asked[0], Query(asked[1]))
        return self._answer(*await answered(self.beside, _put_together, *asked))

    def _is_known(self, authorization: str) -> bool:
        access = authorization.removeprefix("Bearer ")
        return access == self.token or self._access.get(access, 0.0) > self.clock()

    def _renew(self, body: Row, request: httpx.Request) -> httpx.Response:
        client = (body.get("client_id"), body.get("client_secret"), body.get("redirect_uri"))
        if client != self.client or body.get("grant_type") != "refresh_token":
            return self._problem(400, "Cannot decrypt the refresh token", hint="Client authentication failed")
        if body.get("refresh_token") != self.refresh_token:
            return self._problem(400, "Token is invalid", hint="Token has been revoked")
        self.issued += 1
        if not self.old_tokens_live:
            self._access.clear()
        access = jwt(n=self.issued, exp=int(self.clock()) + self.access_seconds, api_domain="api-b.amocrm.ru")
        self._access[access] = self.clock() + self.access_seconds
        self.refresh_token = f"refresh-{self.issued}"
        if self.lost_answer:
            self.lost_answer = False
            raise httpx.ReadError("Connection reset by peer", request=request)
        pair = {"access_token": access, "refresh_token": self.refresh_token}
        return self._json({"token_type": "Bearer", "expires_in": self.access_seconds, **pair})

    def expire_access(self) -> None:
        """Every access token dies at once."""
        self._access.clear()

    def _subdomain(self, request: httpx.Request) -> httpx.Response:
        if request.headers.get("x-refresh-token") != self.refresh_token:
            return self._problem(401)
        domain = self.moved_to or self.host
        name, _, zone = domain.partition(".")
        return self._json({"id": 321, "subdomain": name, "domain": domain, "top_level_domain": zone.split(".")[-1]})

    # What is asked

    def _get(self, path: str, query: Query) -> httpx.Response:
        if path == "account":
            return self._account(query)
        if path == "users" or path.startswith("users/"):
            return self._users(path, query)
        if path == "leads/pipelines":
            return self._pipelines()
        if path == "leads/loss_reasons":
            rows = [{"id": key, "name": name, "sort": key} for key, name in self.world.loss_reasons.items()]
            return self._page("loss_reasons", path, rows, query, 250, lambda row: row)
        if path == "leads/custom_fields":
            return self._page("custom_fields", path, self.world.lead_fields, query, 250, lambda row: row)
        lists: dict[str, Callable[[Query], httpx.Response]] = {
            "leads": self._leads, "tasks": self._tasks, "companies": self._companies, "events": self._events,
        }  # fmt: skip
        if path in lists:
            return lists[path](query)
        if match := re.fullmatch(r"(leads|contacts|companies)/notes", path):
            return self._notes(match[1], query)
        return self._problem(404)

    def _account(self, query: Query) -> httpx.Response:
        wanted = query.one.get("with", "").split(",")
        body: Row = {
            "id": 321, "name": "Пример", "subdomain": "example", "created_at": 1500000000, "created_by": 0,
            "updated_at": 1500000000, "updated_by": 0, "current_user_id": self.viewer, "country": "RU",
            "currency": self.world.currency, "currency_symbol": "₽", "customers_mode": "unavailable",
            "is_unsorted_on": True, "is_loss_reason_enabled": True, "_embedded": {},
        }  # fmt: skip
        if "is_api_filter_enabled" in wanted:
            body["is_api_filter_enabled"] = self.filters_enabled
        if "datetime_settings" in wanted:
            body["_embedded"]["datetime_settings"] = {"timezone": str(self.world.zone), "timezone_offset": "+03:00"}
        if "task_types" in wanted:
            body["_embedded"]["task_types"] = self.world.task_types
        return self._json(body)

    def _users(self, path: str, query: Query) -> httpx.Response:
        if not self.world.users[self.viewer].admin:
            return self._problem(403, "Not enough rights")
        if path == "users":
            return self._page("users", path, list(self.world.users.values()), query, 250, self._user)
        user = self.world.users.get(int(path.removeprefix("users/")))
        return self._json(self._user(user)) if user else self._problem(404)

    def _user(self, user: User) -> Row:
        own = self.rights if user.id == self.viewer else "M"
        view = {"view": own, "edit": own, "add": "A", "delete": "D", "export": "D"}
        group = [] if user.group is None else [{"id": user.group, "name": self.world.groups.get(user.group, "")}]
        return {
            "id": user.id, "name": user.name, "email": f"user{user.id}@example.org", "lang": "ru",
            "rights": {
                "leads": view, "contacts": view, "companies": view, "tasks": {"edit": own, "delete": own},
                "mail_access": False, "catalog_access": False, "status_rights": [], "is_admin": user.admin,
                "is_free": False, "is_active": user.active, "group_id": user.group, "role_id": None,
            },
            "_embedded": {"roles": [], "groups": group},
        }  # fmt: skip

    def _pipelines(self) -> httpx.Response:
        rows = [
            {
                "id": pipeline, "name": f"Воронка {pipeline}", "sort": n, "is_main": n == 0,
                "is_archive": pipeline in self.world.archived,
                "_embedded": {"statuses": [
                    {"id": stage.id, "name": stage.name, "sort": i, "pipeline_id": pipeline, "type": stage.type}
                    for i, stage in reversed(list(enumerate(stages)))  # no order is promised but that of `sort`
                ]},
            }
            for n, (pipeline, stages) in enumerate(self.world.pipelines.items())
        ]  # fmt: skip
        return self._json({"_total_items": len(rows), "_embedded": {"pipelines": rows}})

    def _sees(self, owner: int) -> bool:
        if self.rights == "A":
            return True
        if self.rights == "G":
            user = self.world.users.get(owner)
            return user is not None and user.group == self.world.users[self.viewer].group
        return owner == self.viewer

    def _leads(self, query: Query) -> httpx.Response:
        by, reverse = query.order(("created_at", "updated_at", "id"))
        with_reason = "loss_reason" in query.one.get("with", "")
        key, span = "leads", None
        filters: list[Callable[[Lead], bool]] = []
        if self.filters_enabled:
            stages, pipelines = self._heeded(query.pairs_of("filter[statuses]")), query.ints("filter[pipeline_id]")
            ids, owners = query.ints("filter[id]"), query.ints("filter[responsible_user_id]")
            if stages is not None:
                filters.append(lambda lead: lead.stage.last in stages)
            if pipelines is not None:
                filters.append(lambda lead: lead.stage.last[0] in pipelines)
            if ids is not None:
                filters.append(lambda lead: lead.id in ids)
            if owners is not None:
                filters.append(lambda lead: lead.owner.last in owners)
            for name in ("updated_at", "closed_at"):
                if (limits := query.span(f"filter[{name}]")) is not None:
                    filters.append(_within(name, limits))
            span = query.span("filter[created_at]")
            key = repr(
                (stages, pipelines, ids, owners, query.span("filter[updated_at]"), query.span("filter[closed_at]"))
            )

        def select() -> list[Lead]:
            return [
                lead for lead in self.world.leads.values()
                if not lead.deleted and self._sees(lead.owner.last) and all(test(lead) for test in filters)
            ]  # fmt: skip

        rows = self._sorted(("leads", key), select, by, reverse)
        if span is not None:
            rows = _cut(rows, span, by, reverse)
        return self._page("leads", "leads", rows, query, 250, lambda lead: self._lead(lead, with_reason=with_reason))

    def _heeded(self, pairs: set[tuple[int, int]] | None) -> set[tuple[int, int]] | None:
        if pairs is None or not self.stages_heeded:
            return pairs
        of_funnel = {pipeline: sorted(pair for pair in pairs if pair[0] == pipeline) for pipeline, _ in pairs}
        return {pair for every in of_funnel.values() for pair in every[: self.stages_heeded]}

    def _lead(self, lead: Lead, *, with_reason: bool) -> Row:
        pipeline, status = lead.stage.last
        due = [self.world.tasks[task].due.last for task in self.world.open_tasks.get(lead.id, ())]
        values = [
            {"field_id": int(name) if name.isdigit() else 77002, "field_name": name, "field_type": "text",
             "field_code": None if name.isdigit() else name, "values": [{"value": value}]}
            for name, value in lead.fields.last.items() if value not in (None, "")
        ]  # fmt: skip
        row: Row = {
            "id": lead.id, "name": lead.name, "price": lead.price.last, "responsible_user_id": lead.owner.last,
            "group_id": 0, "status_id": status, "pipeline_id": pipeline, "loss_reason_id": lead.reason.last,
            "created_by": lead.created_by, "updated_by": 0, "created_at": lead.created_at,
            "updated_at": lead.updated_at, "closed_at": lead.closed_at, "closest_task_at": min(due, default=None),
            "is_deleted": False, "custom_fields_values": values or None, "score": None, "account_id": 321,
            "labor_cost": None, "_links": {"self": {"href": f"https://example.amocrm.ru/api/v4/leads/{lead.id}"}},
            "_embedded": {"tags": [], "companies": []},
        }  # fmt: skip
        if with_reason:
            reason = lead.reason.last
            names = self.world.loss_reasons
            row["_embedded"]["loss_reason"] = [] if reason is None else [{"id": reason, "name": names.get(reason, "?")}]
        return row

    def _tasks(self, query: Query) -> httpx.Response:
        by, reverse = query.order(("created_at", "complete_till", "id"))
        filters: list[Callable[[Task], bool]] = []
        done, ids = query.one.get("filter[is_completed]"), query.ints("filter[id]")
        owners, types = query.ints("filter[responsible_user_id]"), query.ints("filter[task_type]")
        entity, entity_ids = query.one.get("filter[entity_type]"), query.ints("filter[entity_id]")
        span = query.span("filter[updated_at]")
        if done in ("0", "1"):  # the array form is ignored
            filters.append(lambda task: task.done.last == (done == "1"))
        if ids is not None:
            filters.append(lambda task: task.id in ids)
        if owners is not None:
            filters.append(lambda task: task.owner.last in owners)
        if types is not None:
            filters.append(lambda task: task.type_id in types)
        if entity:
            filters.append(lambda task: task.entity_type == entity)
            if entity_ids is not None:
                filters.append(lambda task: task.entity_id in entity_ids)
        if span is not None:
            filters.append(_within("updated_at", span))
        key = repr((done, ids, owners, types, entity, entity_ids, span))

        def select() -> list[Task]:
            tasks = self.world.tasks
            chosen = tasks.values() if ids is None else [tasks[key] for key in sorted(ids & tasks.keys())]
            return [
                task for task in chosen
                if not task.deleted and self._sees(task.owner.last) and all(test(task) for test in filters)
            ]  # fmt: skip

        rows = self._sorted(("tasks", key), select, by, reverse)
        return self._page("tasks", "tasks", rows, query, 250, self._task)

    def _task(self, task: Task) -> Row:
        return {
            "id": task.id, "created_by": task.created_by, "updated_by": 0, "created_at": task.created_at,
            "updated_at": task.updated_at, "responsible_user_id": task.owner.last, "group_id": 0,
            "entity_id": task.entity_id, "entity_type": task.entity_type, "duration": 0,
            "is_completed": task.done.last, "task_type_id": task.type_id, "text": task.text,
            "result": {"text": "Готово"} if task.done.last else [], "complete_till": task.due.last, "account_id": 321,
        }  # fmt: skip

    def _companies(self, query: Query) -> httpx.Response:
        by, reverse = query.order(("updated_at", "id"))
        created = query.span("filter[created_at]") if self.filters_enabled else None
        owners = query.ints("filter[responsible_user_id]") if self.filters_enabled else None
        ids = query.ints("filter[id]") if self.filters_enabled else None

        def select() -> list[Company]:
            return [
                company for company in self.world.companies.values()
                if not company.deleted and self._sees(company.owner.last)
                and (created is None or created[0] <= company.created_at <= created[1])
                and (owners is None or company.owner.last in owners)
                and (ids is None or company.id in ids)
            ]  # fmt: skip

        rows = self._sorted(("companies", repr((created, owners, ids))), select, by, reverse)
        return self._page("companies", "companies", rows, query, 250, self._company)

    def _company(self, company: Company) -> Row:
        return {
            "id": company.id, "name": company.name, "responsible_user_id": company.owner.last, "group_id": 0,
            "is_deleted": False, "created_by": company.created_by, "updated_by": 0, "created_at": company.created_at,
            "updated_at": company.updated_at, "closest_task_at": None, "custom_fields_values": None, "account_id": 321,
        }  # fmt: skip

    def _notes(self, entity: str, query: Query) -> httpx.Response:
        by, reverse = query.order(("updated_at", "id"))
        types, ids = query.many("filter[note_type]"), query.ints("filter[id]")
        entity_ids, span = query.ints("filter[entity_id]"), query.span("filter[updated_at]")

        def select() -> list[Note]:
            return [
                note for note in self.world.notes.values()
                if note.entity_type == entity and not note.deleted
                and (types is None or note.type in types)
                and (ids is None or note.id in ids)
                and (entity_ids is None or note.entity_id in entity_ids)
                and (span is None or span[0] <= note.updated_at <= span[1])
            ]  # fmt: skip

        rows = self._sorted(("notes", entity, repr((types, ids, entity_ids, span))), select, by, reverse)
        if entity == "leads" and self.rights != "A":
            rows = [note for note in rows if self._sees(self.world.leads[note.entity_id].owner.last)]
        return self._page("notes", f"{entity}/notes", rows, query, 250, self._note)

    def _note(self, note: Note) -> Row:
        return {
            "id": note.id, "entity_id": note.entity_id, "created_by": note.created_by, "updated_by": note.created_by,
            "created_at": note.created_at, "updated_at": note.updated_at, "responsible_user_id": note.responsible,
            "group_id": 0, "note_type": note.type, "params": note.params, "account_id": 321,
        }  # fmt: skip

    def _events(self, query: Query) -> httpx.Response:
        span = query.span("filter[created_at]")
        if span is None and (plain := query.one.get("filter[created_at]")):
            low, _, high = plain.partition(",")
            span = (int(low), int(high) if high else 2**62)
        names = query.many("filter[type]")
        types = None if names is None else {part for value in names for part in value.split(",")}
        after = query.pairs_of("filter[value_after][leads_statuses]")
        before = query.pairs_of("filter[value_before][leads_statuses]")
        entity, ids = query.many("filter[entity]"), query.ints("filter[entity_id]")
        if ids is not None and (entity is None or len(entity) != 1 or len(ids) > 10):
            return self._problem(400, "filter[entity_id] needs exactly one filter[entity] and at most 10 ids")

        def select() -> list[Event]:
            found = [
                event for event in self.world.events
                if (span is None or span[0] <= event.created_at <= span[1])
                and (types is None or not types.isdisjoint((event.type, re.sub(r"_\d+_", "_", event.type))))
                and (entity is None or event.entity_type in entity)
                and (ids is None or event.entity_id in ids)
                and (after is None or _stage_of(event.after) in after)
                and (before is None or _stage_of(event.before) in before)
            ]  # fmt: skip
            found.sort(key=lambda event: (event.created_at, event.id), reverse=True)
            return found

        key = ("events", repr((span, types, after, before, entity, ids)))
        rows = self._cached(key, len(self.world.events), select)
        return self._page("events", "events", rows, query, 100, self._event)

    def _event(self, event: Event) -> Row:
        return {
            "id": event.id, "type": event.type, "entity_id": event.entity_id, "entity_type": event.entity_type,
            "created_by": event.created_by, "created_at": event.created_at, "value_after": event.after,
            "value_before": event.before, "account_id": 321,
        }  # fmt: skip

    # Pages

    def _cached(self, key: tuple[Any, ...], version: int, select: Callable[[], list[Any]]) -> list[Any]:
        kept = self._cache.get(key)
        if kept is None or kept[0] != version:
            if len(self._cache) > 1024:
                self._cache.clear()
            kept = self._cache[key] = (version, select(), [])
        return kept[1]

    def _sorted(self, key: tuple[Any, ...], select: Callable[[], list[Any]], by: str, reverse: bool) -> list[Any]:
        def ordered() -> list[Any]:
            return sorted(select(), key=lambda thing: (_value(thing, by), thing.id), reverse=reverse)

        return self._cached((*key, by, reverse, self.rights, self.viewer), self.world.version, ordered)

    def _page(
        self, name: str, path: str, rows: list[Any], query: Query, most: int, show: Callable[[Any], Row]
    ) -> httpx.Response:
        limit = min(int(query.one.get("limit", "50")), most, self.page_size or most)
        page = int(query.one.get("page", "1"))
        begin = (page - 1) * limit
        part = rows[max(0, begin - self.repeat_rows) : begin + limit]
        if not part:
            return self._answer(204)
        links: Row = {"self": {"href": f"https://example.amocrm.ru/api/v4/{path}?page={page}&limit={limit}"}}
        if len(rows) > page * limit:
            links["next"] = {"href": f"https://example.amocrm.ru/api/v4/{path}?page={page + 1}&limit={limit}"}
        return self._json({"_page": page, "_links": links, "_embedded": {name: [show(row) for row in part]}})


def _value(thing: Any, by: str) -> int:
    if by == "complete_till":
        due: int = thing.due.last
        return due
    value: int = getattr(thing, by)
    return value


def _within(name: str, limits: tuple[int, int]) -> Callable[[Any], bool]:
    def test(thing: Any) -> bool:
        value = getattr(thing, name)
        return value is not None and limits[0] <= value <= limits[1]

    return test


def _cut(rows: list[Any], span: tuple[int, int], by: str, reverse: bool) -> list[Any]:
    """Rows created within the span; by halving where they are sorted by that."""
    if by == "created_at" and not reverse:
        low = bisect_left(rows, span[0], key=lambda thing: thing.created_at)
        return rows[low : bisect_right(rows, span[1], key=lambda thing: thing.created_at)]
    return [thing for thing in rows if span[0] <= thing.created_at <= span[1]]


def _stage_of(value: list[Row]) -> tuple[int, int] | None:
    if not value or "lead_status" not in value[0]:
        return None
    stage = value[0]["lead_status"]
    return stage["pipeline_id"], stage["id"]


def _put_together(fake: FakeAmocrm, path: str, query: str) -> tuple[int, bytes, dict[str, str]]:
    response = fake._get(path, Query(query))
    kind = response.headers.get("content-type")
    return response.status_code, response.content, {"content-type": kind} if kind else {}


Handler = Callable[[httpx.Request], Coroutine[None, None, httpx.Response]]


@asynccontextmanager
async def serve(handle: Handler, port: int = 0) -> AsyncIterator[str]:
    """Serve on a loopback port, HTTP/1.1 with keep-alive; yields the base URL."""
    talks: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(_talk(handle, reader, writer)))

    server = await asyncio.start_server(begin, "127.0.0.1", port)
    async with server:
        number = server.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{number}"
    for talk in talks:
        talk.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def _talk(handle: Handler, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readline():
            method, target, _ = head.decode().split(" ", 2)
            headers = {}
            while (line := (await reader.readline()).decode().strip()) != "":
                name, _, value = line.partition(":")
                headers[name.lower()] = value.strip()
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            url = f"http://{headers.get('host', '127.0.0.1')}{urlsplit(target).path}"
            query = urlsplit(target).query
            response = await handle(
                httpx.Request(method, f"{url}?{query}" if query else url, headers=headers, content=body)
            )
            lines = [f"HTTP/1.1 {response.status_code} {response.reason_phrase}"]
            lines += [f"{name}: {value}" for name, value in response.headers.items() if name != "content-length"]
            if response.status_code != 204:
                lines.append(f"content-length: {len(response.content)}")
            writer.write("\r\n".join([*lines, "", ""]).encode() + response.content)
            await writer.drain()
    except (httpx.TransportError, ConnectionError, asyncio.IncompleteReadError, ValueError):
        pass
    finally:
        writer.close()


__all__ = ["LOST", "WON", "FakeAmocrm", "Fault", "jwt", "serve"]
