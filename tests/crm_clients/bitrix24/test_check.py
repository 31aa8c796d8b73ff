"""Whom Bitrix24 shows to a webhook, what `check` tells about it, and where the portal is."""

from __future__ import annotations

import httpx
import pytest
from pydantic import ValidationError

from crm_clients.base import Severity
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.errors import CrmError, CrmRefused, RightsMissing
from tests.crm_clients.bitrix24.portal import DEAL, SECRET
from tests.crm_clients.bitrix24.team import ANNA, BORIS, Reader, deal, portal
from tests.crm_clients.world import LONG_AGO

pytestmark = pytest.mark.usefixtures("no_backoff")


async def test_departments_are_those_above_too() -> None:
    where = portal()
    for key, parent in ((1, None), (5, "1"), (6, "5")):
        where.departments.add({"ID": str(key), "NAME": "…", "PARENT": parent})
    async with Reader(where).client() as client:
        users = {user.id: user for user in await client.users()}
    assert users[str(BORIS)].departments == {"6", "5", "1"}
    where.scopes = ("crm", "user_brief")
    async with Reader(where).client() as client:
        users = {user.id: user for user in await client.users()}
    assert users[str(BORIS)].departments == {"6"}


@pytest.mark.parametrize(("users", "requests"), [(0, 1), (47, 1), (48, 1), (300, 1), (997, 1), (998, 2), (1_300, 2)])
async def test_users_are_read_whole_in_one_request_up_to_a_thousand(users: int, requests: int) -> None:
    where = portal()
    for key in range(100, 100 + users):
        where.add_user(key, f"Человек {key}", active=key % 3 != 0)
    reader = Reader(where)
    async with reader.client() as client:
        assert len(await client.users()) == users + 3
    assert reader.fake.requests == requests


async def test_check_sees_that_a_restricted_webhook_hides_colleagues() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    where.admin, where.viewer = False, ANNA
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{ANNA}/{SECRET}/")
    findings = await reader.check({str(ANNA): "Анна", str(BORIS): "Борис Орлов"})
    assert any(f.severity is Severity.ERROR and "Борис Орлов" in f.text for f in findings)
    assert any(f.subject == "rights" and f.severity is Severity.WARNING for f in findings)


async def test_a_restricted_webhook_counts_nothing_rather_than_too_little() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    where.admin, where.viewer = False, ANNA
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{ANNA}/{SECRET}/")
    with pytest.raises(RightsMissing, match="make the webhook as an administrator"):
        await reader.facts()


async def test_deals_hidden_behind_their_activities_are_found() -> None:
    where = portal()
    for key in range(1, 4):
        where.add_activity(key, "Дело", ANNA, owner=(DEAL, key), created=LONG_AGO)
        where.add_activity(key + 10, "Дело", BORIS, owner=(DEAL, key), created=LONG_AGO)
    deal(where, 1)
    findings = await Reader(where).check({str(ANNA): "Анна", str(BORIS): "Борис Орлов"})
    assert any(f.severity is Severity.ERROR and "whose deals are not (2)" in f.text for f in findings)


async def test_a_profile_that_says_nothing_of_rights_is_tested_like_that_of_no_administrator() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    where.admin, where.viewer = False, ANNA
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{ANNA}/{SECRET}/")
    reader.fake.silent_profile = True
    with pytest.raises(RightsMissing, match="make the webhook as an administrator"):
        await reader.facts()


async def test_a_webhook_of_no_administrator_that_sees_everybody_is_read() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    reader = Reader(where)
    reader.fake.portal.says_admin = False
    assert await reader.number("deals_open") == 1


async def test_what_a_webhook_sees_is_tested_once_an_hour_and_for_every_new_member() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    reader = Reader(where)
    reader.fake.portal.says_admin = False

    async def requests(*members: int) -> int:
        before = reader.fake.requests
        await reader.facts("deals_open", members=members)
        return reader.fake.requests - before

    tested = await requests(ANNA)
    untested = await requests(ANNA)
    assert untested < tested
    assert await requests(ANNA, BORIS) == tested
    assert await requests(BORIS) == untested
    await reader.clock.sleep(3600)
    assert await requests(ANNA) == tested


async def test_a_test_that_was_not_passed_is_repeated_by_the_next_read() -> None:
    where = portal()
    deal(where, 1, ANNA)
    where.admin, where.viewer = False, BORIS
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{BORIS}/{SECRET}/")
    for _ in range(2):
        with pytest.raises(RightsMissing):
            await reader.facts("deals_open", members=(ANNA,))


async def test_check_names_missing_scopes_unknown_fields_and_a_wrong_clock() -> None:
    where = portal()
    deal(where, 1)
    where.scopes = ("crm", "user_brief")
    reader = Reader(where, loss_reason_field="UF_CRM_NONE")
    portal_time = reader.clock.now().timestamp() + 300
    reader.fake._now = lambda: portal_time
    findings = await reader.check({str(ANNA): "Анна"})
    told = {(finding.subject, finding.severity) for finding in findings}
    assert ("scopes", Severity.ERROR) in told
    assert ("overdue_tasks", Severity.ERROR) in told
    assert ("calls_held", Severity.ERROR) in told
    assert ("lost_without_reason", Severity.ERROR) in told
    assert ("clock", Severity.WARNING) in told


async def test_check_names_open_deals_that_count_for_nobody() -> None:
    where = portal()
    where.add_user(50, "Зоя Ушедшая", active=False)
    deal(where, 1)
    deal(where, 2, stage="DELETED")
    deal(where, 6, stage="C4:TALKS", category=4)
    where.hidden_funnels = frozenset({4})
    deal(where, 3, stage="WON")
    for key in (4, 5):
        deal(where, key, 50)
    findings = await Reader(where).check({str(ANNA): "Анна"})
    told = [finding for finding in findings if finding.subject == "deals_open"]
    assert {finding.severity for finding in told} == {Severity.WARNING}
    assert [finding.text for finding in told] == [
        "2 open deals in a deleted stage or in a stage of no funnel, not counted (move those):"
        " deleted stage DELETED of funnel Воронка 0 (1),"
        " стадия TALKS of funnel 4, which the portal does not show (1)",
        "1 open deal marked open in a won or lost stage, not counted as open (look at those): стадия WON (1)",
        "2 open deals of dismissed employees, counted for nobody (hand those over): Зоя Ушедшая (2)",
    ]


async def test_check_counts_all_deals_left_out_and_names_the_first() -> None:
    where = portal()
    for key in range(1, 121):
        deal(where, key, stage=f"OLD{key % 2}")
    [told] = [f for f in await Reader(where).check({str(ANNA): "Анна"}) if f.subject == "deals_open"]
    assert told.text.startswith("120 open deals in a deleted stage")
    assert told.text.endswith(
        "of the first 50 deleted stage OLD1 of funnel Воронка 0 (25), deleted stage OLD0 of funnel Воронка 0 (25)"
    )


async def test_check_says_nothing_of_deals_left_out_where_there_are_none() -> None:
    where = portal()
    deal(where, 1)
    assert not [f for f in await Reader(where).check({str(ANNA): "Анна"}) if f.subject == "deals_open"]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.bitrix24.ru",
        "https://example.bitrix24.ru/",
        "https://example.bitrix24.ru/rest/1/",
        "ftp://a/rest/1/s/",
    ],
)
def test_an_address_that_is_no_webhook_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(ValidationError) as told:
        Bitrix24Config.model_validate({"kind": "bitrix24", "webhook_url": address})
    assert "incoming webhook" in str(told.value)


def test_the_webhook_is_in_no_representation() -> None:
    config = Bitrix24Config.model_validate(
        {"kind": "bitrix24", "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}"}
    )
    assert SECRET not in repr(config)
    assert config.portal == "https://example.bitrix24.ru"


async def test_a_portal_that_moved_is_read_where_it_is_and_check_says_so() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    reader.line.when = lambda _number, request: _moved if request.url.host == "example.bitrix24.ru" else None
    assert await reader.number("deals_open") == 1
    methods = {(request.method, request.url.host) for request in reader.line.requests}
    assert methods == {("POST", "example.bitrix24.ru"), ("POST", "new.bitrix24.ru")}
    assert [request.url.host for request in reader.line.requests].count("example.bitrix24.ru") == 1
    findings = await reader.check({str(ANNA): "Анна"})
    assert any("https://new.bitrix24.ru: put" in finding.text for finding in findings)
    assert SECRET not in str(findings)


@pytest.mark.parametrize(
    "location", ["https://other.example/login", f"http://new.bitrix24.ru/rest/1/{SECRET}/batch", ""]
)
async def test_a_redirect_to_anything_but_the_same_webhook_is_told_and_not_followed(location: str) -> None:
    reader = Reader(portal())

    async def away(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        return httpx.Response(302, headers={"location": location})

    reader.line.when = lambda *_: away
    with pytest.raises(CrmRefused, match="put its present address") as told:
        await reader.facts()
    assert SECRET not in str(told.value)
    assert len(reader.line.requests) == 1


async def test_a_portal_that_sends_around_in_circles_is_given_up() -> None:
    reader = Reader(portal())
    reader.line.when = lambda *_: _moved
    with pytest.raises(CrmError) as told:
        await reader.facts()
    assert "new.bitrix24.ru" in str(told.value)
    assert len(reader.line.requests) == 3


async def _moved(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
    return httpx.Response(302, headers={"location": f"https://new.bitrix24.ru{request.url.path}"})
