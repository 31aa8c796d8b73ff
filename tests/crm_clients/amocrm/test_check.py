"""What amoCRM's rights hide and `check` tells; its users, links, settings and capabilities."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from crm_clients.amocrm.config import AmocrmConfig
from crm_clients.base import Severity
from crm_clients.errors import CrmUnavailable, RightsMissing
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Call, Company, Completed, Deal, Failed, Meeting, Task
from tests.crm_clients.amocrm.account_rows import WON, Lead, User
from tests.crm_clients.amocrm.fake import FakeAmocrm, jwt
from tests.crm_clients.amocrm.team import (
    ANNA,
    BORIS,
    CUTOFF,
    DAY,
    HOST,
    LONG_AGO,
    NEW,
    START,
    TALKS,
    client_of,
    count,
    facts_of,
    findings_of,
    instant,
    marks_of,
    unread,
)
from tests.crm_clients.amocrm.world import World

pytestmark = pytest.mark.usefixtures("no_backoff")


async def test_rights_to_ones_own_leads_only_make_the_day_unreadable(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    client = client_of(FakeAmocrm(world, rights="M"))
    marks = marks_of(await facts_of(client, [ANNA]))
    assert {type(mark) for mark in marks.values()} == {Failed}
    assert all("may not see all" in mark.reason for mark in marks.values() if isinstance(mark, Failed))


async def test_a_token_of_somebody_who_is_no_administrator_is_refused(world: World) -> None:
    with pytest.raises(RightsMissing, match="administrator"):
        await facts_of(client_of(FakeAmocrm(world, viewer=ANNA)), [ANNA])


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


async def test_check_names_what_is_left_out_and_what_is_odd(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, (3200, 3210))
    world.add_lead(ANNA, LONG_AGO, (9999, 3110))
    world.archived.add(3200)
    found = await findings_of(FakeAmocrm(world))
    assert "deals in archived funnels are not counted: Воронка 3200 (1 open deal)" in found[Severity.WARNING]
    assert "1 of the 2 latest deals lie in" in found[Severity.WARNING]
    assert "that amoCRM does not list: 9999/3110 (1)" in found[Severity.WARNING]


async def test_check_counts_the_open_deals_of_people_who_are_switched_off(world: World) -> None:
    gone = [world.add_user(User(900 + n, f"Бывший {n}", active=False)) for n in range(60)]
    for user in (gone[0], gone[0], gone[59]):
        world.add_lead(user.id, LONG_AGO, NEW)
    world.add_lead(gone[1].id, LONG_AGO, (3100, WON))
    world.add_lead(ANNA, LONG_AGO, NEW)
    found = await findings_of(FakeAmocrm(world))
    told = "3 open deals of people switched off in amoCRM count for nobody: Бывший 0 (2), Бывший 59 (1)"
    assert told in found[Severity.WARNING]


async def test_check_does_not_read_thousands_of_deals_to_count_them(world: World) -> None:
    gone = world.add_user(User(900, "Бывший", active=False))
    for number in range(3000):
        world.add_lead(gone.id, LONG_AGO + number, NEW)
    fake = FakeAmocrm(world)
    assert "at least 1230 open deals of people" in (await findings_of(fake))[Severity.WARNING]
    assert fake.count < 20


async def test_check_of_an_account_that_hides_nothing_names_nothing(world: World) -> None:
    world.add_lead(ANNA, LONG_AGO, NEW)
    world.add_lead(BORIS, LONG_AGO, NEW)
    assert (await findings_of(FakeAmocrm(world)))[Severity.WARNING] == ""


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


@pytest.mark.parametrize("seen", [(), (ANNA, BORIS)], ids=["nobody", "all but the token's own account"])
async def test_a_list_of_users_without_the_tokens_own_account_is_a_failed_read(
    world: World, seen: tuple[int, ...]
) -> None:
    fake = FakeAmocrm(world)

    async def forgetful(request: httpx.Request) -> httpx.Response:
        response = await fake.handle(request)
        if not request.url.path.endswith("/users"):
            return response
        rows = [row for row in response.json()["_embedded"]["users"] if row["id"] in seen]
        return httpx.Response(200, json={"_embedded": {"users": rows}}) if rows else httpx.Response(204)

    client = client_of(fake, handle=forgetful)
    with pytest.raises(CrmUnavailable, match="own account"):
        await client.users()


@pytest.mark.parametrize("body", ["null", "[]", "{}", "false"])
async def test_a_list_of_users_that_is_no_list_is_a_failed_read(world: World, body: str) -> None:
    fake = FakeAmocrm(world)

    async def nonsense(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/users"):
            return await fake.handle(request)
        return httpx.Response(200, content=body, headers={"content-type": "application/hal+json"})

    client = client_of(fake, handle=nonsense)
    with pytest.raises(CrmUnavailable):
        await client.users()


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
    assert AmocrmConfig(base_url="example.kommo.com/", token="x").base_url == "https://example.kommo.com"


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


def test_instants_of_the_helpers_are_aware() -> None:
    assert instant(CUTOFF).tzinfo is UTC
