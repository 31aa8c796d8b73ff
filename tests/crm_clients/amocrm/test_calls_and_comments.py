"""amoCRM's calls and comments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from crm_clients.base import DictMemory, ReadRequest
from scoring.records import Call, Comment, Completed, RecordKind
from scoring.workdays import Window
from tests.crm_clients.amocrm.account_rows import WON
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
    WINDOW,
    client_of,
    count,
    facts_of,
    ids,
    instant,
    marks_of,
    unread,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


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
