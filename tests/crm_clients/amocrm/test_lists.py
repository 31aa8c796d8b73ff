"""How often amoCRM is asked: for each list once, and at last for what has changed since the cutoff."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx
import pytest

from crm_clients.amocrm.api import PAGE
from crm_clients.amocrm.client import AmocrmClient
from crm_clients.amocrm.lists import ALONE
from crm_clients.base import DictMemory
from scoring.kpis import CATALOGUE
from scoring.records import Completed, Deal, Fact, RecordKind, Task
from tests.crm_clients.amocrm.account_rows import WON, Stage, User
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import CUTOFF, START, config, facts_of, instant, marks_of
from tests.crm_clients.amocrm.world import World
from tests.crm_clients.world import FakeClock

ANNA = 101
NEW = (3100, 3110)
HOUR = 3600
LONG_AGO = CUTOFF - 40 * 86400
CHANGES = f"[from]={CUTOFF}"
"""What requests for changes since the cutoff are known by."""

Handler = Callable[[httpx.Request], Awaitable[None]]


class UnhurriedClock(FakeClock):
    """Whoever waits for long lets the others do what they can without waiting."""

    async def sleep(self, seconds: float) -> None:
        for _ in range(1000 if seconds > 2 else 0):
            await asyncio.sleep(0)
        await super().sleep(seconds)


@pytest.fixture
def world() -> World:
    """Anna and one pipeline."""
    world = World()
    world.add_pipeline(3100, [Stage(3110, "Новая")])
    world.add_user(User(1, "Администратор", admin=True))
    world.add_user(User(ANNA, "Анна Лебедева", group=0))
    return world


async def read(
    world: World, kpis: Iterable[str] = CATALOGUE, clock: FakeClock | None = None, handle: Handler | None = None
) -> tuple[list[Fact], list[str]]:
    """The facts, and what was asked."""
    fake, clock = FakeAmocrm(world), clock or UnhurriedClock(instant(CUTOFF + 1))
    fake.clock = lambda: clock.now().timestamp()

    async def answer(request: httpx.Request) -> httpx.Response:
        if handle is not None:
            await handle(request)
        return await fake.handle(request)

    client = AmocrmClient(config(), DictMemory(), transport=httpx.MockTransport(answer), clock=clock)
    facts = await facts_of(client, [ANNA], kpis)
    await client.aclose()
    return facts, [asked.removeprefix("/api/v4/") for asked in fake.requests]


def completed(facts: Iterable[Fact]) -> set[RecordKind]:
    return {kind for kind, mark in marks_of(facts).items() if isinstance(mark, Completed)}


async def test_a_quiet_account_is_read_in_twenty_six_requests(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR, lead)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, lead, type_id=2), START + HOUR)
    world.move_lead(world.add_lead(ANNA, LONG_AGO, NEW), START + HOUR, (3100, WON))
    world.add_call(ANNA, START + HOUR, 60)
    world.add_company(ANNA, START + HOUR)
    facts, asked = await read(world)
    assert completed(facts) == set(RecordKind)
    assert sorted(request.partition("?")[0] for request in asked) == sorted(
        [
            "account", "users/1", "leads/pipelines", "leads/custom_fields",
            "leads", "leads", "leads",  # open, won, lost
            "tasks", "tasks", "tasks",  # open, completed, changed since the cutoff
            "events", "events", "events",  # completed tasks, changes of stages, changes since the cutoff
            "companies", "leads/notes", "contacts/notes", "companies/notes",
            "leads/notes", "events",  # comments, and those deleted since the cutoff
            "leads/notes",  # the latest comment, for none was shown
            # control questions: what the lists and the events must contain
            "leads", "tasks", "tasks", "companies",  # changed or made last, completed last
            "events", "events",  # of calls, of comments
        ]
    )  # fmt: skip


async def test_all_kinds_share_one_look_at_what_has_changed_since_the_cutoff(world: World) -> None:
    for number in range(3 * PAGE):
        world.add_lead(ANNA, LONG_AGO + number, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2), START + HOUR)
    _, asked = await read(world, ["deals_open", "overdue_tasks", "meetings_held"])
    assert [request.partition("?")[0] for request in asked if CHANGES in request] == ["tasks", "events"]
    assert all(CHANGES in request for request in asked[-2:])


async def test_nobody_fails_with_a_kind_that_was_waited_for_in_vain(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    overdue = world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR)
    clock = FakeClock(instant(CUTOFF + 1))

    async def linger(request: httpx.Request) -> None:
        while request.url.path.endswith("/leads") and clock.seconds < 400:
            await clock.sleep(1)

    facts, asked = await read(world, ["deals_open", "overdue_tasks", "meetings_held"], clock, linger)
    assert completed(facts) == {RecordKind.TASKS, RecordKind.MEETINGS}
    assert [fact.id for fact in facts if isinstance(fact, Task)] == [str(overdue.id)]
    assert [request.partition("?")[0] for request in asked if CHANGES in request] == ["tasks", "events"]


async def test_a_second_that_fills_a_page_is_read_by_ids_at_once(world: World) -> None:
    imported = [world.add_lead(ANNA, LONG_AGO, NEW) for _ in range(PAGE + 9)]
    facts, asked = await read(world, ["deals_open"])
    assert {fact.id for fact in facts if isinstance(fact, Deal)} == {str(lead.id) for lead in imported}
    assert ["order[id]" in request for request in listed(asked)] == [False, True, True, False]


def listed(asked: Iterable[str]) -> list[str]:
    """Requests for the list of open deals."""
    chosen = [request for request in asked if request.startswith("leads?") and "closed_at" not in request]
    return [request for request in chosen if "updated_at" not in request]  # the control question


async def test_a_long_list_is_read_from_both_ends(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(20 * PAGE)]
    facts, asked = await read(world, ["deals_open"])
    assert {fact.id for fact in facts if isinstance(fact, Deal)} == {str(lead.id) for lead in leads}
    orders = ["desc" if "=desc" in request else "asc" for request in listed(asked)]
    assert orders[:ALONE] == ["asc"] * ALONE
    assert orders.count("desc") > 2
    assert len(orders) <= 24, "little more than full pages"


async def test_bulk_imports_at_both_ends_of_a_long_list_are_read_whole(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO, NEW) for _ in range(2 * PAGE + 5)]
    leads += [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(1, 16 * PAGE)]
    leads += [world.add_lead(ANNA, CUTOFF - 1, NEW) for _ in range(3 * PAGE)]
    facts, _ = await read(world, ["deals_open"])
    assert {fact.id for fact in facts if isinstance(fact, Deal)} == {str(lead.id) for lead in leads}


async def test_deals_that_leave_a_long_list_hide_no_other(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(20 * PAGE)]
    leaving = iter([lead for pair in zip(leads, reversed(leads), strict=True) for lead in pair][: 10 * PAGE])

    async def close_some(request: httpx.Request) -> None:
        if request.url.path.endswith("/leads"):
            for _, lead in zip(range(40), leaving, strict=False):
                world.delete_lead(lead, CUTOFF + 1, silently=True)

    facts, _ = await read(world, ["deals_open"], handle=close_some)
    found = {fact.id for fact in facts if isinstance(fact, Deal)}
    assert {str(lead.id) for lead in leads if lead.id in world.leads and not lead.deleted} <= found


async def test_an_account_that_ignores_the_order_by_creation_is_read_by_id(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(16 * PAGE)]
    fake_order = "order[created_at]=desc"

    async def ignore(request: httpx.Request) -> None:
        if fake_order in str(request.url.query.decode()):
            request.url = httpx.URL(str(request.url).replace(fake_order, "order[id]=asc"))

    facts, asked = await read(world, ["deals_open"], handle=ignore)
    assert {fact.id for fact in facts if isinstance(fact, Deal)} == {str(lead.id) for lead in leads}
    assert completed(facts) == {RecordKind.DEALS}
    assert any("order[id]=asc" in request and "page=5" in request for request in listed(asked))
