"""amoCRM: a whole account against its own past."""

from __future__ import annotations

import httpx
import pytest

from crm_clients.amocrm import deals, session, tasks
from scoring.snapshot import Value
from tests.crm_clients.amocrm.fake import FakeAmocrm, Fault
from tests.crm_clients.amocrm.random_world import Scale, build_world
from tests.crm_clients.amocrm.team import CUTOFF, DAY, HOUR, client_of, count, differences, facts_of, unread

pytestmark = pytest.mark.usefixtures("no_backoff")


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
