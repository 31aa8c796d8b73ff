from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from crm_clients.base import DictMemory, Finding, ReadRequest, Severity
from crm_clients.errors import RightsMissing
from crm_clients.template.client import TemplateClient
from crm_clients.template.config import TemplateConfig
from scoring.kpis import CATALOGUE
from scoring.records import Deal, DealState, Doubtful, Failed, RecordKind
from tests.crm_clients.company import company
from tests.crm_clients.mutation import Case, MutationTests
from tests.crm_clients.template.fake import HOST, TOKEN, FakeTemplate
from tests.crm_clients.world import ANNA, BORIS, CUTOFF, NAMES, START, WON, FakeClock, Move, Quirks, World, WorldDeal


class TestTemplate(MutationTests):
    kind = "template"
    late_arrivals = True
    required_field = "site"
    untold = frozenset(
        {
            "an overdue task that nobody touched",
            "a task done after the cutoff",
            "a task of a colleague",
            "a task that is not overdue",
            "a deal with a task",
        }
    )

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
            return name in ("owner", "due_at", "due_on", "done_at", "closed_at", "stage_since", "amount", "moved_by")
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


def client(fake: Any, **settings: Any) -> TemplateClient:
    config = TemplateConfig.model_validate({"base_url": f"https://{HOST}", "token": TOKEN, **settings})
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


async def read_deals(world: World, **settings: Any) -> list[Deal | Doubtful]:
    crm = client(FakeTemplate(world, Quirks()), **settings)
    request = ReadRequest(world.window, frozenset(CATALOGUE), frozenset({ANNA, BORIS}))
    return [fact async for fact in crm.read(request) if isinstance(fact, Deal | Doubtful)]


async def test_who_moved_a_deal_is_told_if_the_settings_credit_the_mover() -> None:
    world = World(deals=[WorldDeal("1001", "Наша", ANNA, moves=(Move(START, WON),))])
    for settings, expected in (({"deals_credit": "mover"}, ANNA), ({}, "")):
        (deal,) = await read_deals(world, **settings)
        assert isinstance(deal, Deal)
        assert deal.moved_by == expected


async def test_a_field_is_required_from_a_stage_on_in_the_order_of_the_pipeline() -> None:
    talks = Move(START, DealState.OPEN, "talks")
    world = World(deals=[WorldDeal("1001", "a", ANNA, filled=False), WorldDeal("1002", "b", ANNA, filled=False)])
    world.deals[1] = replace(world.deals[1], moves=(talks,))
    deals = await read_deals(world, required_fields={"1/101": ["site"]})
    assert [deal.missing_fields for deal in deals if isinstance(deal, Deal)] == [(), ("site",)]


async def test_check_names_pipelines_and_stages_that_do_not_exist() -> None:
    crm = client(FakeTemplate(company(), Quirks()), required_fields={"1/101": ["site"], "1/999": ["site"]})
    findings: list[Finding] = await crm.check({ANNA: NAMES[ANNA]})
    assert [f.text for f in findings if f.subject == "deals_missing_fields"] == [
        "required_fields: Template has no pipeline or stage 1/999; correct the setting"
    ]


async def test_each_deal_changed_after_the_cutoff_is_named() -> None:
    talks = Move(CUTOFF, DealState.OPEN, "talks")
    deals = [("1001", (talks,)), ("1002", ()), ("1003", (Move(CUTOFF, WON),))]
    world = World(deals=[WorldDeal(key, key, ANNA, moves=moves) for key, moves in deals])
    doubts = [fact for fact in await read_deals(world) if isinstance(fact, Doubtful)]
    assert [doubt.record.id for doubt in doubts if isinstance(doubt.record, Deal)] == ["1001"]
