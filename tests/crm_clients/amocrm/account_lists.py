"""What an amoCRM account answers to whoever may ask: its lists, page by page, with their filters.

Only documented parameters are understood; everything else is ignored without a word, as the real one does.
"""

from __future__ import annotations

import json
import re
import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import httpx

from tests.crm_clients.amocrm.account_rows import Company, Event, Lead, Note, Row, Task, User
from tests.crm_clients.amocrm.query import Query
from tests.crm_clients.amocrm.wire_rows import company_row, event_row, lead_row, note_row, task_row
from tests.crm_clients.amocrm.world import World

HAL = {"content-type": "application/hal+json"}
PROBLEM = {"content-type": "application/problem+json"}


@dataclass(slots=True)
class AccountLists:
    """The account as one of its users sees it."""

    world: World
    viewer: int = 1
    rights: str = "A"
    """`A` everything, `G` his group's, `M` only his own."""
    filters_enabled: bool = True
    stages_heeded: int = 0
    """Stages of a funnel that a filter by stages heeds, as Kommo's page on leads has it; 0: all."""
    page_size: int | None = None
    """Fewer rows per page than anybody asks for."""
    repeat_rows: bool = False
    """Each page begins with the last row of the one before, as if something had been inserted."""
    skew: int = 0
    clock: Callable[[], float] = time.time
    _cache: dict[tuple[Any, ...], tuple[int, list[Any], list[int]]] = field(default_factory=dict)

    def get(self, path: str, query: Query) -> httpx.Response:
        """Answer a question to a path under `/api/v4/`."""
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
        return self.problem(404)

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
        return self.json(body)

    def _users(self, path: str, query: Query) -> httpx.Response:
        if not self.world.users[self.viewer].admin:
            return self.problem(403, "Not enough rights")
        if path == "users":
            return self._page("users", path, list(self.world.users.values()), query, 250, self._user)
        user = self.world.users.get(int(path.removeprefix("users/")))
        return self.json(self._user(user)) if user else self.problem(404)

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
        return self.json({"_total_items": len(rows), "_embedded": {"pipelines": rows}})

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
        return self._page(
            "leads", "leads", rows, query, 250, lambda lead: lead_row(self.world, lead, with_reason=with_reason)
        )

    def _heeded(self, pairs: set[tuple[int, int]] | None) -> set[tuple[int, int]] | None:
        if pairs is None or not self.stages_heeded:
            return pairs
        of_funnel = {pipeline: sorted(pair for pair in pairs if pair[0] == pipeline) for pipeline, _ in pairs}
        return {pair for every in of_funnel.values() for pair in every[: self.stages_heeded]}

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
        return self._page("tasks", "tasks", rows, query, 250, task_row)

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
        return self._page("companies", "companies", rows, query, 250, company_row)

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
        return self._page("notes", f"{entity}/notes", rows, query, 250, note_row)

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
            return self.problem(400, "filter[entity_id] needs exactly one filter[entity] and at most 10 ids")

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
        return self._page("events", "events", rows, query, 100, event_row)

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
            return self.answer(204)
        links: Row = {"self": {"href": f"https://example.amocrm.ru/api/v4/{path}?page={page}&limit={limit}"}}
        if len(rows) > page * limit:
            links["next"] = {"href": f"https://example.amocrm.ru/api/v4/{path}?page={page + 1}&limit={limit}"}
        return self.json({"_page": page, "_links": links, "_embedded": {name: [show(row) for row in part]}})

    # Replies

    def answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> httpx.Response:
        date = formatdate(self.clock() + self.skew, usegmt=True)
        return httpx.Response(status, content=body, headers={"date": date, **(headers or {})})

    def json(self, body: Any, status: int = 200) -> httpx.Response:
        return self.answer(status, json.dumps(body, ensure_ascii=False).encode(), HAL if status < 400 else PROBLEM)

    def problem(self, status: int, detail: str = "", **more: Any) -> httpx.Response:
        body = {
            "title": HTTPStatus(status).phrase,
            "type": "https://httpstatus.es/",
            "status": status,
            "detail": detail,
        }
        return self.json({**body, **more}, status)


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
