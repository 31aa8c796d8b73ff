"""amoCRM: a whole account against its own past; its deals, tasks, meetings, calls and comments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from crm_clients.amocrm import deals, session, tasks
from crm_clients.amocrm.account import Account
from crm_clients.amocrm.api import PAGE
from crm_clients.base import DictMemory, ReadRequest
from scoring.records import Call, Change, Comment, Completed, Deal, RecordKind, Task
from scoring.snapshot import NotRead, Range, Value
from scoring.workdays import Window
from tests.crm_clients.amocrm.account_rows import LOST, WON, Stage
from tests.crm_clients.amocrm.fake import FakeAmocrm, Fault
from tests.crm_clients.amocrm.random_world import Scale, build_world
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
    differences,
    facts_of,
    ids,
    instant,
    marks_of,
    unread,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


# A whole account against its own past

UNTRACED = {"won_amount", "lost_without_reason", "deals_missing_fields"}
"""What hangs on fields without history: doubtful where a deal changed after the cutoff."""


@pytest.mark.parametrize("seed", range(5))
async def test_every_kpi_of_every_manager_is_what_the_accounts_past_says(seed: int) -> None:
    world, managers = build_world(Scale(seed=seed))
    client = client_of(FakeAmocrm(world))
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    assert unread(snapshots) <= UNTRACED
    known = [reading for s in snapshots.values() for reading in s.readings.values() if isinstance(reading, Value)]
    assert sum(len(reading.items) for reading in known) > 900


@pytest.mark.parametrize("late", [600, 7200, 3 * DAY])
async def test_a_late_read_counts_what_was_true_at_the_cutoff(late: int) -> None:
    world, managers = build_world(Scale(seed=late, late=late))
    client = client_of(FakeAmocrm(world), CUTOFF + late + 1)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    assert unread(snapshots) <= UNTRACED


async def test_thousands_of_rows_over_many_pages_are_all_counted() -> None:
    world, managers = build_world(Scale(seed=21, managers=40, leads=4000))
    client = client_of(FakeAmocrm(world))
    assert differences(world, count(client, await facts_of(client, managers), managers)) == []


async def test_deals_and_tasks_stated_while_others_are_still_read_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deals, "HELD", 100)
    monkeypatch.setattr(tasks, "HELD", 30)
    monkeypatch.setattr(session, "PORTION", 7)
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

    async def silent(request: httpx.Request) -> httpx.Response:
        response = await fake.handle(request)
        if request.url.path.endswith("/account"):
            body = {key: value for key, value in response.json().items() if key != "is_api_filter_enabled"}
            return httpx.Response(200, json=body)
        return response

    client = client_of(fake, handle=silent)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []


@pytest.mark.parametrize("kind", ["html", "cut", "drop", "500", "502", "429"])
async def test_faults_in_the_middle_change_nothing(kind: str) -> None:
    world, managers = build_world(Scale(seed=8))
    fake = FakeAmocrm(world, faults=[Fault("/api/v4/", kind, frozenset(range(3, 60, 5)))])
    client = client_of(fake)
    snapshots = count(client, await facts_of(client, managers), managers)
    assert differences(world, snapshots) == []
    assert unread(snapshots) <= UNTRACED
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
    assert {task.changed for task in facts if isinstance(task, Task)} == {frozenset({Change.COMPLETION})}


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


@pytest.mark.parametrize(
    ("phone", "title"), [("+7 (999) 000-12-34", "…1234"), ("102", "…102"), ("hidden", "#{id}"), (None, "#{id}")]
)
async def test_of_a_clients_number_the_last_four_digits_are_kept(world: World, phone: str | None, title: str) -> None:
    note = world.add_call(ANNA, START + HOUR, 60, phone=phone)
    facts = await facts_of(client_of(FakeAmocrm(world)), [ANNA], ["calls_held"])
    assert [call.title for call in facts if isinstance(call, Call)] == [title.format(id=note.id)]


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
        (6, 0, False, True),
        (6, None, False, True),
        (7, 40, False, True),
        (7, 60, True, False),
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


@pytest.mark.parametrize(
    ("params", "doubtful"),
    [
        ([], {"calls_held", "talk_minutes", "missed_calls"}),
        ({"phone": "+79990000000"}, {"calls_held", "talk_minutes", "missed_calls"}),
        ({"call_status": 4}, {"calls_held", "talk_minutes"}),
    ],
    ids=["empty params", "neither status nor duration", "answered, but for how long"],
)
async def test_a_call_of_which_nothing_is_told_is_neither_missed_nor_held_but_doubtful(
    world: World, params: Any, doubtful: set[str]
) -> None:
    kpis = ["calls_held", "talk_minutes", "missed_calls"]
    world.add_call(ANNA, START + HOUR, 60, incoming=True).params = params
    client = client_of(FakeAmocrm(world))
    snapshots = count(client, await facts_of(client, [ANNA], kpis), [ANNA, BORIS], kpis)
    assert unread(snapshots) == doubtful
    assert not unread({BORIS: snapshots[BORIS]})


async def test_a_call_belongs_to_the_window_in_which_it_ends(world: World) -> None:
    into = world.add_call(ANNA, START - 60, 120)
    into.updated_at = START + 90
    out = world.add_call(ANNA, CUTOFF - 60, 120)
    out.updated_at = CUTOFF + 90
    dated_by_end = world.add_call(ANNA, CUTOFF - 1, 120)
    assert await ids(world, "calls_held", late=100) == sorted([str(into.id), str(dated_by_end.id)])
    client = client_of(FakeAmocrm(world), CUTOFF + DAY)
    facts = await facts_of(client, [ANNA], ["calls_held"], Window(instant(CUTOFF), instant(CUTOFF + DAY)))
    assert [fact.id for fact in facts if isinstance(fact, Call)] == [str(out.id)]


async def test_events_of_the_window_before_are_stated_too_where_they_may_arrive_late(world: World) -> None:
    world.add_call(ANNA, START - HOUR, 60)
    world.add_company(ANNA, START - HOUR)
    world.finish_task(world.add_task(ANNA, LONG_AGO, CUTOFF, type_id=2), START - HOUR)
    world.move_lead(world.add_lead(ANNA, LONG_AGO, NEW), START - HOUR, (3100, WON))
    kpis = frozenset({"calls_held", "companies_added", "meetings_held", "deals_won"})
    for earlier, stated in ((None, 0), (instant(START - DAY), 4)):
        client = client_of(FakeAmocrm(world))
        request = ReadRequest(replace(WINDOW, earlier=earlier), kpis, frozenset({str(ANNA)}))
        facts = [fact async for fact in client.read(request)]
        found = [f for f in facts if not isinstance(f, Completed) and getattr(f, "closed_at", True)]
        assert len(found) == stated
        readings = count(client, facts, [ANNA], kpis)[ANNA].readings
        assert not any(reading.items for reading in readings.values())  # type: ignore[union-attr]


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

    async def look(late: int, window: Window = WINDOW) -> tuple[list[str], int]:
        fake = FakeAmocrm(world)
        client = client_of(fake, CUTOFF + late, memory)
        facts = await facts_of(client, [ANNA], ["deals_without_comment"], window)
        reading = count(client, facts, [ANNA], ["deals_without_comment"])[ANNA].readings["deals_without_comment"]
        asked = [query for query in fake.requests if "note_type" in query]
        return [item.id for item in reading.items], sum(query.count("entity_id") for query in asked)  # type: ignore[union-attr]

    bare = [str(lead.id) for lead in leads[1:]]
    assert await look(1) == (bare, 3)
    assert await look(2) == (bare, 2)
    note.deleted = True
    world._event("common_note_deleted", "lead", leads[0].id, BORIS, CUTOFF + 1, [], [])
    tomorrow = Window(WINDOW.cutoff, WINDOW.cutoff + timedelta(days=1))
    assert await look(DAY + 3, tomorrow) == ([str(lead.id) for lead in leads], 3)


async def test_a_comment_deleted_after_the_cutoff_was_there_at_the_cutoff(world: World) -> None:
    lead = world.add_lead(ANNA, LONG_AGO, NEW)
    note = world.add_note(("leads", lead.id), LONG_AGO + HOUR, by=BORIS)
    note.deleted = True
    world._event("common_note_deleted", "lead", lead.id, BORIS, CUTOFF + 1, [], [])
    assert await ids(world, "deals_without_comment", late=60) == []


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
