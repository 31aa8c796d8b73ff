"""A small Odoo: tables filled from a `World`, searched with Odoo's own domains, over JSON-2 and JSON-RPC.

It does what was measured on a real Odoo 19: dates of closed deals move when they are archived or moved, activities and
messages are hidden only after a page was cut, dates are naive strings in UTC, and JSON-RPC answers 200 to everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from scoring.records import DealState
from tests.crm_clients.world import TODAY, Move, Quirks, World, WorldDeal, WorldTask

KEY, DATABASE, LOGIN = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", "crm", "reglament@example.com"
HOST = "odoo.example"
READER = 2
BOT, BOT_PARTNER = 1, 2
TYPES = {"todo": 4, "call": 2, "meeting": 3}
CREATED, STAGE, WON, LOST, RESTORED = 8, 9, 10, 11, 12
SUBTYPES = {
    CREATED: "crm.mt_lead_create",
    STAGE: "crm.mt_lead_stage",
    WON: "crm.mt_lead_won",
    LOST: "crm.mt_lead_lost",
    RESTORED: "crm.mt_lead_restored",
}
WON_STAGE = 90
STAGES = {"new": 11, "talks": 12, "lost_too": 13, "won": WON_STAGE}
GUARDED = ("mail.activity", "mail.message")
Row = dict[str, Any]


def stamp(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


class OdooError(Exception):
    def __init__(self, name: str, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.name, self.message, self.status = name, message, status


@dataclass
class FakeOdoo:
    """Callable as the handler of an `httpx.MockTransport`."""

    world: World
    quirks: Quirks = field(default_factory=Quirks)
    version: str = "19.0"
    groups: frozenset[str] = frozenset({"sales_team.group_sale_salesman_all_leads"})
    clock_ahead: timedelta = timedelta(0)
    hidden: Callable[[str, Row], bool] = lambda _model, _row: False
    """Rows of `GUARDED` models that the key's user may not see."""
    forbidden: frozenset[str] = frozenset()
    """Models that the key's user may not read at all."""

    def __post_init__(self) -> None:
        self.tables: dict[str, list[Row]] = {}
        self._messages = 0
        self._fill()

    @property
    def major(self) -> int:
        return int(self.version.partition(".")[0])

    # The wire

    def __call__(self, request: httpx.Request) -> httpx.Response:
        response = self._respond(request)
        response.headers["date"] = format_datetime(self.world.now + self.clock_ahead, usegmt=True)
        return response

    def _respond(self, request: httpx.Request) -> httpx.Response:
        parts = request.url.path.strip("/").split("/")
        body = json.loads(request.content)
        if parts == ["jsonrpc"]:
            return self._jsonrpc(body)
        if parts[:2] == ["json", "2"] and self.major >= 19 and request.headers["x-odoo-database"] == DATABASE:
            return self._json2(request, parts[2], parts[3], body)
        return httpx.Response(404, html="<title>404 Not Found</title>")

    def _json2(self, request: httpx.Request, model: str, method: str, body: dict[str, Any]) -> httpx.Response:
        if request.headers.get("authorization") != f"bearer {KEY}":
            return self._told(OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey", 401))
        ids = body.pop("ids", None)
        try:
            return httpx.Response(200, content=self._dump(self.call(model, method, ids, body)))
        except OdooError as error:
            return self._told(error)

    def _told(self, error: OdooError) -> httpx.Response:
        body = {"name": error.name, "message": error.message, "arguments": [], "debug": "Traceback: secret things"}
        return httpx.Response(error.status, json=body)

    def _jsonrpc(self, body: dict[str, Any]) -> httpx.Response:
        try:
            result = self._service(**body["params"])
        except OdooError as error:
            data = {"name": error.name, "message": error.message, "debug": "Traceback: secret things"}
            answer: dict[str, Any] = {"error": {"code": 0, "message": "Odoo Server Error", "data": data}}
        else:
            answer = {"result": result}
        return httpx.Response(200, content=self._dump({"jsonrpc": "2.0", "id": 1, **answer}))

    def _service(self, service: str, method: str, args: list[Any]) -> Any:
        if (service, method) == ("common", "version"):
            return {"server_version": self.version, "protocol_version": 1}
        if args[0] != DATABASE:
            raise OdooError("psycopg2.OperationalError", f'FATAL:  database "{args[0]}" does not exist')
        if (service, method) == ("common", "login"):
            return READER if args[1:] == [LOGIN, KEY] else False
        _, uid, key, model, name, place, arguments = args
        if (uid, key) != (READER, KEY):
            raise OdooError("odoo.exceptions.AccessDenied", "Access Denied")
        return self.call(model, name, place[0] if place else None, arguments)

    def _dump(self, value: Any) -> bytes:
        return json.dumps(value, ensure_ascii=False).encode()

    # The methods

    def call(self, model: str, method: str, ids: list[int] | None, arguments: dict[str, Any]) -> Any:
        if (model, method) == ("res.users", "context_get"):
            return {"lang": "ru_RU", "tz": "Europe/Moscow", "uid": READER}
        if (model, method) == ("res.users", "has_group"):
            if (ids is None) != (self.major < 18):
                raise OdooError("builtins.ValueError", "Expected singleton: res.users()")
            return arguments["group_ext_id"] in self.groups
        if model not in self.tables:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model '{model}' does not exist", 404)
        if model in self.forbidden:
            raise OdooError(
                "odoo.exceptions.AccessError", f"You are not allowed to access '{model}' records.\n\nAsk.", 403
            )
        if method == "get_external_id":
            return {str(key): SUBTYPES.get(key, False) for key in ids or ()}
        if method == "fields_get":
            return {name: {"type": "char", "string": f"Поле {name}"} for name in self._fields(model)}
        rows = self._search(model, **{key: arguments.get(key) for key in ("domain", "limit", "order", "context")})
        if method == "search":
            return [row["id"] for row in rows]
        if method != "search_read":
            raise OdooError("werkzeug.exceptions.NotFound", f"The method '{model}.{method}' does not exist", 404)
        if strange := set(arguments["fields"]) - self._fields(model):
            raise OdooError("builtins.ValueError", f"Invalid field '{min(strange)}' on '{model}'")
        return [{"id": row["id"], **{name: row[name] for name in arguments["fields"]}} for row in rows]

    def _fields(self, model: str) -> set[str]:
        if model == "crm.lead":
            return set(FakeOdoo._lead(FakeOdoo(World(), version=self.version), WorldDeal("1", "", "7")))
        return {"id"}.union(*(row.keys() for row in self.tables[model])) | FIELDS.get(model, set())

    def _search(self, model: str, domain: Any, limit: Any, order: Any, context: Any) -> list[Row]:
        rows = sorted(self.tables[model], key=lambda row: row["id"], reverse=order == "id desc")
        if (context or {}).get("active_test", True) is not False and not _names(domain, "active"):
            rows = [row for row in rows if row.get("active", True)]
        rows = [row for row in rows if matches(row, domain)]
        if limit:
            start = 1 if self.quirks.repeat_rows else 0  # a row of the page before comes again
            rows = self._again(model, domain, rows)[: max(start + 1, min(limit, self.quirks.page_size or limit))]
        if model in GUARDED:
            rows = [row for row in rows if not self.hidden(model, row)]
        return rows

    def _again(self, model: str, domain: list[Any], rows: list[Row]) -> list[Row]:
        last = next((term[2] for term in domain if term[:2] == ["id", ">"]), 0)
        if not self.quirks.repeat_rows or not rows or not last:
            return rows
        return [row for row in self.tables[model] if row["id"] == last] + rows

    # The tables

    def _fill(self) -> None:
        for model in (*GUARDED, "mail.tracking.value", "crm.lead", "res.partner", "calendar.event"):
            self.tables[model] = []
        self.tables["mail.activity.type"] = [
            {"id": 4, "name": "To-Do", "category": "default"},
            {"id": 2, "name": "Call", "category": "phonecall"},
            {"id": 3, "name": "Meeting", "category": "meeting"},
        ]
        self.tables["mail.message.subtype"] = [{"id": key, "res_model": "crm.lead"} for key in SUBTYPES]
        self.tables["crm.stage"] = [
            {"id": key, "name": name, "is_won": key == WON_STAGE, "sequence": key, "team_ids": []}
            for name, key in STAGES.items()
        ]
        self.tables["crm.team"] = [
            {
                "id": int(key),
                "name": name,
                "active": True,
                "member_ids": [int(user.id) for user in self.world.users if user.human],
            }
            for key, name in self.world.pipelines.items()
        ]
        self._fill_people()
        for deal in self.world.deals:
            self.add_deal(deal)
        for task in self.world.tasks:
            self.add_task(task)
        self._fill_events()

    def _fill_people(self) -> None:
        users = [{"id": BOT, "name": "OdooBot", "login": "__system__", "active": False, "share": False}]
        users += [{"id": READER, "name": "Reglament", "login": LOGIN, "active": True, "share": False}]
        users += [
            {
                "id": int(user.id),
                "name": user.name,
                "login": f"u{user.id}",
                "active": user.active,
                "share": not user.human,
            }
            for user in self.world.users
        ]
        self.tables["res.users"] = [
            {
                **user,
                "partner_id": [self.partner(int(str(user["id"]))), user["name"]],
                "company_id": [1, "Главная"],
                "company_ids": [1],
            }
            for user in users
        ]
        self.tables["res.company"] = [{"id": 1, "name": "Главная", "currency_id": [1, "RUB"]}]

    def partner(self, user: int) -> int:
        return BOT_PARTNER if user == BOT else 500_000 + user

    def _person(self, user: str) -> list[Any]:
        return next([row["id"], row["name"]] for row in self.tables["res.users"] if row["id"] == int(user))

    def add_deal(self, deal: WorldDeal) -> None:
        row = self._lead(deal)
        if deal.visible:
            self.tables["crm.lead"].append(row)

    def _lead(self, deal: WorldDeal) -> Row:
        row: Row = {
            "id": int(deal.id),
            "name": deal.title,
            "type": "opportunity",
            "user_id": self._person(deal.user) if deal.user else False,
            "team_id": [int(deal.pipeline), self.world.pipelines[deal.pipeline]],
            "active": True,
            "probability": 10.0,
            "won_status": "pending",
            "stage_id": [STAGES["new"], "new"],
            "create_date": stamp(deal.created_at),
            "write_date": stamp(deal.created_at),
            "date_conversion": False,
            "date_closed": False,
            "date_open": stamp(deal.created_at),
            "date_last_stage_update": stamp(deal.created_at),
            "expected_revenue": float(deal.amount or 0),
            "company_currency": [1, deal.currency],
            "lost_reason_id": False,
            "x_site": "https://client.example" if deal.filled else False,
        }
        self.message(row["id"], deal.created_at, CREATED)
        for move in deal.moves:
            self._move(row, move)
        if self.major < 19:
            row["lost_reason"] = row.pop("lost_reason_id")
            del row["won_status"]
        return row

    def _move(self, row: Row, move: Move) -> None:
        """What Odoo 19 was seen to do with the fields of a deal."""
        at, was = stamp(move.at), row["won_status"]
        stage = self.world.stage_of(move)
        row["write_date"] = at
        if move.state is DealState.LOST and was == "lost":
            row.update(stage_id=[STAGES["lost_too"], stage], date_last_stage_update=at, date_closed=False)
            self.message(row["id"], move.at, STAGE)
        elif move.state is DealState.LOST:
            reason = [1, move.reason] if move.reason else False
            row.update(active=False, probability=0.0, won_status="lost", date_closed=at, lost_reason_id=reason)
            self.message(row["id"], move.at, LOST)
        elif move.state is DealState.WON:
            row.update(active=True, probability=100.0, won_status="won", stage_id=[WON_STAGE, "won"])
            row.update(date_closed=at if was != "won" else row["date_closed"], date_last_stage_update=at)
            self.message(row["id"], move.at, WON)
        else:
            row.update(active=True, probability=10.0, won_status="pending", date_closed=False, lost_reason_id=False)
            if was == "lost":
                self.message(row["id"], move.at, RESTORED)
            else:
                row.update(stage_id=[STAGES[stage], stage], date_last_stage_update=at)
                self.message(row["id"], move.at, STAGE)

    def message(self, deal: int, at: datetime, subtype: int | None, **more: Any) -> None:
        self._messages += 1
        row: Row = {
            "id": self._messages,
            "model": "crm.lead",
            "res_id": deal,
            "date": stamp(at),
            "subtype_id": [subtype, "…"] if subtype else False,
            "message_type": "notification",
            "author_id": [BOT_PARTNER, "OdooBot"],
            "mail_activity_type_id": False,
            "record_name": "…",
            "body": "<p>…</p>",
            "attachment_ids": [],
            **more,
        }
        self.tables["mail.message"].append(row)

    def add_task(self, task: WorldTask) -> None:
        if task.done_at and self.major < 17:
            if task.deals:  # deleted; a message is left
                done: Row = {"author_id": [self.partner(int(task.user)), "…"]}
                self.message(
                    int(task.deals[0]), task.done_at, None, mail_activity_type_id=[TYPES[task.kind], "…"], **done
                )
            return
        deadline = task.deadline or TODAY + timedelta(days=400)
        row: Row = {
            "id": int(task.id),
            "summary": task.title,
            "activity_type_id": [TYPES[task.kind], task.kind],
            "user_id": self._person(task.user),
            "date_deadline": f"{deadline:%Y-%m-%d}",
            "create_date": stamp(task.created_at),
            "write_date": stamp(task.done_at or task.created_at),
            "res_model": "crm.lead" if task.deals else "res.partner",
            "res_id": int(task.deals[0]) if task.deals else 77,
        }
        if self.major >= 17:
            row["active"] = not task.done_at
            row["date_done"] = f"{task.done_at:%Y-%m-%d}" if task.done_at else False
        self.tables["mail.activity"].append(row)

    def _fill_events(self) -> None:
        for meeting in self.world.meetings:
            if meeting.held_at is None:
                day = meeting.started_at.date()
                deals = (meeting.deal,)
                self.add_task(WorldTask(meeting.id, meeting.title, meeting.user, day, deals=deals, kind="meeting"))
                continue
            author = [self.partner(int(meeting.user)), "…"]
            self.message(
                int(meeting.deal), meeting.held_at, None, author_id=author, mail_activity_type_id=[3, "Meeting"]
            )
        for company in self.world.companies:
            self.tables["res.partner"].append(
                {
                    "id": int(company.id),
                    "name": company.title,
                    "is_company": True,
                    "active": True,
                    "write_date": stamp(company.created_at),
                    "create_date": stamp(company.created_at),
                    "create_uid": self._person(company.creator),
                    "user_id": self._person(company.owner),
                }
            )
        for comment in self.world.comments:
            author = [self.partner(int(comment.user) if comment.human else BOT), "…"]
            self.message(int(comment.deal), comment.created_at, None, author_id=author, message_type="comment")


FIELDS = {
    "res.partner": {"name", "is_company", "active", "create_date", "write_date", "create_uid", "user_id"},
    "mail.tracking.value": {"field_id", "create_date", "mail_message_id", "old_value_integer"},
    "calendar.event": {"name", "user_id", "opportunity_id", "create_date", "stop", "active"},
    "mail.activity": {"summary", "activity_type_id", "user_id", "date_deadline", "create_date", "write_date"}
    | {"res_model", "res_id"},
    "mail.message": {"model", "res_id", "date", "subtype_id", "message_type", "author_id", "record_name"}
    | {"mail_activity_type_id", "body", "attachment_ids"},
}


def _names(domain: Iterable[Any], name: str) -> bool:
    return any(isinstance(term, list) and term[0] == name for term in domain)


def matches(row: Row, domain: list[Any]) -> bool:
    """Odoo's prefix notation; terms that no operator joins are joined by 'and'."""
    rest = list(domain)
    results = []
    while rest:
        results.append(_term(row, rest))
    return all(results)


def _term(row: Row, rest: list[Any]) -> bool:
    head = rest.pop(0)
    if head == "!":
        return not _term(row, rest)
    if head in ("&", "|"):
        left, right = _term(row, rest), _term(row, rest)
        return (left and right) if head == "&" else (left or right)
    name, operator, wanted = head
    if name not in row:
        raise OdooError("builtins.ValueError", f"Invalid field {name} in condition {head}")
    value = row[name]
    value = value[0] if isinstance(value, list) and value and not isinstance(wanted, bool) else value or False
    return bool(_OPERATORS[operator](value, wanted))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda value, wanted: value == wanted,
    "!=": lambda value, wanted: value != wanted,
    "in": lambda value, wanted: value in wanted,
    "=like": lambda value, wanted: value is not False and str(value).startswith(wanted.rstrip("%")),
    ">": lambda value, wanted: value is not False and value > wanted,
    ">=": lambda value, wanted: value is not False and value >= wanted,
    "<": lambda value, wanted: value is not False and value < wanted,
}
