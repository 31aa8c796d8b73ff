"""What amoCRM hides costs nobody points, and a part of a list is never taken for the whole."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from crm_clients.base import DictMemory
from scoring.kpis import CATALOGUE
from scoring.records import Completed, Failed, RecordKind
from scoring.snapshot import NotRead
from tests.crm_clients.amocrm.account_rows import LOST, WON
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.random_world import Scale, build_world
from tests.crm_clients.amocrm.team import (
    ANNA,
    CUTOFF,
    HOUR,
    KINDS_BY_LIST,
    LONG_AGO,
    NEW,
    START,
    client_of,
    count,
    differences,
    facts_behind,
    facts_of,
    fill_every_list,
    marks_of,
    silent,
    two_managers,
    unread,
    unspoilt,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")

OF_DEALS = ("deals_open", "deals_without_task", "deals_without_comment", "stale_deals", "deals_won", "deals_lost")


@pytest.fixture
def world() -> World:
    return two_managers()


async def deals_counted(world: World, **fake: Any) -> set[str]:
    client = client_of(FakeAmocrm(world, **fake), CUTOFF + 60)
    snapshot = count(client, await facts_of(client, [ANNA], OF_DEALS), [ANNA], OF_DEALS)[ANNA]
    return {item.id for reading in snapshot.readings.values() for item in reading.items}  # type: ignore[union-attr]


@pytest.mark.parametrize("filters", [True, False], ids=["by filters", "an account that ignores filters"])
async def test_deals_in_an_archived_funnel_do_not_count(world: World, filters: bool) -> None:
    shown = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_lead(ANNA, LONG_AGO, (3200, 3210))
    won = world.add_lead(ANNA, LONG_AGO, (3200, 3210))
    world.move_lead(won, START + HOUR, (3200, WON))
    world.archived.add(3200)
    assert await deals_counted(world, filters_enabled=filters) == {str(shown.id)}


@pytest.mark.parametrize("filters", [True, False], ids=["by filters", "an account that ignores filters"])
async def test_deals_in_a_deleted_stage_or_funnel_do_not_count(world: World, filters: bool) -> None:
    shown = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_lead(ANNA, LONG_AGO, (3100, 3999))
    world.add_lead(ANNA, LONG_AGO, (9999, 3110))
    world.move_lead(world.add_lead(ANNA, LONG_AGO, (9999, 3110)), START + HOUR, (9999, LOST))
    assert await deals_counted(world, filters_enabled=filters) == {str(shown.id)}


async def test_a_deal_whose_stage_was_deleted_after_the_cutoff_was_open(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, (3100, 3999))
    world.move_lead(lead, CUTOFF + 10, NEW)
    assert await deals_counted(world) == {str(lead.id)}


async def test_rows_marked_deleted_do_not_count(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_note(("leads", lead.id), LONG_AGO, by=ANNA)
    world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR, lead)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2), START + HOUR)
    world.add_call(ANNA, START + HOUR, 60)
    world.add_company(ANNA, START + HOUR)

    def deleted(path: str, _query: str, answer: httpx.Response) -> httpx.Response:
        if answer.status_code != 200 or not path.endswith(("leads", "tasks", "companies", "notes")):
            return answer
        body = answer.json()
        for rows in body["_embedded"].values():
            for row in rows:
                row["is_deleted"] = True
        return httpx.Response(200, json=body)

    facts = await facts_behind(world, deleted)
    assert [fact for fact in facts if not isinstance(fact, Completed | Failed)] == []


@pytest.mark.parametrize("heeded", [1, 2])
async def test_an_account_that_heeds_a_few_stages_of_a_filter_gives_the_same_numbers(heeded: int) -> None:
    world, managers = build_world(Scale(seed=5, late=600))
    client = client_of(FakeAmocrm(world, stages_heeded=heeded), CUTOFF + 601)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []


async def test_stages_are_asked_alone_at_most_once_an_hour(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    memory, asked = DictMemory(), []
    for late in (1, 600, 3601):
        fake = FakeAmocrm(world)
        await facts_of(client_of(fake, CUTOFF + late, memory), [ANNA], ["deals_open"])
        asked.append(sum("limit=1&" in query for query in fake.requests if "/leads?" in query))
    assert asked == [2, 0, 2]


# An empty answer to everything


async def test_nothing_in_every_list_is_no_zero(world: World) -> None:
    marks = marks_of(await facts_behind(fill_every_list(world), silent(*KINDS_BY_LIST, "companies/notes")))
    assert {kind for kind, mark in marks.items() if isinstance(mark, Completed)} == set()


@pytest.mark.parametrize(("path", "kinds"), KINDS_BY_LIST.items())
async def test_a_list_that_had_rows_and_shows_none_any_more_has_failed(
    world: World, path: str, kinds: set[RecordKind]
) -> None:
    memory = DictMemory()
    marks = marks_of(await facts_behind(fill_every_list(world), unspoilt, memory=memory))
    assert all(isinstance(mark, Completed) for mark in marks.values())
    memory.values.pop("comments", None)
    marks = marks_of(await facts_behind(world, silent(path), memory=memory))
    assert kinds <= {kind for kind, mark in marks.items() if isinstance(mark, Failed)}


async def test_tasks_that_deals_tell_of_must_be_in_the_list_of_tasks(world: World) -> None:
    marks = marks_of(await facts_behind(fill_every_list(world), silent("tasks")))
    assert isinstance(marks[RecordKind.TASKS], Failed)


async def test_an_account_without_calls_or_companies_is_read(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    marks = marks_of(await facts_behind(world, unspoilt))
    assert all(isinstance(mark, Completed) for mark in marks.values())


# What else is asked


async def test_no_value_depends_on_what_else_is_asked() -> None:
    world, managers = build_world(Scale(seed=31, managers=6, leads=300, late=300))

    async def snapshots_of(kpis: tuple[str, ...]) -> dict[tuple[int, str], Any]:
        client = client_of(FakeAmocrm(world), CUTOFF + 301)
        found = count(client, await facts_of(client, managers, kpis), managers, kpis)
        assert unread(found) <= {"won_amount", "lost_without_reason", "deals_missing_fields"}
        return {(user, key): reading for user, snapshot in found.items() for key, reading in snapshot.readings.items()}

    every = await snapshots_of(tuple(CATALOGUE))
    for key in CATALOGUE:
        alone = await snapshots_of((key,))
        assert {place for place, reading in alone.items() if _plain(reading) != _plain(every[place])} == set(), key


def _plain(reading: Any) -> Any:
    if isinstance(reading, NotRead):
        assert reading.range is not None
        return reading.range.high, *_plain(reading.range.low)
    return reading.number, sorted(item.key for item in reading.items)
