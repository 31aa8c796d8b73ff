"""A list that lacks a row which amoCRM tells of elsewhere is a failed read, also in the first read ever."""

from __future__ import annotations

from collections.abc import Iterable

import httpx
import pytest

from crm_clients.amocrm.api import PAGE
from scoring.kpis import CATALOGUE
from scoring.records import Call, Company, Completed, Deal, Failed, Meeting, RecordKind, Task
from tests.crm_clients.amocrm.account_rows import LOST, WON
from tests.crm_clients.amocrm.team import (
    ANNA,
    BORIS,
    CUTOFF,
    DAY,
    HOUR,
    KINDS_BY_LIST,
    LONG_AGO,
    NEW,
    START,
    TALKS,
    Spoil,
    facts_behind,
    fill_every_list,
    marks_of,
    silent,
    two_managers,
    unspoilt,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


@pytest.fixture
def world() -> World:
    return fill_every_list(two_managers())


def cut(path: str, part: str, rows: int) -> Spoil:
    """The first rows only, as if the list ended there."""

    def spoil(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
        if asked != path or part not in query or answer.status_code == 204:
            return answer
        body = answer.json()
        body["_links"].pop("next", None)
        name = path.rsplit("/", 1)[-1]
        body["_embedded"][name] = body["_embedded"][name][:rows]
        return httpx.Response(200, json=body)

    return spoil


async def failed_behind(world: World, spoil: Spoil, kpis: Iterable[str] = CATALOGUE) -> set[RecordKind]:
    """The kinds that fail in the first read ever."""
    marks = marks_of(await facts_behind(world, spoil, kpis))
    return {kind for kind, mark in marks.items() if isinstance(mark, Failed)}


async def test_an_honest_account_is_read_whole(world: World) -> None:
    assert await failed_behind(world, unspoilt) == set()


@pytest.mark.parametrize(("path", "kinds"), KINDS_BY_LIST.items())
async def test_a_list_that_shows_nothing_has_failed_in_the_first_read_ever(
    world: World, path: str, kinds: set[RecordKind]
) -> None:
    assert kinds <= await failed_behind(world, silent(path))


@pytest.mark.parametrize(
    ("path", "kpi", "kind"),
    [
        ("leads", "deals_open", RecordKind.DEALS),
        ("tasks", "overdue_tasks", RecordKind.TASKS),
        ("tasks", "meetings_held", RecordKind.MEETINGS),
        ("companies", "companies_added", RecordKind.COMPANIES),
        ("contacts/notes", "calls_held", RecordKind.CALLS),
    ],
)
async def test_a_kind_asked_for_alone_needs_no_other_kind_to_notice_an_empty_list(
    world: World, path: str, kpi: str, kind: RecordKind
) -> None:
    assert await failed_behind(world, silent(path), (kpi,)) == {kind}


@pytest.mark.parametrize(
    ("path", "part", "kind"),
    [
        ("leads", "filter[statuses]", RecordKind.DEALS),
        ("tasks", "filter[is_completed]=0", RecordKind.TASKS),
        ("tasks", "filter[id]", RecordKind.MEETINGS),
        ("companies", "filter[created_at]", RecordKind.COMPANIES),
        ("contacts/notes", "filter[updated_at]", RecordKind.CALLS),
        ("leads/notes", "filter[entity_id]", RecordKind.COMMENTS),
        ("events", "filter[type][]=task_completed&", RecordKind.MEETINGS),
        ("events", "filter[type][]=lead_status_changed&filter[created_at]", RecordKind.DEALS),
    ],
)
async def test_a_filter_that_shows_nothing_is_noticed_by_rows_known_otherwise(
    world: World, path: str, part: str, kind: RecordKind
) -> None:
    def spoil(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
        is_control = "limit=1&" in query or "filter[entity]=" in query
        return httpx.Response(204) if asked == path and part in query and not is_control else answer

    assert kind in await failed_behind(world, spoil)


async def test_an_empty_answer_about_comments_is_not_believed_where_no_event_tells_of_the_comments() -> None:
    world = two_managers()
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(lead, START + HOUR, TALKS)
    world.add_note(("leads", lead.id), LONG_AGO + DAY, by=ANNA)

    def spoil(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
        is_list = asked == "leads/notes" and "order[id]=asc" in query
        return httpx.Response(204) if is_list else answer

    assert await failed_behind(world, spoil, ("deals_without_comment",)) == {RecordKind.COMMENTS}
    assert await failed_behind(world, unspoilt, ("deals_without_comment",)) == set()


async def test_a_list_of_open_deals_that_ends_too_early_has_failed(world: World) -> None:
    for number in range(3 * PAGE):
        world.add_lead(ANNA, LONG_AGO + number, NEW)
    assert RecordKind.DEALS in await failed_behind(world, cut("leads", "filter[statuses]", 100))


async def test_a_list_of_open_tasks_that_ends_before_the_cutoff_has_failed(world: World) -> None:
    for number in range(PAGE):
        world.add_task(ANNA, LONG_AGO + number, CUTOFF - DAY + number)
    world.add_task(ANNA, LONG_AGO, CUTOFF + DAY)
    assert RecordKind.TASKS in await failed_behind(world, cut("tasks", "filter[is_completed]=0", 100))


async def test_stage_changes_that_end_too_early_make_no_deal_stale(world: World) -> None:
    for number in range(300):
        lead = world.add_lead(ANNA, LONG_AGO + number, NEW)
        world.move_lead(lead, CUTOFF - 13 * DAY + 60 * number, TALKS)
    spoil = cut("events", "filter[type][]=lead_status_changed&filter[created_at]", 60)
    assert RecordKind.DEALS in await failed_behind(world, spoil)


@pytest.mark.parametrize("kpis", [("deals_lost",), ("deals_lost", "stale_deals")], ids=["alone", "with stale deals"])
async def test_events_of_losses_that_are_missing_make_no_new_loss_of_an_old_loss(
    world: World, kpis: tuple[str, ...]
) -> None:
    old = world.add_lead(ANNA, LONG_AGO, NEW)
    world.move_lead(old, LONG_AGO + DAY, (3100, LOST))
    world.move_lead(old, START + HOUR, (3200, LOST))

    def spoil(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
        is_history = "lead_status_changed" in query and "filter[entity]=" not in query
        return httpx.Response(204) if asked == "events" and is_history else answer

    assert await failed_behind(world, spoil, kpis) == {RecordKind.DEALS}


def without_changes_since_the_cutoff(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
    is_feed = f"[from]={CUTOFF}" in query and "filter[entity]=" not in query
    return httpx.Response(204) if asked == "events" and is_feed else answer


async def test_a_deal_handed_over_after_the_cutoff_is_not_blamed_on_its_new_owner_for_want_of_events(
    world: World,
) -> None:
    lead = world.add_lead(BORIS, LONG_AGO, NEW)
    world.give_lead(lead, CUTOFF + 10, ANNA)
    assert await failed_behind(world, without_changes_since_the_cutoff, ("deals_without_task",)) >= {RecordKind.DEALS}


async def test_a_task_handed_over_after_the_cutoff_is_not_blamed_on_its_new_owner_for_want_of_events(
    world: World,
) -> None:
    world.give_task(world.add_task(BORIS, LONG_AGO, CUTOFF - DAY), CUTOFF + 10, ANNA)
    assert await failed_behind(world, without_changes_since_the_cutoff, ("overdue_tasks",)) == {RecordKind.TASKS}


async def test_an_empty_page_of_events_that_the_page_before_linked_to_is_asked_for_once_more(world: World) -> None:
    for number in range(250):
        world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2), START + HOUR + number)
    spoilt: list[str] = []

    def spoil(asked: str, query: str, answer: httpx.Response) -> httpx.Response:
        if asked == "events" and "filter[type][]=task_completed&" in query and "page=2" in query and not spoilt:
            spoilt.append(query)
            return httpx.Response(204)
        return answer

    facts = await facts_behind(world, spoil, ("meetings_held",))
    assert len({fact.id for fact in facts if isinstance(fact, Meeting)}) == 251


async def test_a_list_of_funnels_that_lacks_a_funnel_has_failed(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, (3200, 3210))

    def spoil(asked: str, _query: str, answer: httpx.Response) -> httpx.Response:
        if asked != "leads/pipelines":
            return answer
        body = answer.json()
        body["_embedded"]["pipelines"].pop()
        return httpx.Response(200, json=body)

    assert await failed_behind(world, spoil, ("deals_open",)) == {RecordKind.DEALS}


async def test_a_full_page_without_a_link_to_the_next_does_not_end_a_list(world: World) -> None:
    def unlinked(_path: str, _query: str, answer: httpx.Response) -> httpx.Response:
        if answer.status_code != 200 or "_links" not in answer.json():
            return answer
        body = answer.json()
        body["_links"].pop("next", None)
        return httpx.Response(200, json=body)

    for number in range(2 * PAGE):
        world.add_lead(ANNA, LONG_AGO + number, NEW)
        world.add_task(ANNA, LONG_AGO, CUTOFF - DAY + number)
        world.add_call(ANNA, START + number, 60)
        world.add_company(ANNA, START + number)
    facts = await facts_behind(world, unlinked)
    assert all(isinstance(mark, Completed) for mark in marks_of(facts).values())
    for row_type in (Deal, Task, Call, Company):
        assert len({fact.id for fact in facts if isinstance(fact, row_type)}) > 2 * PAGE, row_type


async def test_a_list_that_fills_its_last_page_ends_with_an_empty_page(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(PAGE - 1)]
    facts = await facts_behind(world, unspoilt, ("deals_open",))
    assert len({fact.id for fact in facts if isinstance(fact, Deal)}) == len(leads) + 1


async def test_what_is_closed_done_or_deleted_while_it_is_read_is_no_contradiction(world: World) -> None:
    leads = [world.add_lead(ANNA, LONG_AGO + number, NEW) for number in range(9)]
    tasks = [world.add_task(ANNA, LONG_AGO, CUTOFF - DAY + number) for number in range(9)]
    companies = [world.add_company(ANNA, START + number) for number in range(9)]

    def live(path: str, number: int) -> None:
        if path.endswith("/leads") and leads:
            world.move_lead(leads.pop(), CUTOFF + 60 + number, (3100, WON))
            world.delete_lead(leads.pop(), CUTOFF + 60 + number)
        if path.endswith("/tasks") and tasks:
            world.finish_task(tasks.pop(), CUTOFF + 60 + number)
            world.delete_task(tasks.pop(), CUTOFF + 60 + number)
        if path.endswith("/companies") and companies:
            companies.pop().deleted = True
            world.version += 1

    del leads[8:], tasks[8:], companies[8:]
    facts = await facts_behind(world, unspoilt, before=live)
    assert {mark.kind for mark in marks_of(facts).values() if isinstance(mark, Failed)} == set()


async def test_events_that_come_a_little_later_than_the_row_fail_no_read(world: World) -> None:
    lead = world.add_lead(BORIS, LONG_AGO, NEW)
    world.give_lead(lead, CUTOFF + 55, ANNA)  # read five seconds later
    assert await failed_behind(world, without_changes_since_the_cutoff, ("deals_without_task",)) == set()


async def test_an_account_whose_only_task_was_deleted_has_no_task() -> None:
    world = two_managers()
    world.add_lead(ANNA, LONG_AGO, NEW)
    world.delete_task(world.add_task(ANNA, LONG_AGO, CUTOFF - DAY), START)
    marks = marks_of(await facts_behind(world, unspoilt))
    assert isinstance(marks[RecordKind.TASKS], Completed)
