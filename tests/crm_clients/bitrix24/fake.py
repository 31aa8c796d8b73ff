"""A Bitrix24 portal in memory that answers an incoming webhook as the vendor documents (docs/crm/bitrix24.md).

`Portal` holds rows in the wire's own spelling; `FakeBitrix24` speaks: batches with references, pages of 50 by offset or
by id, request and operation limits, and the lists that come as objects and objects that come as lists.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import httpx
import msgspec

from tests.crm_clients.bitrix24.php import parsed
from tests.crm_clients.bitrix24.portal import COMPANY, DEAL, SECRET, SERVER, Portal
from tests.crm_clients.bitrix24.table import Row, Table, number, values_of

PAGE, COMMANDS = 50, 50

Fault = Callable[[str, Mapping[str, Any]], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class _Refused(Exception):
    status: int
    body: Mapping[str, Any]


class FakeBitrix24(httpx.AsyncBaseTransport):
    """Speaks for a portal. `monotonic` and `now` are its clocks."""

    def __init__(
        self,
        portal: Portal,
        *,
        now: Callable[[], float] = time.time,
        per_second: float = 0,
        bucket: int = 50,
        repeat_rows: bool = False,
        lists_as_objects: bool = False,
        keyset_calls: bool = False,
    ) -> None:
        """`per_second` 0: no request limit. `keyset_calls`: whether call statistics know `start=-1`."""
        self.portal = portal
        self.requests = 0
        self.commands: Counter[str] = Counter()
        self.refused = 0
        """Requests beyond the limit."""
        self.fault: Fault = lambda _method, _params: None
        """An error for a command of a batch, by method and parameters."""
        self.operation_limits: dict[str, float] = {}
        """Method → Unix time until which its computing time is used up."""
        self.overloaded = False
        self.unknown_fields: frozenset[str] = frozenset()
        """Fields that deals of the portal do not have."""
        self.silent_profile = False
        """Whether the profile says nothing of rights."""
        self.empty: set[str] = set()
        """Methods that list nothing, without an error, whatever there is."""
        self._bound: dict[tuple[int, int], set[int]] = {}
        self._bound_count = 0
        self._moves: dict[str, list[int]] = {}
        self._moves_count = 0
        self._now, self._per_second, self._bucket = now, per_second, bucket
        self._level, self._leaked = 0.0, now()
        self._repeat_rows, self._lists_as_objects, self._keyset_calls = repeat_rows, lists_as_objects, keyset_calls

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, as httpx's transport."""
        await request.aread()
        status, body = self.answer(request.url.path, request.content)
        return httpx.Response(status, content=body, headers={"content-type": "application/json; charset=utf-8"})

    def answer(self, path: str, content: bytes) -> tuple[int, bytes]:
        """Status and body for a POST."""
        self.requests += 1
        try:
            self._admit()
            _, user, secret, method = path.strip("/").split("/", 3)
            if secret != SECRET or int(user) != self.portal.viewer:
                raise _Refused(401, _error("INVALID_CREDENTIALS", "Invalid request credentials"))
            method = method.removesuffix(".json")
            params = json.loads(content or b"{}", parse_float=Decimal)
            if method == "batch":
                self._operations("batch")
                result: Row = {"result": self._batch(params)}
            else:
                value, total, following = self._call(method, params)
                result = {"result": value}
                result |= {} if total is None else {"total": total}
                result |= {} if following is None else {"next": following}
        except _Refused as error:
            return error.status, _json({**error.body, "time": self._time()})
        return 200, _json({**result, "time": self._time()})

    def _admit(self) -> None:
        now = self._now()
        if self.overloaded:
            raise _Refused(503, _error("OVERLOAD_LIMIT", "REST API is blocked due to overload"))
        if not self._per_second:
            return
        self._level = max(0.0, self._level - (now - self._leaked) * self._per_second)
        self._leaked = now
        if self._level + 1 > self._bucket:
            self.refused += 1
            raise _Refused(503, _error("QUERY_LIMIT_EXCEEDED", "Too many requests"))
        self._level += 1

    def _operations(self, method: str) -> None:
        until = self.operation_limits.get(method, 0)
        if self._now() < until:
            raise _Refused(429, {**_error("OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit"),
                                 "until": until})  # fmt: skip

    def _time(self, method: str = "") -> Row:
        now = self._now()
        moment = datetime.fromtimestamp(now, SERVER).isoformat(timespec="seconds")
        reset = self.operation_limits.get(method or "batch", now + 600)
        return {
            "start": now, "finish": now, "duration": 0.01, "date_start": moment, "date_finish": moment,
            "processing": 0.01, "operating": 0.1, "operating_reset_at": int(reset),
        }  # fmt: skip

    # Batches

    def _batch(self, params: Mapping[str, Any]) -> Row:
        results: Row = {}
        parts: dict[str, Row] = {"result": results, "result_error": {}, "result_total": {}, "result_next": {},
                                 "result_time": {}}  # fmt: skip
        commands = params["cmd"]
        named = commands.items() if isinstance(commands, Mapping) else enumerate(commands)
        for place, (name, text) in enumerate(named):
            method, _, query = str(text).partition("?")
            try:
                if place >= COMMANDS:
                    raise _Refused(400, _error("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded"))
                if method == "batch":
                    raise _Refused(405, _error("ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed"))
                value, total, following = self._call(method, parsed(query, results))
            except _Refused as error:
                parts["result_error"][name] = error.body
            else:
                results[name] = value
                if total is not None:
                    parts["result_total"][name] = total
                if following is not None:
                    parts["result_next"][name] = following
            parts["result_time"][name] = self._time(method)
        return {name: value or [] for name, value in parts.items()}

    def _call(self, method: str, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
        self.commands[method] += 1
        if (error := self.fault(method, params)) is not None:
            raise _Refused(400, error)
        self._operations(method)
        way = _METHODS.get(method)
        if way is None:
            raise _Refused(404, _error("ERROR_METHOD_NOT_FOUND", "Method not found!"))
        scope, answer = way
        if scope and not any(granted.startswith(scope) for granted in self.portal.scopes):
            raise _Refused(
                403, _error("insufficient_scope", "The request requires higher privileges than provided by the webhook")
            )
        found: tuple[Any, int | None, int | None] = answer(self, params)
        if method in self.empty:
            return ({name: [] for name in found[0]} if isinstance(found[0], Mapping) else []), 0, None
        return found

    # Lists

    def page(
        self,
        table: Table,
        params: Mapping[str, Any],
        conditions: Mapping[str, Any],
        *,
        select: Sequence[str] | None = None,
        at: str = "",
        extra: Callable[[Row], bool] | None = None,
        mark: str = "",
        keyset: bool = True,
        among: Iterable[int] | None = None,
        times: Callable[[int], int] | None = None,
    ) -> tuple[Any, int | None, int | None]:
        """A page as list methods give it; `times` says how often a row comes."""
        ids = table.select(conditions, extra, mark, among)
        if times is not None:
            ids = [key for key in ids for _ in range(times(key))]
        if "DESC" in (params.get("ORDER"), *values_of(params.get("order"))):
            ids = ids[::-1]
        start = number(params.get("start"))
        counted = start >= 0
        if start < 0 and not keyset:
            start, counted = 0, True
        begin = max(0, start)
        if self._repeat_rows and begin and counted:
            begin = max(0, begin - 3)
        chosen = [table.rows[key] for key in ids[begin : begin + PAGE]]
        rows: Any = [{name: row.get(name) for name in select} if select else dict(row) for row in chosen]
        if self._lists_as_objects and rows:
            rows = {str(place): row for place, row in enumerate(rows)}
        value = {at: rows} if at else rows
        if not counted:
            return value, 0, None
        return value, len(ids), begin + PAGE if begin + PAGE < len(ids) else None

    def items_of(self, params: Mapping[str, Any]) -> Table:
        """The table of an object of the CRM, by its number."""
        tables = {DEAL: self.portal.deals, COMPANY: self.portal.companies}
        return tables.get(number(params.get("entityTypeId")), Table("id"))

    def index(self) -> None:
        """Know what is in the portal before anybody asks, as a server knows it by its indexes."""
        portal = self.portal
        portal.deals.index(times=("createdTime", "movedTime"), values=("closed",))
        portal.activities.index(times=("DEADLINE", "LAST_UPDATED", "START_TIME"), values=("COMPLETED",))
        portal.tasks.index(times=("deadline", "closedDate"))
        portal.calls.index(times=("CALL_START_DATE",))
        portal.companies.index(times=("createdTime",))
        self.bound_to(())
        self.moves_of(())

    def bound_to(self, wanted: Iterable[tuple[int, int]]) -> set[int]:
        """Activities that are bound to any of the objects."""
        if self._bound_count != len(self.portal.bindings):
            self._bound = defaultdict(set)
            for activity, objects in self.portal.bindings.items():
                for place in objects:
                    self._bound[place].add(activity)
                    self._bound[place[0], 0].add(activity)
            self._bound_count = len(self.portal.bindings)
        return set().union(*(self._bound.get(place, ()) for place in wanted))

    def moves_of(self, deals: Iterable[Any]) -> list[int]:
        """Stage history rows of some deals."""
        if self._moves_count != len(self.portal.moves.rows):
            self._moves = defaultdict(list)
            for key, row in self.portal.moves.rows.items():
                self._moves[str(row["OWNER_ID"])].append(key)
            self._moves_count = len(self.portal.moves.rows)
        return [key for deal in deals for key in self._moves.get(str(deal), ())]

    def admin(self) -> Row:
        """What the profile says of rights."""
        told = self.portal.admin if self.portal.says_admin is None else self.portal.says_admin
        return {} if self.silent_profile else {"ADMIN": told}

    def sees(self, *names: str) -> tuple[Callable[[Row], bool] | None, str]:
        """Somebody who is no administrator sees his own, and is told nothing of the rest."""
        if self.portal.admin:
            return None, ""
        me = str(self.portal.viewer)
        return (lambda row: any(str(row.get(name)) == me for name in names)), me


def _items(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    extra, mark = fake.sees("assignedById")
    wanted = values_of(params.get("select")) or ["id"]
    return fake.page(
        fake.items_of(params), params, params.get("filter") or {},
        select=None if "*" in wanted else [*dict.fromkeys(["id", *wanted])], at="items", extra=extra, mark=mark,
    )  # fmt: skip


def _item(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    row = fake.items_of(params).rows.get(number(params.get("id")))
    if row is None:
        raise _Refused(400, _error("NOT_FOUND", "Элемент не найден"))
    return {"item": dict(row)}, None, None


def _activity(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    row = fake.portal.activities.rows.get(number(params.get("id")))
    if row is None:
        raise _Refused(400, _error("", "Activity is not found."))
    return dict(row), None, None


def _activities(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    conditions = dict(params.get("filter") or {})
    bindings = conditions.pop("BINDINGS", None)
    sees, mark = fake.sees("RESPONSIBLE_ID")
    extra, among, times = sees, None, None
    if bindings is not None:
        wanted = [
            (number(binding.get("OWNER_TYPE_ID", 0)), number(binding.get("OWNER_ID", 0)))
            for binding in (bindings.values() if isinstance(bindings, Mapping) else bindings)
        ]
        mark += str(wanted)
        asked = set(wanted)

        def bound(row: Row) -> bool:
            objects = fake.portal.bindings[int(row["ID"])]
            return (sees is None or sees(row)) and any(
                not asked.isdisjoint(((kind, key), (kind, 0), (0, key), (0, 0))) for kind, key in objects
            )

        def hits(key: int) -> int:
            """An activity comes once for each of the objects asked for that it is bound to."""
            return len(asked.intersection(fake.portal.bindings[key])) or 1

        extra, times = bound, hits
        among = fake.bound_to(wanted)
    return fake.page(
        fake.portal.activities, params, conditions, select=values_of(params.get("select")), extra=extra, mark=mark,
        among=among, times=times,
    )  # fmt: skip


def _tasks(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    asked = params.get("filter") or {}
    if any(isinstance(value, Mapping) for value in asked.values()):
        raise _Refused(400, _error("0", "A filter of tasks knows no lists of values"))
    conditions = {_camel(name): value for name, value in asked.items() if name.upper() == name}  # others are unknown
    extra, mark = fake.sees("responsibleId")
    return fake.page(fake.portal.tasks, params, conditions, at="tasks", extra=extra, mark=mark)


def _calls(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    return fake.page(fake.portal.calls, params, params.get("FILTER") or {}, keyset=fake._keyset_calls)


def _moves(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    conditions = params.get("filter") or {}
    among = fake.moves_of(values_of(conditions["OWNER_ID"])) if "OWNER_ID" in conditions else None
    return fake.page(fake.portal.moves, params, conditions, at="items", among=among)


def _bindings(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    bound = sorted(fake.portal.bindings.get(number(params.get("activityId")), ()))
    return [{"entityTypeId": kind, "entityId": key} for kind, key in bound], None, None


def _comments(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    conditions = params.get("filter") or {}
    if not conditions.get("ENTITY_ID") or conditions.get("ENTITY_TYPE") != "deal":
        raise _Refused(400, _error("", "Filter by ENTITY_ID and ENTITY_TYPE is required"))
    rows = sorted(fake.portal.comments.get(number(conditions["ENTITY_ID"]), ()), key=lambda row: str(row["CREATED"]))
    start = max(0, number(params.get("start")))
    following = start + PAGE if start + PAGE < len(rows) else None
    return rows[start : start + PAGE], len(rows), following


def _statuses(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    return fake.page(fake.portal.statuses, params, params.get("filter") or {})


def _funnels(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    stages = [row for row in fake.portal.statuses.rows.values() if row["ENTITY_ID"].startswith("DEAL_STAGE")]
    numbers = {int(row.get("CATEGORY_ID") or 0) for row in stages} - fake.portal.hidden_funnels
    rows = [{"id": key, "name": f"Воронка {key}", "entityTypeId": DEAL} for key in sorted(numbers)]
    start = max(0, number(params.get("start")))
    following = start + PAGE if start + PAGE < len(rows) else None
    return {"categories": rows[start : start + PAGE]}, len(rows), following


def _users(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    conditions = params.get("FILTER") or params.get("filter") or {}
    return fake.page(
        fake.portal.users, params, conditions, extra=lambda row: row["USER_TYPE"] in ("employee", "extranet")
    )


def _departments(fake: FakeBitrix24, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    return fake.page(fake.portal.departments, {"start": params.get("START")}, {})


def _fields(fake: FakeBitrix24, _params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
    plain = (
        "id",
        "title",
        "stageId",
        "categoryId",
        "companyId",
        "contactId",
        "opportunity",
        "comments",
        "sourceId",
        "movedBy",
    )
    known = [name for name in plain if name not in fake.unknown_fields]
    return {"fields": {**{name: {"type": "string"} for name in known}, **fake.portal.fields}}, None, None


def _plain(
    answer: Callable[[FakeBitrix24], Any],
) -> Callable[[FakeBitrix24, Mapping[str, Any]], tuple[Any, None, None]]:
    return lambda fake, _params: (answer(fake), None, None)


_METHODS: dict[str, tuple[str, Any]] = {
    "crm.item.list": ("crm", _items),
    "crm.item.get": ("crm", _item),
    "crm.activity.get": ("crm", _activity),
    "crm.activity.list": ("crm", _activities),
    "crm.activity.binding.list": ("crm", _bindings),
    "crm.stagehistory.list": ("crm", _moves),
    "crm.timeline.comment.list": ("crm", _comments),
    "crm.status.list": ("crm", _statuses),
    "crm.item.fields": ("crm", _fields),
    "crm.category.list": ("crm", _funnels),
    "tasks.task.list": ("task", _tasks),
    "voximplant.statistic.get": ("telephony", _calls),
    "user.get": ("user", _users),
    "department.get": ("department", _departments),
    "server.time": ("", _plain(lambda fake: datetime.fromtimestamp(fake._now(), SERVER).isoformat(timespec="seconds"))),
    "scope": ("", _plain(lambda fake: list(fake.portal.scopes))),
    "crm.currency.base.get": ("crm", _plain(lambda fake: fake.portal.currency)),
    "profile": (
        "",
        _plain(
            lambda fake: {
                "ID": str(fake.portal.viewer),
                **fake.admin(),
                "NAME": "Хозяин",
                "LAST_NAME": "Вебхука",
            }
        ),
    ),
}


_json = msgspec.json.Encoder(decimal_format="number").encode
"""Exact decimals as numbers."""


def _error(code: str, text: str) -> Row:
    return {"error": code, "error_description": text}


def _camel(name: str) -> str:
    prefix = re.match(r"^[<>=!@]*", name)
    mark = prefix.group(0) if prefix else ""
    words = name.removeprefix(mark).lower().split("_")
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    return mark + {"realStatus": "status"}.get(camel, camel)
