"""amoCRM's rows shift while they are read, its limits are met, it refuses or is down: nothing is counted in part."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from crm_clients.amocrm.api import PAGE
from crm_clients.amocrm.client import AmocrmClient
from crm_clients.amocrm.lists import overlapping
from crm_clients.base import DictMemory
from crm_clients.errors import CrmRefused, CrmUnavailable
from scoring.records import Completed, Failed, RecordKind
from scoring.snapshot import NotRead, Value
from tests.crm_clients.amocrm.account_rows import WON
from tests.crm_clients.amocrm.fake import FakeAmocrm, Fault
from tests.crm_clients.amocrm.random_world import Scale, build_world
from tests.crm_clients.amocrm.team import (
    ANNA,
    BORIS,
    CUTOFF,
    DAY,
    LONG_AGO,
    NEW,
    START,
    client_of,
    config,
    count,
    facts_of,
    ids,
    marks_of,
)
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.serving import serve

CAROL = 103

pytestmark = pytest.mark.usefixtures("no_backoff")


# Rows that shift while they are read


async def shifted(world: World, path: str, change: Any, kpi: str, at: int = 2) -> list[str]:
    """Evidence, if something happens just before the `at`-th request to `path`."""
    seen = 0

    def before(asked: str, _number: int) -> None:
        nonlocal seen
        if asked.endswith(path):
            seen += 1
            if seen == at:
                change()

    return await ids(world, kpi, before=before)


@pytest.mark.parametrize("at", [2, 3, 4])
async def test_deals_deleted_while_the_list_is_read_hide_no_other(world: World, at: int) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(4 * PAGE)]
    gone = leads[5:25]

    def delete() -> None:
        for lead in gone:
            world.delete_lead(lead, CUTOFF + 1, silently=True)

    found = set(await shifted(world, "/leads", delete, "deals_without_task", at))
    assert {str(lead.id) for lead in leads if lead not in gone} <= found


@pytest.mark.parametrize("at", [2, 3, 4])
async def test_tasks_deleted_while_the_list_is_read_hide_no_other(world: World, at: int) -> None:
    tasks = [world.add_task(ANNA, LONG_AGO, LONG_AGO + n) for n in range(4 * PAGE)]
    gone = tasks[3:33]

    def delete() -> None:
        for task in gone:
            world.delete_task(task, CUTOFF + 1, silently=True)

    found = set(await shifted(world, "/tasks", delete, "overdue_tasks", at))
    assert {str(task.id) for task in tasks if task not in gone} <= found


async def test_tasks_done_while_the_list_is_read_were_open_at_the_cutoff(world: World) -> None:
    tasks = [world.add_task(ANNA, LONG_AGO, LONG_AGO + n) for n in range(3 * PAGE)]

    def work() -> None:
        for task in tasks[::2]:
            world.finish_task(task, CUTOFF)

    found = await shifted(world, "/tasks", work, "overdue_tasks")
    assert sorted(found) == sorted(str(task.id) for task in tasks)


async def test_deals_closed_while_the_list_is_read_were_open_at_the_cutoff(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(3 * PAGE)]

    def close() -> None:
        for lead in leads[-40:]:
            world.move_lead(lead, CUTOFF + 1, (3100, WON))

    found = await shifted(world, "/leads", close, "deals_without_task")
    assert sorted(found) == sorted(str(lead.id) for lead in leads)


async def test_a_task_given_to_a_deal_while_deals_are_read_comes_too_late(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(2 * PAGE)]

    def give() -> None:
        for lead in leads[-5:]:
            world.add_task(ANNA, CUTOFF + 1, CUTOFF + DAY, lead)

    found = await shifted(world, "/leads", give, "deals_without_task")
    assert sorted(found) == sorted(str(lead.id) for lead in leads)


async def test_a_list_that_never_holds_still_fails_rather_than_count_in_part(world: World) -> None:
    tasks = [world.add_task(ANNA, LONG_AGO, LONG_AGO + n) for n in range(40 * PAGE)]
    left = iter(tasks)

    def before(path: str, _number: int) -> None:
        if path.endswith("/tasks"):
            for _, task in zip(range(2 * PAGE), left, strict=False):
                world.delete_task(task, CUTOFF + 1, silently=True)

    client = client_of(FakeAmocrm(world, before=before))
    mark = marks_of(await facts_of(client, [ANNA], ["overdue_tasks"]))[RecordKind.TASKS]
    assert isinstance(mark, Failed)
    assert "changes faster" in mark.reason


def test_pages_overlap_by_at_least_a_row_and_waste_little() -> None:
    covered = requests = 0
    while covered < 100_000:
        limit, number = overlapping(covered)
        begin = limit * (number - 1)
        assert begin < covered or covered == 0
        assert limit <= PAGE
        covered = limit * number
        requests += 1
    assert requests < 1.1 * 100_000 / PAGE


# Limits and refusals


async def test_429_is_honoured_with_the_time_it_names(world: World) -> None:
    fake = FakeAmocrm(world, faults=[Fault("/account", "429")], retry_after=7)

    async def limited(request: httpx.Request) -> httpx.Response:
        response = await fake.handle(request)
        if response.status_code == 429:
            return httpx.Response(429, json={**response.json(), "retry_after": 7})
        return response

    client = client_of(fake, handle=limited)
    clock = client._api.http.clock
    begun = clock.monotonic()
    await facts_of(client, [ANNA], ["companies_added"])
    assert clock.monotonic() - begun >= 7


async def test_403_is_never_repeated_and_stops_everything(world: World) -> None:
    fake = FakeAmocrm(world, faults=[Fault("/api/v4/leads", "403", frozenset())])
    client = client_of(fake)
    facts = await facts_of(client, [ANNA])
    assert fake.faults[0].seen == 1, "whoever waited for a turn got none"
    marks = marks_of(facts)
    assert isinstance(marks[RecordKind.DEALS], Failed)
    mark = marks[RecordKind.DEALS]
    assert isinstance(mark, Failed)
    assert "blocked" in mark.reason
    after = fake.count
    await asyncio.sleep(0)
    assert fake.count == after


async def test_an_unpaid_account_is_said_to_be_unpaid(world: World) -> None:
    client = client_of(FakeAmocrm(world, faults=[Fault("/account", "402", frozenset())]))
    with pytest.raises(CrmRefused, match="not paid"):
        await facts_of(client, [ANNA])


async def test_requests_are_spaced_so_that_the_limit_is_never_met() -> None:
    world, managers = build_world(Scale(managers=3, leads=40))
    fake = FakeAmocrm(world, rate=7, latency=0.01)
    async with serve(fake.handle) as url:
        client = AmocrmClient(config(base_url=url), DictMemory())
        marks = marks_of(await facts_of(client, managers))
        await client.aclose()
    assert all(isinstance(mark, Completed) for mark in marks.values())
    assert fake.refused == 0
    assert fake.count > 14


async def test_whoever_ignores_the_limit_is_blocked_by_the_fake() -> None:
    world, _ = build_world(Scale(managers=3, leads=40))
    fake = FakeAmocrm(world, rate=7, patience=3, retry_after=0)
    async with serve(fake.handle) as url:
        client = AmocrmClient(config(base_url=url, requests_per_second=50), DictMemory())
        answers = await asyncio.gather(*(client.users() for _ in range(20)), return_exceptions=True)
        await client.aclose()
    assert fake.blocked
    assert any(isinstance(answer, CrmRefused) and "blocked" in str(answer) for answer in answers)


async def test_a_read_that_is_given_up_leaves_nothing_running(world: World) -> None:
    for number in range(2 * PAGE):
        world.add_lead(ANNA, LONG_AGO + number, NEW)
    client = client_of(FakeAmocrm(world))
    reading = facts_of(client, [ANNA])
    task = asyncio.create_task(reading)
    for _ in range(30):
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not [other for other in asyncio.all_tasks() if other.get_name().startswith("amocrm")]


async def test_nonsense_instead_of_a_list_fails_that_kind_alone(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    honest = FakeAmocrm(world)

    async def odd(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/companies"):
            return httpx.Response(
                200, json={"_embedded": {"companies": [{"id": 5, "created_at": START + 1, "name": 3}, 7]}}
            )
        return await honest.handle(request)

    client = client_of(honest, handle=odd)
    marks = marks_of(await facts_of(client, [ANNA]))
    assert [kind for kind, mark in marks.items() if isinstance(mark, Failed)] == [RecordKind.COMPANIES]


async def test_a_sum_that_is_no_number_fails_the_deals_of_its_owner_alone_and_names_the_row(world: World) -> None:
    odd = world.add_lead(ANNA, LONG_AGO, NEW, price="many")  # type: ignore[arg-type]
    world.give_lead(odd, CUTOFF + 10, CAROL)
    world.add_lead(BORIS, LONG_AGO, NEW)
    client = client_of(FakeAmocrm(world), CUTOFF + 60)
    snapshots = count(client, await facts_of(client, [ANNA], ["deals_open"]), [ANNA, BORIS, CAROL], ["deals_open"])
    readings = {user: snapshot.readings["deals_open"] for user, snapshot in snapshots.items()}
    assert isinstance(readings[BORIS], Value)
    for user in (ANNA, CAROL):
        reading = readings[user]
        assert isinstance(reading, NotRead)
        assert f"row {odd.id}" in reading.detail


async def test_a_row_that_belongs_to_nobody_knows_whom_fails_its_kind_alone(world: World) -> None:
    odd = world.add_lead("Anna", LONG_AGO, NEW)  # type: ignore[arg-type]
    client = client_of(FakeAmocrm(world))
    marks = marks_of(await facts_of(client, [ANNA], ["deals_open", "calls_held"]))
    assert isinstance(marks[RecordKind.CALLS], Completed)
    failed = marks[RecordKind.DEALS]
    assert isinstance(failed, Failed)
    assert f"row {odd.id}" in failed.reason


async def test_a_crm_that_is_down_raises(world: World) -> None:
    client = client_of(FakeAmocrm(world, faults=[Fault("/", "503", frozenset())]))
    with pytest.raises(CrmUnavailable):
        await facts_of(client, [ANNA])
