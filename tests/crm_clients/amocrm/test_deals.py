"""amoCRM's deals, and the tasks that cover them."""

from __future__ import annotations

import pytest

from crm_clients.amocrm.api import PAGE
from scoring.records import Change, Deal
from scoring.snapshot import NotRead, Range, Value
from tests.crm_clients.amocrm.account_rows import LOST, WON, Stage
from tests.crm_clients.amocrm.fake import FakeAmocrm, Fault
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
    count,
    facts_of,
    ids,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


# Deals


async def test_a_deal_that_moves_between_two_lost_stages_is_not_lost_again(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START - DAY, (3100, LOST), reason=501)
    world.move_lead(lead, START + HOUR, (3200, LOST), reason=501)
    assert lead.closed_at == START + HOUR, "amoCRM calls it closed anew"
    assert await ids(world, "deals_lost") == []


async def test_a_deal_won_after_it_was_lost_is_won_although_its_closing_date_is_old(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START - DAY, (3100, LOST))
    world.move_lead(lead, START + HOUR, (3100, WON))
    lead.closed_at = START - DAY
    assert await ids(world, "deals_won") == [str(lead.id)]


async def test_a_deal_won_again_after_a_real_reopening_counts_again_and_is_marked(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START - 3 * DAY, (3100, WON))
    world.move_lead(lead, START - 2 * DAY, TALKS)
    world.move_lead(lead, START + HOUR, (3100, WON))
    facts = await facts_of(client_of(FakeAmocrm(world)), [ANNA], ["deals_won"])
    assert [deal.reopened for deal in facts if isinstance(deal, Deal)] == [True]


async def test_a_deal_won_in_the_window_and_reopened_after_the_cutoff_was_won_at_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, WON))
    world.move_lead(lead, CUTOFF + 60, TALKS)
    assert await ids(world, "deals_won", late=120) == [str(lead.id)]
    client = client_of(FakeAmocrm(world), CUTOFF + 120)
    snapshot = count(client, await facts_of(client, [ANNA], ["deals_open"]), [ANNA], ["deals_open"])[ANNA]
    assert snapshot.readings["deals_open"].number == 0  # type: ignore[union-attr]


async def test_a_lost_deal_that_was_reopened_after_the_cutoff_gets_the_benefit_of_the_doubt(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST), reason=501)
    world.move_lead(lead, CUTOFF + 60, TALKS)
    client = client_of(FakeAmocrm(world), CUTOFF + 120)
    snapshots = count(client, await facts_of(client, [ANNA], ["lost_without_reason"]), [ANNA], ["lost_without_reason"])
    found = snapshots[ANNA].readings["lost_without_reason"]
    assert isinstance(found, NotRead)
    assert found.range == Range(Value(0), 1)


async def test_a_deal_given_away_after_the_cutoff_belongs_to_whom_it_belonged(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.give_lead(lead, CUTOFF - 60, BORIS)
    world.give_lead(lead, CUTOFF + 60, ANNA)
    assert await ids(world, "deals_without_task", BORIS, late=7200) == [str(lead.id)]


async def test_incoming_leads_that_nobody_has_accepted_are_no_deals(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, (3100, 3101))
    assert await ids(world, "deals_without_task") == []


async def test_a_deal_created_as_won_counts_on_the_day_it_was_created(world: World) -> None:
    lead = world.add_lead(ANNA, START + HOUR, (3100, WON))
    assert await ids(world, "deals_won") == [str(lead.id)]


async def test_more_deals_of_one_second_than_fit_on_a_page_are_all_read(world: World) -> None:
    imported = [world.add_lead(ANNA, LONG_AGO, NEW) for _ in range(3 * PAGE + 7)]
    later = world.add_lead(ANNA, LONG_AGO + 1, NEW)
    assert await ids(world, "deals_without_task") == sorted(str(lead.id) for lead in [*imported, later])


async def test_a_required_field_may_be_named_by_its_code_and_is_asked_for_by_pipeline(world: World) -> None:
    other = world.add_lead(ANNA, LONG_AGO, (3100, 3110), fields={"77001": "да"})
    world.add_pipeline(3400, [Stage(3410, "Тендер")])
    empty = world.add_lead(ANNA, LONG_AGO, (3400, 3410), fields={"77001": "  "})
    world.lead_fields = [{"id": 77001, "name": "Источник", "code": None}, {"id": 77002, "name": "ИНН", "code": "INN"}]
    client = client_of(FakeAmocrm(world), required_fields={"3400": ["INN"], "*": ["77001"]})
    deals = {f.id: f.missing_fields for f in await facts_of(client, [ANNA]) if isinstance(f, Deal)}
    assert deals == {str(other.id): (), str(empty.id): ("Источник", "ИНН")}


async def test_without_the_list_of_fields_the_names_of_the_settings_stand(world: World) -> None:
    empty = world.add_lead(ANNA, LONG_AGO, NEW)
    account = FakeAmocrm(world, faults=[Fault("leads/custom_fields", "403", frozenset())])
    client = client_of(account, required_fields={"*": ["77001"]})
    deals = {f.id: f.missing_fields for f in await facts_of(client, [ANNA]) if isinstance(f, Deal)}
    assert deals == {str(empty.id): ("77001",)}


async def test_a_required_sum_is_the_one_that_stood_there_at_the_cutoff(world: World) -> None:
    had, had_not, emptied, filled = (world.add_lead(ANNA, LONG_AGO, NEW, price=price) for price in (5, 0, 5, 0))
    world.price_lead(emptied, CUTOFF + 10, 0)
    world.price_lead(filled, CUTOFF + 10, 5)
    client = client_of(FakeAmocrm(world), CUTOFF + 60, required_fields={"*": ["price"]})
    deals = {f.id: f.missing_fields for f in await facts_of(client, [ANNA]) if isinstance(f, Deal)}
    assert deals == {
        str(had.id): (),
        str(had_not.id): ("price",),
        str(emptied.id): (),
        str(filled.id): ("price",),
    }


# Deals and their tasks


async def test_a_task_given_to_a_deal_after_the_cutoff_comes_too_late(world: World) -> None:
    bare, covered = world.add_lead(ANNA, LONG_AGO, NEW), world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(BORIS, LONG_AGO, CUTOFF + DAY, covered)
    for lead in (bare, covered):
        world.add_task(ANNA, CUTOFF + 30, CUTOFF + DAY, lead)
    assert await ids(world, "deals_without_task", late=60) == [str(bare.id)]


async def test_a_task_done_after_the_cutoff_still_covered_its_deal(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, lead), CUTOFF + 30)
    assert await ids(world, "deals_without_task", late=60) == []


async def test_a_task_deleted_after_the_cutoff_makes_late_readings_doubtful(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.delete_task(world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, lead), CUTOFF + 30)
    lead.updated_at = CUTOFF + 30
    facts = await facts_of(client_of(FakeAmocrm(world), CUTOFF + 60), [ANNA])
    assert [Change.BINDING in deal.changed for deal in facts if isinstance(deal, Deal)] == [True]


async def doubted(world: World) -> list[int]:
    """Deals that may have had a task at the cutoff."""
    facts = await facts_of(client_of(FakeAmocrm(world), CUTOFF + 60), [ANNA, BORIS], ["deals_without_task"])
    return sorted(int(deal.id) for deal in facts if isinstance(deal, Deal) and Change.BINDING in deal.changed)


async def test_a_deleted_task_makes_no_more_deals_of_a_manager_doubtful_than_it_can_have_covered(world: World) -> None:
    leads = [world.add_lead(owner, LONG_AGO + n, NEW) for n in range(5) for owner in (ANNA, BORIS)]
    world.delete_task(world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, leads[0]), CUTOFF + 30)
    by_owner = {lead.id: lead.owner.last for lead in leads}
    assert sorted(by_owner[key] for key in await doubted(world)) == [ANNA, BORIS]


async def test_a_task_made_and_deleted_after_the_cutoff_makes_no_deal_doubtful(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.delete_task(world.add_task(ANNA, CUTOFF + 10, CUTOFF + DAY, lead), CUTOFF + 30)
    assert await doubted(world) == []


async def test_deals_that_may_be_spared_leave_the_doubt_to_the_others(world: World) -> None:
    young = world.add_lead(ANNA, CUTOFF - HOUR, NEW)
    handed = world.add_lead(BORIS, LONG_AGO, NEW)
    world.give_lead(handed, START + HOUR, ANNA)
    warming = world.add_lead(ANNA, LONG_AGO, (3200, 3210))
    old = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(1, 4)]
    world.delete_task(world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, old[0]), CUTOFF + 30)
    found = await doubted(world)
    assert {young.id, handed.id, warming.id} <= set(found)
    assert len(found) == 4


async def test_without_the_tasks_a_deals_own_row_tells(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, lead)
    client = client_of(FakeAmocrm(world))
    facts = await facts_of(client, [ANNA], ["deals_open"])
    assert [deal.has_task for deal in facts if isinstance(deal, Deal)] == [True]
