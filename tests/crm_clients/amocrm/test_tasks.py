"""amoCRM's tasks and meetings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from crm_clients.amocrm.account import Account
from crm_clients.amocrm.api import PAGE
from scoring.records import Change, Task
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.team import ANNA, BORIS, CUTOFF, DAY, HOUR, LONG_AGO, START, client_of, facts_of, ids
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


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
