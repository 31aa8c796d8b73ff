"""Pages that hide rows, come in another form, or are asked for too fast."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crm_clients.amocrm.api import PAGE
from crm_clients.amocrm.pacing import MeasuredPace
from crm_clients.shared.pacing import Deadline
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import (
    ANNA,
    CUTOFF,
    HOUR,
    LONG_AGO,
    NEW,
    START,
    client_of,
    count,
    facts_of,
    ids,
    instant,
    once,
)
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.world import FakeClock

pytestmark = pytest.mark.usefixtures("no_backoff")


async def test_a_row_moved_over_the_border_of_two_pages_does_not_hide_that_others_were_missed(world: World) -> None:
    tasks = [world.add_task(ANNA, LONG_AGO, LONG_AGO + n) for n in range(3 * PAGE)]

    def shift() -> None:
        for task in tasks[:9]:
            world.delete_task(task, CUTOFF + 1, silently=True)
        # In the first page before, in the second one now.
        world.postpone_task(tasks[PAGE - 20], CUTOFF + 1, LONG_AGO + PAGE + 60)

    found = await ids(world, "overdue_tasks", before=once("/tasks", shift, at=2))
    assert {str(task.id) for task in tasks[9:]} <= set(found)


async def test_a_list_that_only_seems_sorted_by_deadline_is_read_to_its_end(world: World) -> None:
    tasks = [world.add_task(ANNA, LONG_AGO, CUTOFF - 10 + n) for n in range(PAGE)]
    late = world.add_task(ANNA, LONG_AGO, LONG_AGO)
    order = [*tasks, late]
    fake = FakeAmocrm(world)
    honest = fake.handle

    async def unsorted(request: httpx.Request) -> httpx.Response:
        response = await honest(request)
        query = dict(httpx.QueryParams(request.url.query))
        if request.url.path.endswith("/tasks") and "filter[is_completed]" in query:
            limit, page = int(query["limit"]), int(query["page"])
            rows = {row["id"]: row for row in await _all_tasks(honest, request)}
            chosen = [rows[task.id] for task in order][limit * (page - 1) : limit * page]
            more = {"next": {"href": "…"}} if limit * page < len(order) else {}
            body = {"_links": {"self": {"href": "…"}, **more}, "_embedded": {"tasks": chosen}}
            return httpx.Response(200, json=body) if chosen else httpx.Response(204)
        return response

    client = client_of(fake, handle=unsorted)
    facts = await facts_of(client, [ANNA], ["overdue_tasks"])
    found = count(client, facts, [ANNA], ["overdue_tasks"])[ANNA].readings["overdue_tasks"]
    assert str(late.id) in {item.id for item in found.items}  # type: ignore[union-attr]


async def _all_tasks(handle: Any, request: httpx.Request) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for page in (1, 2):
        url = f"{request.url.copy_with(query=None)}?filter[is_completed]=0&order[id]=asc&limit={PAGE}&page={page}"
        rows += (await handle(httpx.Request("GET", url, headers=request.headers))).json()["_embedded"]["tasks"]
    return rows


async def test_nothing_with_200_is_not_an_empty_list(world: World) -> None:
    company = world.add_company(ANNA, START + HOUR)
    fake = FakeAmocrm(world)
    honest, answers = fake.handle, iter(["null", '{"_links": {}}', "[]", '{"_embedded": {"companies": null}}'])

    async def broken(request: httpx.Request) -> httpx.Response:
        body = next(answers, None) if request.url.path.endswith("/companies") else None
        return await honest(request) if body is None else httpx.Response(200, content=body)

    client = client_of(fake, handle=broken)
    facts = await facts_of(client, [ANNA], ["companies_added"])
    found = count(client, facts, [ANNA], ["companies_added"])[ANNA].readings["companies_added"]
    assert [item.id for item in found.items] == [str(company.id)]  # type: ignore[union-attr]


async def test_json_of_another_form_is_asked_for_again(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    fake = FakeAmocrm(world)
    honest, spoilt = fake.handle, {"/account", "/users/1", "/leads/pipelines", "/leads"}

    async def broken(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v4")
        if path in spoilt:
            spoilt.remove(path)
            return httpx.Response(200, json={"status": "error"})
        return await honest(request)

    client = client_of(fake, handle=broken)
    facts = await facts_of(client, [ANNA], ["deals_without_task"])
    found = count(client, facts, [ANNA], ["deals_without_task"])[ANNA].readings["deals_without_task"]
    assert [item.id for item in found.items] == [str(lead.id)]  # type: ignore[union-attr]
    assert not spoilt


async def test_a_filter_by_ids_that_is_ignored_costs_one_list_not_one_for_every_part(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(1200)]
    for lead in leads[:400]:
        world.add_note(("leads", lead.id), START, by=ANNA)
    fake = FakeAmocrm(world)
    honest = fake.handle

    async def careless(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/leads/notes"):
            kept = [(name, value) for name, value in request.url.params.multi_items() if "entity_id" not in name]
            request = httpx.Request("GET", request.url.copy_with(params=kept), headers=request.headers)
        return await honest(request)

    client = client_of(fake, handle=careless)
    facts = await facts_of(client, [ANNA], ["deals_without_comment"])
    found = count(client, facts, [ANNA], ["deals_without_comment"])[ANNA].readings["deals_without_comment"]
    assert found.number == 800  # type: ignore[union-attr]
    assert len([asked for asked in fake.requests if "/leads/notes" in asked]) < 12


async def test_requests_that_go_out_late_do_not_crowd_the_limit() -> None:
    clock = FakeClock(instant(CUTOFF))
    pace, deadline, sent = MeasuredPace(6.8, clock), Deadline(60, clock), []
    for number in range(40):
        await pace.turn(deadline, "something")
        if number % 5 == 0:
            clock.advance(0.4)  # a connection was made, or the machine was busy
        await pace.before_wire()
        sent.append(clock.monotonic())
    assert all(later - sooner >= 1 for sooner, later in zip(sent, sent[7:], strict=False))
    assert sent[-1] - sent[0] < 40 / 6.8 * 1.3


async def test_after_a_refusal_requests_come_more_slowly_for_a_while() -> None:
    clock = FakeClock(instant(CUTOFF))
    pace, deadline = MeasuredPace(6.8, clock), Deadline(600, clock)

    async def seconds(requests: int) -> float:
        begun = clock.monotonic()
        for _ in range(requests):
            await pace.turn(deadline, "something")
            await pace.before_wire()
        return clock.monotonic() - begun

    usual = await seconds(70)
    pace.push_back(1)
    pace.push_back(1)
    assert await seconds(70) > usual * 1.05 + 1
    await seconds(600)
    assert await seconds(70) < usual * 1.05
