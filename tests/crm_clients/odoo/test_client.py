from __future__ import annotations

import json
from typing import Any

import httpx

from scoring.records import RecordKind
from tests.crm_clients.mutation import Case, MutationTests
from tests.crm_clients.odoo.fake import DATABASE, HOST, KEY, LOGIN, FakeOdoo
from tests.crm_clients.world import Quirks, World

_KINDS = {
    "mail.activity": RecordKind.TASKS,
    "calendar.event": RecordKind.TASKS,
    "res.partner": RecordKind.COMPANIES,
    "mail.activity.type": RecordKind.MEETINGS,
    "crm.lead": RecordKind.DEALS,
    "crm.stage": RecordKind.DEALS,
    "mail.message.subtype": RecordKind.DEALS,
}

_MAY_BE_EMPTY = frozenset({"name", "summary", "record_name", "member_ids", "company_ids", "login", "x_site"})


class OdooConformance(MutationTests):
    kind = "odoo"
    late_arrivals = True
    version = "19.0"
    deadline_times = False
    required_field = "x_site"
    untold = frozenset({"a task done after the cutoff"})

    def server(self, world: World, quirks: Quirks) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(FakeOdoo(world, quirks, version=self.version))

    def settings(self) -> dict[str, Any]:
        return {"url": f"https://{HOST}", "database": DATABASE, "login": LOGIN, "api_key": KEY}

    def secrets(self) -> list[str]:
        return [KEY]

    def host(self) -> str:
        return HOST

    def concerns(self, request: httpx.Request, kind: RecordKind) -> bool:
        model, arguments = asked(request)
        if model != "mail.message":
            return _KINDS.get(model) is kind
        text = json.dumps(arguments)
        if "mail_activity_type_id" in text:
            return kind is RecordKind.MEETINGS
        return kind is (RecordKind.DEALS if "subtype_id" in text else RecordKind.COMMENTS)

    def about(self, request: httpx.Request) -> str:
        model, arguments = asked(request)
        return f"{model} {' '.join(sorted(arguments))} {self.kinds_of(request)}"

    def kinds_of(self, request: httpx.Request) -> str:
        return ", ".join(kind for kind in RecordKind if self.concerns(request, kind))

    def is_documented(self, case: Case) -> bool:
        """Lists and texts that may be empty, sums below zero, a field of text that is filled."""
        name = case.path[-1] if case.path else ""
        if (name, case.value) in (("expected_revenue", -1), ("x_site", "yes")):
            return True
        return case.form == "empty" and (not case.row or case.path[-1] in _MAY_BE_EMPTY or case.path[-1] == 1)


def asked(request: httpx.Request) -> tuple[str, dict[str, Any]]:
    """Model and arguments of a request in either protocol."""
    body = json.loads(request.content)
    parts = request.url.path.strip("/").split("/")
    if parts[0] == "json":
        return parts[2], body
    args = body["params"]["args"]
    return (args[3], args[6]) if len(args) == 7 else ("", {})


class TestJson2(OdooConformance):
    """Odoo 19 and later."""


class TestJsonRpc(OdooConformance):
    """Odoo 19 asked the old way."""

    most_cases = 60

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "protocol": "jsonrpc"}


class TestOdoo16(OdooConformance):
    """Before: no JSON-2, no `won_status`, another name for the loss reason, done activities deleted."""

    most_cases = 60

    version = "16.0"
    untold = frozenset({"a task done before the cutoff", "a task done after the cutoff"})
