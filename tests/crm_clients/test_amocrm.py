from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import stamina
from pydantic import ValidationError

from crm_clients import amocrm_deals, amocrm_job, amocrm_tasks
from crm_clients.amocrm import AmocrmClient, AmocrmConfig
from crm_clients.amocrm_account import Account
from crm_clients.amocrm_api import overlapping
from crm_clients.amocrm_requests import PAGE
from crm_clients.base import DictMemory, Severity
from crm_clients.errors import CrmRefused, CrmUnavailable, RightsMissing
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Call, Comment, Company, Completed, Deal, Failed, Meeting, RecordKind, Task
from tests.crm_clients.amocrm_team import (
    CUTOFF,
    HOST,
    START,
    client_of,
    config,
    count,
    differences,
    facts_of,
    instant,
    marks_of,
    unread,
)
from tests.crm_clients.amocrm_world import LOST, WON, Lead, Scale, Stage, User, World, build_world
from tests.crm_clients.fake_amocrm import FakeAmocrm, Fault, jwt, serve

ANNA, BORIS = 101, 102
NEW, TALKS = (3100, 3110), (3100, 3111)
DAY, HOUR = 86400, 3600
LONG_AGO = CUTOFF - 40 * DAY


@pytest.fixture(autouse=True)
def _no_backoff() -> Any:
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


@pytest.fixture
def world() -> World:
    """Anna and Boris, two pipelines, nothing else."""
    world = World()
    world.add_pipeline(3100, [Stage(3101, "Неразобранное", 1), Stage(3110, "Новая"), Stage(3111, "Переговоры")])
    world.add_pipeline(3200, [Stage(3210, "Подогрев")])
    world.loss_reasons = {501: "Дорого"}
    world.add_user(User(1, "Администратор", admin=True))
    world.add_user(User(ANNA, "Анна Лебедева", group=0))
    world.add_user(User(BORIS, "Борис Орлов", group=61))
    return world


async def ids(world: World, kpi: str, user: int = ANNA, late: int = 1, **fake: Any) -> list[str]:
    """Evidence of one KPI, read `late` seconds after the cutoff."""
    client = client_of(FakeAmocrm(world, **fake), CUTOFF + late)
    facts = await facts_of(client, [ANNA, BORIS], [kpi])
    reading = count(client, facts, [ANNA, BORIS], [kpi])[user].readings[kpi]
    await client.aclose()
    return [item.id for item in reading.items]  # type: ignore[union-attr]


# A whole account against its own past


@pytest.mark.parametrize("seed", range(5))
async def test_every_kpi_of_every_manager_is_what_the_accounts_past_says(seed: int) -> None:
    world, managers = build_world(Scale(seed=seed))
    client = client_of(FakeAmocrm(world))
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    assert unread(snapshots) == set()
    assert sum(len(reading.items) for s in snapshots.values() for reading in s.readings.values()) > 1000  # type: ignore[union-attr]


@pytest.mark.parametrize("late", [600, 7200, 3 * DAY])
async def test_a_late_read_counts_what_was_true_at_the_cutoff(late: int) -> None:
    world, managers = build_world(Scale(seed=late, late=late))
    client = client_of(FakeAmocrm(world), CUTOFF + late + 1)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    not_kept = {"won_amount", "lost_without_reason", "deals_missing_fields"} if late > 900 else set()
    assert unread(snapshots) == not_kept


async def test_thousands_of_rows_over_many_pages_are_all_counted() -> None:
    world, managers = build_world(Scale(seed=21, managers=40, leads=4000))
    client = client_of(FakeAmocrm(world))
    assert differences(world, count(client, await facts_of(client, managers), managers)) == []


async def test_deals_and_tasks_stated_while_others_are_still_read_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(amocrm_deals, "HELD", 100)
    monkeypatch.setattr(amocrm_tasks, "HELD", 30)
    monkeypatch.setattr(amocrm_job, "PORTION", 7)
    world, managers = build_world(Scale(seed=22, managers=12, leads=1200))
    client = client_of(FakeAmocrm(world), CUTOFF + HOUR)
    assert differences(world, count(client, await facts_of(client, managers), managers)) == []


async def test_an_account_that_ignores_filters_gives_the_same_numbers() -> None:
    world, managers = build_world(Scale(seed=3, late=600))
    client = client_of(FakeAmocrm(world, filters_enabled=False), CUTOFF + 601)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []


async def test_an_account_that_ignores_filters_without_saying_so_gives_the_same_numbers() -> None:
    world, managers = build_world(Scale(seed=4))
    fake = FakeAmocrm(world, filters_enabled=False)
    client = client_of(fake)
    honest = fake.handle

    async def silent(request: httpx.Request) -> httpx.Response:
        response = await honest(request)
        if request.url.path.endswith("/account"):
            body = {key: value for key, value in response.json().items() if key != "is_api_filter_enabled"}
            return httpx.Response(200, json=body)
        return response

    client = AmocrmClient(config(), DictMemory(), transport=httpx.MockTransport(silent), clock=client._api.http.clock)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []


@pytest.mark.parametrize("kind", ["html", "cut", "drop", "500", "502", "429"])
async def test_faults_in_the_middle_change_nothing(kind: str) -> None:
    world, managers = build_world(Scale(seed=8))
    fake = FakeAmocrm(world, faults=[Fault("/api/v4/", kind, frozenset(range(3, 60, 5)))])
    client = client_of(fake)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    assert unread(snapshots) == set()
    assert client.stats.retries > 0


async def test_companies_are_credited_to_their_owner_at_the_cutoff_when_the_settings_say_so() -> None:
    world, managers = build_world(Scale(seed=9, late=3600))
    client = client_of(FakeAmocrm(world), CUTOFF + 3601, companies_credit="owner")
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots, companies_credit="owner") == []


async def test_meetings_may_be_of_the_accounts_own_types() -> None:
    world, managers = build_world(Scale(seed=10))
    by_name = client_of(FakeAmocrm(world), meeting_types=["показ"])
    by_id = client_of(FakeAmocrm(world), meeting_types=["9001"])
    for client in (by_name, by_id):
        snapshots = count(client, await facts_of(client, managers), managers)
        assert differences(world, snapshots, meeting_types=frozenset({9001})) == []


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
    assert await ids(world, "lost_without_reason", late=120) == []


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
    client = client_of(FakeAmocrm(world), required_fields={"3400": ["INN"], "*": ["77001"]})
    deals = {f.id: f.missing_fields for f in await facts_of(client, [ANNA]) if isinstance(f, Deal)}
    assert deals == {str(other.id): (), str(empty.id): ("77001", "INN")}


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
    assert ["deals_without_task" in deal.doubtful for deal in facts if isinstance(deal, Deal)] == [True]


async def test_without_the_tasks_a_deals_own_row_tells(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF + DAY, lead)
    client = client_of(FakeAmocrm(world))
    facts = await facts_of(client, [ANNA], ["deals_open"])
    assert [deal.has_task for deal in facts if isinstance(deal, Deal)] == [True]


# Tasks and meetings


async def test_a_deadline_at_2359_lasts_until_midnight_of_the_accounts_zone(world: World) -> None:
    midnight = int(datetime(2026, 11, 19, 21, tzinfo=UTC).timestamp())
    task = world.add_task(ANNA, LONG_AGO, midnight - 60)
    facts = await facts_of(client_of(FakeAmocrm(world), midnight), [ANNA], ["overdue_tasks"])
    assert [f for f in facts if isinstance(f, Task)] == [], "not overdue at the cutoff: not even read"
    task.due.put(task.due.at[-1], CUTOFF - DAY + 5 * HOUR + 3599)
    facts = await facts_of(client_of(FakeAmocrm(world)), [ANNA], ["overdue_tasks"])
    (read,) = [f for f in facts if isinstance(f, Task)]
    assert read.deadline == datetime(2026, 11, 18, 21, tzinfo=UTC) - timedelta(microseconds=1)


def test_only_a_whole_day_from_midnight_on_lasts_until_the_next_one() -> None:
    account = Account("Счёт", 1, "RUB", World().zone, filters=True, loss_reasons=True, task_types={})
    midnight, noon = datetime(2026, 11, 17, 21, tzinfo=UTC), datetime(2026, 11, 18, 9, tzinfo=UTC)
    end_of_day = midnight + timedelta(days=1, microseconds=-1)
    assert account.deadline(int(midnight.timestamp()), 86_340) == end_of_day
    assert account.deadline(int(midnight.timestamp()), 3600) == midnight
    assert account.deadline(int(noon.timestamp()), 2 * DAY) == noon


async def test_a_deadline_moved_after_the_cutoff_does_not_help(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR)
    world.postpone_task(task, CUTOFF + 60, CUTOFF + DAY)
    assert await ids(world, "overdue_tasks", late=7200) == [str(task.id)]


async def test_a_task_changed_after_the_cutoff_in_a_way_no_event_tells_is_doubtful(world: World) -> None:
    done = world.add_task(ANNA, LONG_AGO, CUTOFF - HOUR)
    world.finish_task(done, CUTOFF - 60)
    world.reopen_task(done, CUTOFF + 60)
    facts = await facts_of(client_of(FakeAmocrm(world), CUTOFF + 120), [ANNA], ["overdue_tasks"])
    assert {task.doubtful for task in facts if isinstance(task, Task)} == {frozenset({"overdue_tasks"})}


async def test_only_overdue_tasks_are_paged_through(world: World) -> None:
    dues = [CUTOFF - 1 - number for number in range(4 * PAGE)] + [CUTOFF + number for number in range(20 * PAGE)]
    for number in range(len(dues)):
        world.add_task(ANNA, LONG_AGO, dues[number * 997 % len(dues)])
    fake = FakeAmocrm(world)
    facts = await facts_of(client_of(fake), [ANNA], ["overdue_tasks"])
    assert len({task.id for task in facts if isinstance(task, Task)}) == 4 * PAGE
    assert len([asked for asked in fake.requests if "is_completed" in asked]) == 5


async def test_a_meeting_belongs_to_whoever_is_responsible_not_to_who_ticked_it_off(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2)
    world.finish_task(task, START + HOUR, by=BORIS)
    assert await ids(world, "meetings_held", ANNA) == [str(task.id)]
    assert await ids(world, "meetings_held", BORIS) == []


async def test_a_meeting_that_was_undone_before_the_cutoff_was_not_held(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2)
    world.finish_task(task, START + HOUR)
    world.reopen_task(task, START + 2 * HOUR)
    assert await ids(world, "meetings_held") == []


async def test_a_deleted_meeting_is_not_counted(world: World) -> None:
    task = world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2)
    world.finish_task(task, START + HOUR)
    world.delete_task(task, START + 2 * HOUR)
    assert await ids(world, "meetings_held") == []


# Calls and comments


async def test_the_same_call_on_a_deal_and_on_its_contact_is_one_call(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    on_lead = world.add_call(ANNA, START + HOUR, 60, uniq="pbx-1", entity=("leads", lead.id))
    world.add_call(ANNA, START + HOUR, 60, uniq="pbx-1", entity=("contacts", 5))
    world.add_call(ANNA, START + HOUR, 60, uniq="pbx-1", entity=("companies", 6))
    assert await ids(world, "calls_held") == [str(on_lead.id)]


async def test_the_same_call_is_one_call_although_the_telephony_gives_it_no_name(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    on_lead = world.add_call(ANNA, START + HOUR, 60, entity=("leads", lead.id))
    world.add_call(ANNA, START + HOUR, 60, entity=("contacts", 5))
    other = world.add_call(ANNA, START + HOUR, 60, entity=("contacts", 6), phone="+79991112233")
    later = world.add_call(ANNA, START + HOUR + 1, 60, entity=("contacts", 5))
    assert sorted(await ids(world, "calls_held")) == sorted(str(call.id) for call in (on_lead, other, later))


@pytest.mark.parametrize(
    ("status", "seconds", "held", "missed"),
    [
        (4, 30, True, False),
        (4, "31", True, False),
        (4, 29, False, False),
        (4, None, False, False),
        (6, 0, False, True),
        (7, 40, False, True),
        (1, 40, False, True),
        (None, 0, False, True),
        (None, 45, True, False),
        (8, 45, True, False),
        (2, 45, True, False),
    ],
)
async def test_what_counts_as_an_answered_call(
    world: World, status: int | None, seconds: int | str | None, held: bool, missed: bool
) -> None:
    world.add_call(ANNA, START + HOUR, seconds, incoming=True, status=status)
    assert bool(await ids(world, "calls_held")) is held
    assert bool(await ids(world, "missed_calls")) is missed


async def test_a_call_is_its_responsibles_else_the_one_the_telephony_names(world: World) -> None:
    world.add_call(0, START + HOUR, 60, call_responsible=str(ANNA))
    world.add_call(0, START + HOUR, 60, call_responsible="Борис")
    facts = await facts_of(client_of(FakeAmocrm(world)), [ANNA], ["calls_held"])
    assert sorted(call.manager for call in facts if isinstance(call, Call)) == ["", str(ANNA)]


async def test_a_call_note_edited_later_belongs_to_the_day_of_the_call(world: World) -> None:
    world.add_note(
        ("contacts", 5), START - HOUR, kind="call_out", by=ANNA, params={"duration": 60}, updated_at=CUTOFF - 1
    )
    assert await ids(world, "calls_held") == []


async def test_deals_once_commented_are_not_looked_at_again_until_a_comment_is_deleted(world: World) -> None:
    memory = DictMemory()
    leads = [world.add_lead(ANNA, LONG_AGO + n, NEW) for n in range(3)]
    note = world.add_note(("leads", leads[0].id), LONG_AGO + HOUR, by=BORIS)
    world.add_note(("leads", leads[1].id), LONG_AGO + HOUR, by=0)

    async def look(late: int) -> tuple[list[str], int]:
        fake = FakeAmocrm(world)
        client = client_of(fake, CUTOFF + late, memory)
        facts = await facts_of(client, [ANNA], ["deals_without_comment"])
        reading = count(client, facts, [ANNA], ["deals_without_comment"])[ANNA].readings["deals_without_comment"]
        asked = [query for query in fake.requests if "note_type" in query]
        return [item.id for item in reading.items], sum(query.count("entity_id") for query in asked)  # type: ignore[union-attr]

    bare = [str(lead.id) for lead in leads[1:]]
    assert await look(1) == (bare, 3)
    assert await look(2) == (bare, 2)
    note.deleted = True
    world._event("common_note_deleted", "lead", leads[0].id, BORIS, CUTOFF + 1, [], [])
    assert await look(3) == ([str(lead.id) for lead in leads], 3)


async def test_a_comment_after_the_cutoff_does_not_help(world: World) -> None:
    memory = DictMemory()
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_note(("leads", lead.id), CUTOFF, by=ANNA)
    for _ in range(2):
        client = client_of(FakeAmocrm(world), CUTOFF + 60, memory)
        facts = await facts_of(client, [ANNA], ["deals_without_comment"])
        assert not [f for f in facts if isinstance(f, Comment)]


async def test_a_spoilt_memory_of_comments_only_costs_time(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_note(("leads", lead.id), LONG_AGO, by=ANNA)
    for spoilt in ("", "{}", '{"until": 1, "leads": "x"}', '{"until": 1, "leads": "eJw="}', "[]"):
        client = client_of(FakeAmocrm(world), memory=DictMemory({"comments": spoilt}))
        facts = await facts_of(client, [ANNA], ["deals_without_comment"])
        assert isinstance(marks_of(facts)[RecordKind.COMMENTS], Completed)


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
    client = client_of(fake)
    clock = client._api.http.clock
    fake.faults[0].kind = "429"
    begun = clock.monotonic()

    async def limited(request: httpx.Request) -> httpx.Response:
        response = await fake.handle(request)
        if response.status_code == 429:
            return httpx.Response(429, json={**response.json(), "retry_after": 7})
        return response

    client = AmocrmClient(config(), DictMemory(), transport=httpx.MockTransport(limited), clock=clock)
    await facts_of(client, [ANNA], ["companies_added"])
    assert clock.monotonic() - begun >= 7


async def test_403_is_never_repeated_and_stops_everything(world: World) -> None:
    fake = FakeAmocrm(world, faults=[Fault("/api/v4/leads", "403", frozenset())])
    client = client_of(fake)
    facts = await facts_of(client, [ANNA])
    assert fake.faults[0].seen == 1, "whoever waited for a turn got none"
    marks = marks_of(facts)
    assert isinstance(marks[RecordKind.DEALS], Failed)
    assert "blocked" in marks[RecordKind.DEALS].reason
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
    honest = FakeAmocrm(world)
    client = client_of(honest)

    async def odd(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/companies"):
            return httpx.Response(
                200, json={"_embedded": {"companies": [{"id": 5, "created_at": START + 1, "name": 3}, 7]}}
            )
        return await honest.handle(request)

    client = AmocrmClient(config(), DictMemory(), transport=httpx.MockTransport(odd), clock=client._api.http.clock)
    marks = marks_of(await facts_of(client, [ANNA]))
    assert [kind for kind, mark in marks.items() if isinstance(mark, Failed)] == [RecordKind.COMPANIES]


async def test_a_sum_that_is_no_number_fails_the_deals_alone(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW, price="many")  # type: ignore[arg-type]
    client = client_of(FakeAmocrm(world))
    marks = marks_of(await facts_of(client, [ANNA], ["deals_open", "calls_held"]))
    assert {kind: type(mark) for kind, mark in marks.items()} == {
        RecordKind.DEALS: Failed,
        RecordKind.CALLS: Completed,
    }


# Rights and check


async def test_rights_to_ones_own_leads_only_make_the_day_unreadable(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    client = client_of(FakeAmocrm(world, rights="M"))
    marks = marks_of(await facts_of(client, [ANNA]))
    assert {type(mark) for mark in marks.values()} == {Failed}
    assert all("may not see all" in mark.reason for mark in marks.values() if isinstance(mark, Failed))


async def test_a_token_of_somebody_who_is_no_administrator_is_refused(world: World) -> None:
    with pytest.raises(RightsMissing, match="administrator"):
        await facts_of(client_of(FakeAmocrm(world, viewer=ANNA)), [ANNA])


async def findings_of(fake: FakeAmocrm, members: dict[str, str] | None = None, **settings: Any) -> dict[Severity, str]:
    client = client_of(fake, **settings)
    findings = await client.check(members or {str(ANNA): "Анна", str(BORIS): "Борис"})
    await client.aclose()
    return {severity: "\n".join(f.text for f in findings if f.severity is severity) for severity in Severity}


async def test_check_of_a_restricted_token_names_the_right_and_the_invisible_members(world: World) -> None:
    world.users[ANNA].admin = True
    world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_lead(BORIS, LONG_AGO, NEW)
    found = await findings_of(FakeAmocrm(world, viewer=ANNA, rights="M"))
    assert "may not see all" in found[Severity.ERROR]
    assert "Борис" in found[Severity.ERROR]


async def test_check_finds_tasks_whose_deals_cannot_be_read(world: World) -> None:
    world.users[ANNA].admin = True
    lead = world.add_lead(BORIS, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF, lead)
    found = await findings_of(FakeAmocrm(world, viewer=ANNA, rights="M"))
    assert "1 of 1 deals with open tasks cannot be read" in found[Severity.ERROR]


async def test_check_names_settings_that_fit_nothing_in_the_account(world: World) -> None:
    found = await findings_of(
        FakeAmocrm(world), meeting_types=["Созвон"], required_fields={"*": ["НетТакого"], "9999": ["INN"]}
    )
    for name in ("Созвон", "НетТакого", "9999"):
        assert name in found[Severity.ERROR]


async def test_check_tells_of_fields_that_amocrm_requires_and_the_settings_do_not(world: World) -> None:
    world.lead_fields = [{"id": 77001, "name": "Источник", "code": None, "type": "text", "is_required": True}]
    found = await findings_of(FakeAmocrm(world), required_fields={})
    assert "Источник" in found[Severity.OK]


async def test_check_notices_clocks_that_differ(world: World) -> None:
    assert "differ by 600 s" in (await findings_of(FakeAmocrm(world, skew=600)))[Severity.ERROR]
    assert "differ by 120 s" in (await findings_of(FakeAmocrm(world, skew=-120)))[Severity.WARNING]


async def test_check_warns_of_a_token_that_ends_soon(world: World) -> None:
    token = jwt(exp=CUTOFF + 5 * DAY)
    found = await findings_of(FakeAmocrm(world, token=token), token=token)
    assert "the token ends on 2026-11-24" in found[Severity.WARNING]


async def test_check_tells_that_filters_are_ignored(world: World) -> None:
    found = await findings_of(FakeAmocrm(world, filters_enabled=False))
    assert "filters" in found[Severity.WARNING]


async def test_check_sees_everybody_in_a_few_calls(world: World) -> None:
    members = {}
    for number in range(300):
        user = world.add_user(User(1000 + number, f"Менеджер {number}"))
        members[str(user.id)] = user.name
        world.add_lead(user.id, LONG_AGO + number, NEW)
    fake = FakeAmocrm(world)
    found = await findings_of(fake, members)
    assert "something of every member is visible" in found[Severity.OK]
    assert fake.count < 20


# Users, links, settings


async def test_users_have_their_groups_as_departments(world: World) -> None:
    users = {user.id: user for user in await client_of(FakeAmocrm(world)).users()}
    assert users[str(BORIS)].departments == {"61"}
    assert users[str(ANNA)].departments == {"0"}


async def test_three_hundred_users_are_all_listed(world: World) -> None:
    for number in range(600):
        world.add_user(User(1000 + number, f"Менеджер {number}", active=number % 2 == 0))
    users = await client_of(FakeAmocrm(world)).users()
    assert len({user.id for user in users}) == len(users) == 603
    assert sum(not user.active for user in users) == 300


async def test_everything_links_to_the_page_it_can_be_found_on(world: World) -> None:
    lead: Lead = world.add_lead(ANNA, LONG_AGO, NEW)
    on_lead = world.add_task(ANNA, LONG_AGO, CUTOFF - 1, lead)
    loose = world.add_task(ANNA, LONG_AGO, CUTOFF - 1)
    on_contact = world.add_task(ANNA, LONG_AGO, CUTOFF - 1, entity=("contacts", 5))
    meeting = world.add_task(ANNA, LONG_AGO, CUTOFF, lead, type_id=2)
    world.finish_task(meeting, START)
    company = world.add_company(ANNA, START)
    call = world.add_call(ANNA, START, 60, entity=("companies", 6))
    client = client_of(FakeAmocrm(world))
    facts = await facts_of(client, [ANNA])
    links = {f.id: client.link(f) for f in facts if isinstance(f, Deal | Task | Meeting | Company | Call)}
    assert links == {
        str(lead.id): f"{HOST}/leads/detail/{lead.id}",
        str(on_lead.id): f"{HOST}/leads/detail/{lead.id}",
        str(loose.id): "",
        str(on_contact.id): f"{HOST}/contacts/detail/5",
        str(meeting.id): f"{HOST}/leads/detail/{lead.id}",
        str(company.id): f"{HOST}/companies/detail/{company.id}",
        str(call.id): f"{HOST}/companies/detail/6",
    }


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "give token"),
        ({"token": "x", "client_id": "y"}, "not both"),
        ({"client_id": "x", "redirect_uri": "y"}, "client_secret, refresh_token is missing"),
        ({"token": "x", "base_url": "https://example.amocrm.ru/leads/"}, "the address of the account"),
        ({"token": "x", "base_url": "ftp://example.amocrm.ru"}, "the address of the account"),
        ({"token": "x", "requests_per_second": 0}, "greater than 0"),
    ],
)
def test_settings_that_cannot_work_are_refused_in_words(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        AmocrmConfig.model_validate({"base_url": HOST, **settings})


def test_the_address_may_be_written_without_https_and_with_a_slash() -> None:
    assert AmocrmConfig(base_url="example.kommo.com/", token="x").base_url == "https://example.kommo.com"  # type: ignore[arg-type]


def test_capabilities_say_what_can_be_rebuilt_for_a_past_instant() -> None:
    client = client_of(FakeAmocrm(World()))
    present = {key for key, can in client.capabilities.items() if can is Capability.PRESENT}
    assert present == {"won_amount", "lost_without_reason", "deals_missing_fields"}
    without = client_of(FakeAmocrm(World()), required_fields={})
    assert without.capabilities["deals_missing_fields"] is Capability.UNAVAILABLE
    assert without.capabilities.keys() == CATALOGUE.keys()


async def test_too_many_changes_of_stages_cost_stale_deals_only(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    for number in range(3000):
        world.move_lead(lead, START - 3000 + number, TALKS if number % 2 else NEW)
    client = client_of(FakeAmocrm(world), read_timeout_seconds=10, requests_per_second=2)
    snapshot = count(
        client, await facts_of(client, [ANNA], ["deals_open", "stale_deals"]), [ANNA], ["deals_open", "stale_deals"]
    )
    assert snapshot[ANNA].readings["deals_open"].number == 1  # type: ignore[union-attr]
    assert unread(snapshot) == {"stale_deals"}


async def test_a_preview_before_the_cutoff_asks_for_no_later_changes(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_task(ANNA, LONG_AGO, CUTOFF - 60)
    fake = FakeAmocrm(world)
    client = client_of(fake, CUTOFF - 1800)
    marks = marks_of(await facts_of(client, [ANNA]))
    assert all(isinstance(mark, Completed) for mark in marks.values())
    assert not [asked for asked in fake.requests if f"[from]={CUTOFF}" in asked]


async def test_json_of_the_wire_is_what_the_documentation_shows(world: World) -> None:
    """The fake itself: an empty list is 204 without a body, a page links to the next."""
    fake = FakeAmocrm(world)
    lead = world.add_lead(ANNA, LONG_AGO, NEW)

    async def ask(path: str) -> httpx.Response:
        return await fake.handle(
            httpx.Request("GET", f"{HOST}/api/v4/{path}", headers={"authorization": "Bearer long-lived"})
        )

    empty = await ask("companies")
    assert (empty.status_code, empty.content) == (204, b"")
    world.add_lead(ANNA, LONG_AGO, NEW)
    page = json.loads((await ask("leads?limit=1&filter[nonsense]=1")).content)
    assert page["_embedded"]["leads"][0]["id"] == lead.id
    assert "next" in page["_links"]
    assert (await ask("events?filter[entity_id][]=1")).status_code == 400


async def test_a_crm_that_is_down_raises(world: World) -> None:
    client = client_of(FakeAmocrm(world, faults=[Fault("/", "503", frozenset())]))
    with pytest.raises(CrmUnavailable):
        await facts_of(client, [ANNA])


def test_instants_of_the_helpers_are_aware() -> None:
    assert instant(CUTOFF).tzinfo is UTC
