"""What changes while amoCRM is read, or between the cutoff and the read, and what cannot be known of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from crm_clients.amocrm.session import PORTION
from crm_clients.base import ReadRequest
from scoring.records import Change, Completed, Deal, Fact, RecordKind, Task
from scoring.snapshot import Cause, NotRead, Range, Reading, Value
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
    WINDOW,
    client_of,
    count,
    facts_of,
    marks_of,
    once,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


async def reading_of(world: World, kpi: str, late: int = 1, **fake: Any) -> Reading:
    """One KPI of Anna's, read `late` seconds after the cutoff."""
    client = client_of(FakeAmocrm(world, **fake), CUTOFF + late)
    facts = await facts_of(client, [ANNA, BORIS], [kpi])
    await client.aclose()
    return count(client, facts, [ANNA, BORIS], [kpi])[ANNA].readings[kpi]


async def ids(world: World, kpi: str, late: int = 1, **fake: Any) -> list[str]:
    """Its evidence; of a doubtful value what counts for certain."""
    reading = await reading_of(world, kpi, late, **fake)
    if isinstance(reading, NotRead) and reading.range is not None:
        reading = reading.range.low
    assert isinstance(reading, Value)
    return [item.id for item in reading.items]


# Deals on their way from list to list


async def test_a_deal_opened_again_while_it_is_looked_for_is_not_lost_between_the_lists(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, CUTOFF, (3100, WON))

    def reopen() -> None:
        world.move_lead(lead, CUTOFF + 2, TALKS)

    # The open deals are read by then, and those that were closed are no longer.
    assert await ids(world, "deals_without_task", before=once("/leads", reopen, at=2)) == [str(lead.id)]


async def test_deals_that_hop_between_stages_of_several_lists_are_found(world: World) -> None:
    world.add_pipeline(3300, [Stage(4000 + n, f"Этап {n}") for n in range(100)])
    lead = world.add_lead(ANNA, LONG_AGO, (3300, 4099))

    def hop() -> None:
        world.move_lead(lead, CUTOFF + 2, NEW)

    assert await ids(world, "deals_without_task", before=once("/leads", hop, at=2)) == [str(lead.id)]


async def test_a_deal_born_lost_and_moved_to_another_pipelines_lost_stage_is_lost_once(world: World) -> None:
    lead = world.add_lead(ANNA, START + HOUR, (3100, LOST))
    world.move_lead(lead, START + 2 * HOUR, (3200, LOST))
    assert await ids(world, "deals_lost") == [str(lead.id)]


# Tasks that were done, and undone


async def test_a_done_task_that_is_undone_after_the_cutoff_makes_its_deal_doubtful(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    task = world.add_task(ANNA, LONG_AGO, CUTOFF - DAY, lead)
    world.finish_task(task, START - DAY)
    world.reopen_task(task, CUTOFF + 5)
    assert await ids(world, "overdue_tasks", late=10) == []
    reading = await reading_of(world, "deals_without_task", late=10)
    assert isinstance(reading, NotRead)
    assert reading.range == Range(Value(0), 1)


async def test_nobody_can_know_when_a_task_was_undone_that_is_done_again_so_late_readings_are_absent(
    world: World,
) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    task = world.add_task(ANNA, LONG_AGO, CUTOFF - DAY, lead)
    world.finish_task(task, START - DAY)
    world.reopen_task(task, CUTOFF + 60)
    world.finish_task(task, CUTOFF + 120)
    for kpi in ("overdue_tasks", "deals_without_task"):
        reading = await reading_of(world, kpi, late=7200)
        assert isinstance(reading, NotRead), kpi
        assert reading.cause is Cause.CHANGED


async def test_a_task_that_may_have_been_done_covers_its_deal_by_doubt_only(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    task = world.add_task(ANNA, LONG_AGO, CUTOFF - DAY, lead)
    world.finish_task(task, START - DAY)
    world.reopen_task(task, CUTOFF + 60)
    world.finish_task(task, CUTOFF + 120)
    facts = await facts_of(client_of(FakeAmocrm(world), CUTOFF + 180), [ANNA], ["overdue_tasks", "deals_without_task"])
    told = {fact.changed for fact in facts if isinstance(fact, Task)}
    assert told == {frozenset({Change.COMPLETION, Change.BINDING})}


async def test_a_task_whose_deadline_lies_ahead_is_overdue_by_no_doubt(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF + DAY)
    world.finish_task(task, START - DAY)
    world.reopen_task(task, CUTOFF + 60)
    facts = await facts_of(client_of(FakeAmocrm(world), CUTOFF + 120), [ANNA], ["overdue_tasks"])
    assert not [fact for fact in facts if isinstance(fact, Task) and fact.changed]


async def test_a_task_never_done_before_the_cutoff_was_certainly_open_at_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    task = world.add_task(ANNA, LONG_AGO, CUTOFF - DAY, lead)
    world.finish_task(task, CUTOFF + 60)
    world.reopen_task(task, CUTOFF + 120)
    world.finish_task(task, CUTOFF + 180)
    assert await ids(world, "overdue_tasks", late=7200) == [str(task.id)]
    assert await ids(world, "deals_without_task", late=7200) == []


async def test_earlier_completions_are_asked_for_ten_tasks_at_a_time(world: World) -> None:
    for _ in range(25):
        world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF - DAY), CUTOFF + 5)
    fake = FakeAmocrm(world)
    facts = await facts_of(client_of(fake, CUTOFF + 10), [ANNA], ["overdue_tasks"])
    assert isinstance(marks_of(facts)[RecordKind.TASKS], Completed)
    assert len([asked for asked in fake.requests if "filter[entity]=task" in asked]) == 3


async def test_a_task_given_and_done_while_deals_are_read_did_not_cover_its_deal(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    task = world.add_task(ANNA, CUTOFF + 1, CUTOFF + DAY, lead)

    def finish() -> None:
        world.finish_task(task, CUTOFF + 3)

    assert await ids(world, "deals_without_task", 2, before=once("/events", finish)) == [str(lead.id)]


async def test_a_meeting_undone_before_the_cutoff_and_postponed_after_it_was_not_held(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2)
    world.finish_task(task, START + HOUR)
    world.reopen_task(task, START + 2 * HOUR)
    world.postpone_task(task, CUTOFF + 60, CUTOFF + DAY)
    assert await ids(world, "meetings_held", late=120) == []


async def test_a_meeting_undone_and_done_again_while_it_is_read_was_held(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2)
    world.finish_task(task, START + HOUR)

    def do_it_again() -> None:
        world.reopen_task(task, CUTOFF + 2)
        world.finish_task(task, CUTOFF + 3)

    # Its row is read by then; the events since the cutoff are asked for next.
    assert await ids(world, "meetings_held", before=once("/events", do_it_again, at=2)) == [str(task.id)]


async def test_a_task_is_not_lost_while_another_kind_looks_at_the_changes_once_more(world: World) -> None:
    reopened = world.add_lead(ANNA, LONG_AGO, (3100, WON))
    world.move_lead(reopened, CUTOFF, TALKS)  # so deals ask for it by its id, and look once more after that
    postponed = world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR)
    world.postpone_task(postponed, CUTOFF, CUTOFF + DAY)
    for _ in range(8 * PORTION):  # more than may wait to be taken
        world.add_task(ANNA, LONG_AGO, CUTOFF - DAY)
    fake = FakeAmocrm(world)
    half_looked, taken = asyncio.Event(), asyncio.Event()
    looks = 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal looks
        query = request.url.query.decode()
        looks += request.url.path.endswith("/tasks") and "filter[updated_at]" in query
        if looks == 2 and request.url.path.endswith("/tasks"):
            world.finish_task(postponed, CUTOFF + 3)
        if looks == 2 and request.url.path.endswith("/events"):
            half_looked.set()
            await taken.wait()
        return await fake.handle(request)

    client = client_of(fake, handle=answer)
    request = ReadRequest(WINDOW, frozenset({"overdue_tasks", "deals_open"}), frozenset({str(ANNA)}))
    facts: list[Fact] = []
    async for fact in client.read(request):
        await half_looked.wait()
        facts.append(fact)
        if len(facts) == 8 * PORTION:
            taken.set()
    found = count(client, facts, [ANNA], ["overdue_tasks"])[ANNA].readings["overdue_tasks"]
    assert found.number == 8 * PORTION + 1  # type: ignore[union-attr]


async def test_tasks_that_fail_when_the_deals_ask_for_their_changes_make_no_deal_taskless(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, LONG_AGO, (3100, WON))
    world.move_lead(lead, CUTOFF, TALKS)  # opened again, so it is asked for once more, and its changes after it
    covered = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, covered)
    fake = FakeAmocrm(world)
    honest, looks = fake.handle, 0

    async def failing(request: httpx.Request) -> httpx.Response:
        nonlocal looks
        looks += b"tasks?filter[updated_at]" in request.url.raw_path
        down = looks > 1 and b"tasks?filter[updated_at]" in request.url.raw_path
        return httpx.Response(502) if down else await honest(request)

    client = client_of(fake, handle=failing)
    facts = await facts_of(client, [ANNA], ["deals_without_task", "deals_open"])
    readings = count(client, facts, [ANNA], ["deals_without_task", "deals_open"])[ANNA].readings
    assert looks > 1
    assert isinstance(readings["deals_without_task"], NotRead)
    assert readings["deals_open"].number == 1  # type: ignore[union-attr]


# Fields without a history


async def changed(world: World, lead: Lead, **fake: Any) -> frozenset[Change]:
    """What may have changed of a deal since the cutoff."""
    client = client_of(FakeAmocrm(world, **fake), CUTOFF + 300)
    facts = await facts_of(client, [ANNA, BORIS], ["deals_missing_fields", "lost_without_reason"])
    return next(fact.changed for fact in facts if isinstance(fact, Deal) and fact.id == str(lead.id))


async def test_a_deal_handed_over_after_the_cutoff_is_not_doubtful_for_the_events_tell_of_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.give_lead(lead, CUTOFF + 240, BORIS)
    assert await changed(world, lead) == frozenset()


async def test_a_field_filled_after_the_cutoff_is_doubtful_also_if_the_deal_was_moved_with_it(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.fill_lead(lead, CUTOFF + 120, INN="7700000000")
    world.move_lead(lead, CUTOFF + 120, TALKS)
    assert await changed(world, lead) == {Change.FIELD}


async def test_a_change_that_no_event_tells_of_may_be_one_of_any_field(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST))
    lead.updated_at = CUTOFF + 60
    assert await changed(world, lead) == {Change.FIELD, Change.LOSS_REASON}


async def test_a_loss_reason_that_a_reopening_erased_after_the_cutoff_is_doubtful(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, (3100, LOST))
    world.move_lead(lead, CUTOFF + 60, TALKS)
    assert await changed(world, lead) == {Change.LOSS_REASON}


async def test_an_account_that_refuses_to_tell_of_fields_is_read_and_doubted(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.give_lead(lead, CUTOFF + 240, BORIS)
    fake = FakeAmocrm(world)

    async def strict(request: httpx.Request) -> httpx.Response:
        if b"custom_field_value_changed" in request.url.raw_path:
            return httpx.Response(400, json={"status": 400, "detail": "unknown type"})
        return await fake.handle(request)

    client = client_of(fake, CUTOFF + 300, handle=strict)
    facts = await facts_of(client, [ANNA], ["deals_missing_fields"])
    assert [(fact.manager, fact.changed) for fact in facts if isinstance(fact, Deal)] == [
        (str(ANNA), frozenset({Change.FIELD}))
    ]
