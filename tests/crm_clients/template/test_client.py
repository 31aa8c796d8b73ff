from __future__ import annotations

from typing import Any

import httpx
import pytest

from crm_clients.base import DictMemory, ReadRequest, Severity
from crm_clients.errors import RightsMissing
from crm_clients.template.client import TemplateClient
from crm_clients.template.config import TemplateConfig
from scoring.kpis import CATALOGUE
from scoring.records import Failed, RecordKind
from tests.crm_clients.company import company
from tests.crm_clients.mutation import Case, MutationTests
from tests.crm_clients.template.fake import HOST, TOKEN, FakeTemplate
from tests.crm_clients.world import ANNA, NAMES, FakeClock, Quirks, World


class TestTemplate(MutationTests):
    kind = "template"
    late_arrivals = True
    required_field = "site"

    def server(self, world: World, quirks: Quirks) -> httpx.AsyncBaseTransport:
        return httpx.MockTransport(FakeTemplate(world, quirks))

    def settings(self) -> dict[str, Any]:
        return {"base_url": f"https://{HOST}", "token": TOKEN}

    def secrets(self) -> list[str]:
        return [TOKEN]

    def host(self) -> str:
        return HOST

    def concerns(self, request: httpx.Request, kind: RecordKind) -> bool:
        return request.url.path == f"/api/v1/{kind}"

    def is_documented(self, case: Case) -> bool:
        """Ends of lists, texts without a meaning, and what rows may lack."""
        name = case.path[-1] if case.path else ""
        if case.form == "null":
            return name in ("owner", "due_at", "due_on", "done_at", "closed_at", "stage_since", "amount")
        if case.form == "empty":
            return (name == "items" and not case.about.endswith("users")) or name in (
                "deals",
                "title",
                "name",
                "loss_reason",
                "fields",
                "site",
            )
        return (case.form, name) == ("missing", "site") or (name == "amount" and case.value in (-1, "-1"))


def client(fake: Any) -> TemplateClient:
    config = TemplateConfig.model_validate({"base_url": f"https://{HOST}", "token": TOKEN})
    return TemplateClient(config, DictMemory(), transport=httpx.MockTransport(fake), clock=FakeClock())


async def test_a_key_that_sees_a_part_reads_nothing() -> None:
    world = company()
    crm = client(FakeTemplate(world, Quirks(), is_admin=False))
    with pytest.raises(RightsMissing):
        [fact async for fact in crm.read(ReadRequest(world.window, frozenset(CATALOGUE)))]
    assert [finding.severity for finding in await crm.check({ANNA: NAMES[ANNA]})] == [Severity.ERROR]


async def test_a_row_without_a_documented_field_fails_its_kind_and_names_the_row() -> None:
    world = company()
    fake = FakeTemplate(world, Quirks())

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/deals"):
            return httpx.Response(200, json={"items": [{"id": 1001, "title": "Договор"}]})
        return fake(request)

    facts = [fact async for fact in client(answer).read(ReadRequest(world.window, frozenset(CATALOGUE)))]
    (failed,) = [fact for fact in facts if isinstance(fact, Failed)]
    assert failed.kind is RecordKind.DEALS
    assert "row 1001" in failed.reason
