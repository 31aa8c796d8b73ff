"""Who is credited with a closed deal, what a deal lost and warmed tells, and which stage requires which fields."""

from __future__ import annotations

from typing import Any

import pytest

from crm_clients.base import Severity
from scoring.records import Deal, DealState, Failed
from tests.crm_clients.amocrm.account_rows import LOST, WON, Lead, Stage
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import (
    ANNA,
    BORIS,
    CUTOFF,
    DAY,
    HOUR,
    LONG_AGO,
    NEW,
    START,
    TALKS,
    client_of,
    facts_of,
    findings_of,
    instant,
    marks_of,
    two_managers,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")

WARMING = (3200, 3210)


@pytest.fixture
def world() -> World:
    world = two_managers()
    world.pipelines[3100].insert(3, Stage(3109, "Договор"))
    return world


async def deal_of(world: World, lead: Lead, *kpis: str, late: int = 60, **settings: Any) -> Deal:
    client = client_of(FakeAmocrm(world), CUTOFF + late, **settings)
    facts = await facts_of(client, [ANNA, BORIS], kpis or ("deals_won", "deals_lost", "deals_open"))
    assert not [mark for mark in marks_of(facts).values() if isinstance(mark, Failed)]
    return next(fact for fact in facts if isinstance(fact, Deal) and fact.id == str(lead.id))


# Whose: who moved the deal there


@pytest.mark.parametrize("status", [WON, LOST])
async def test_with_deals_credit_mover_a_deal_names_who_moved_it_there(world: World, status: int) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, status), by=BORIS)
    deal = await deal_of(world, lead, deals_credit="mover")
    assert (deal.moved_by, deal.manager) == (str(BORIS), str(ANNA))


async def test_with_deals_credit_responsible_nobody_is_named(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, WON), by=BORIS)
    assert (await deal_of(world, lead)).moved_by == ""


async def test_who_moved_a_closed_deal_between_closing_stages_is_not_who_closed_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST), by=BORIS)
    world.move_lead(lead, START + 2 * HOUR, (3200, LOST), by=ANNA)
    assert (await deal_of(world, lead, deals_credit="mover")).moved_by == str(BORIS)


async def test_a_deal_that_a_robot_closed_names_nobody(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, WON), by=0)
    assert (await deal_of(world, lead, deals_credit="mover")).moved_by == ""


async def test_who_reopened_a_deal_after_the_cutoff_did_not_close_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, WON), by=BORIS)
    world.move_lead(lead, CUTOFF + 10, TALKS, by=ANNA)
    assert (await deal_of(world, lead, deals_credit="mover")).moved_by == str(BORIS)


# A loss that a warming funnel hides


@pytest.mark.parametrize("kpis", [("deals_lost",), ("stale_deals", "deals_lost")], ids=["alone", "with stale deals"])
async def test_a_deal_lost_and_then_moved_to_a_warming_funnel_tells_its_loss(
    world: World, kpis: tuple[str, ...]
) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST), by=BORIS)
    world.move_lead(lead, START + 2 * HOUR, WARMING, by=ANNA)
    deal = await deal_of(world, lead, *kpis, deals_credit="mover")
    assert (deal.state, deal.pipeline) == (DealState.OPEN, "3200")
    assert (deal.lost_at, deal.lost_from, deal.moved_by) == (instant(START + HOUR), "3100", str(BORIS))


async def test_a_deal_lost_in_one_funnel_and_moved_to_the_lost_stage_of_another_tells_where_it_was_lost(
    world: World,
) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST))
    world.move_lead(lead, START + 2 * HOUR, (3200, LOST))
    deal = await deal_of(world, lead)
    assert (deal.state, deal.lost_at, deal.lost_from) == (DealState.LOST, instant(START + HOUR), "3100")


async def test_a_deal_moved_straight_into_a_warming_funnel_was_not_lost(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, WARMING)
    assert (await deal_of(world, lead)).lost_at is None


async def test_a_deal_lost_and_reopened_in_the_same_funnel_is_no_loss(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST))
    world.move_lead(lead, START + 2 * HOUR, TALKS)
    assert (await deal_of(world, lead)).lost_at is None


@pytest.mark.parametrize("kpis", [("deals_lost",), ("stale_deals", "deals_lost")], ids=["alone", "with stale deals"])
async def test_a_loss_before_the_window_is_not_told_again(world: World, kpis: tuple[str, ...]) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START - 3 * DAY, (3100, LOST))
    world.move_lead(lead, START + HOUR, WARMING)
    assert (await deal_of(world, lead, *kpis)).lost_at is None


# Fields from a stage on


@pytest.mark.parametrize(("stage", "missing"), [(NEW, ()), (TALKS, ("INN",)), ((3100, 3109), ("INN",))])
async def test_a_field_is_required_from_a_stage_on_in_the_funnels_order(
    world: World, stage: tuple[int, int], missing: tuple[str, ...]
) -> None:
    # The order is that of `sort`, whatever the ids: 3109 stands last.
    lead = world.add_lead(ANNA, LONG_AGO, stage)
    deal = await deal_of(world, lead, "deals_missing_fields", required_fields={"3100/3111": ["INN"]})
    assert deal.missing_fields == missing


async def test_fields_of_all_pipelines_of_the_pipeline_and_of_passed_stages_add_up(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, TALKS, price=None, name="")
    required = {"*": ["name"], "3100": ["price"], "3100/3110": ["INN"], "3100/3109": ["77001"], "3200/3210": ["77001"]}
    deal = await deal_of(world, lead, "deals_missing_fields", required_fields=required)
    assert set(deal.missing_fields) == {"name", "price", "INN"}


async def test_the_stage_at_the_cutoff_decides_which_fields_are_required(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, CUTOFF + 10, TALKS)
    deal = await deal_of(world, lead, "deals_missing_fields", required_fields={"3100/3111": ["INN"]})
    assert deal.missing_fields == ()


async def test_check_names_stages_that_the_settings_require_fields_of_and_the_pipeline_has_not(world: World) -> None:
    world.lead_fields = [{"id": 77002, "name": "ИНН", "code": "INN", "type": "text", "is_required": False}]
    settings = {"3100/3111": ["INN"], "3100/3999": ["INN"], "9999/1": ["INN"]}
    found = await findings_of(FakeAmocrm(world), required_fields=settings)
    assert "stage 3100/3999, which the pipeline has not; open stages are 3100/3110 Новая" in found[Severity.ERROR]
    assert "pipeline 9999, which the account has not" in found[Severity.ERROR]
    assert "3100/3111, which" not in found[Severity.ERROR]
