"""Odoo's login and rights, what `check` finds, settings and links."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from pydantic import ValidationError

from crm_clients.base import Severity
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable, RightsMissing
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.values import naive
from scoring.records import Company, Completed, Deal, DealState, Failed, RecordKind
from tests.crm_clients.company import company
from tests.crm_clients.odoo.fake import HOST, WON, WON_STAGE, stamp
from tests.crm_clients.odoo.team import Odoo, errors_of
from tests.crm_clients.world import ANNA, CUTOFF, NAMES, TODAY, World, WorldDeal, WorldTask

pytestmark = pytest.mark.usefixtures("no_backoff")


# Login and rights


@pytest.mark.parametrize("options", [{}, {"version": "16.0"}])
async def test_a_user_who_sees_only_his_own_deals_is_refused(options: dict[str, Any]) -> None:
    odoo = Odoo(company(), options={"groups": frozenset({"sales_team.group_sale_salesman"}), **options})
    with pytest.raises(RightsMissing, match="All Documents"):
        await odoo.facts()
    assert "rights: " in errors_of(await odoo.findings())


@pytest.mark.parametrize("protocol", ["json2", "jsonrpc"])
async def test_a_model_that_may_not_be_read_fails_its_kind_alone(protocol: str) -> None:
    odoo = Odoo(company(), settings={"protocol": protocol}, options={"forbidden": frozenset({"res.partner"})})
    marks = {fact.kind: fact for fact in await odoo.facts() if isinstance(fact, Completed | Failed)}
    failed = marks.pop(RecordKind.COMPANIES)
    assert isinstance(failed, Failed)
    assert "may not read" in failed.reason
    assert "Ask." not in failed.reason
    assert all(isinstance(mark, Completed) for mark in marks.values())


@pytest.mark.parametrize("protocol", ["auto", "json2", "jsonrpc"])
@pytest.mark.parametrize(
    ("settings", "text"), [({"api_key": "wrong"}, "does not accept the API key"), ({"database": "nope"}, "database")]
)
async def test_a_wrong_key_or_database_is_refused_in_words(protocol: str, settings: dict[str, str], text: str) -> None:
    odoo = Odoo(company(), settings={"protocol": protocol, **settings})
    with pytest.raises(CrmRefused, match=text):
        await odoo.facts()
    with pytest.raises(CrmRefused, match=text):
        await odoo.client.users()
    assert text in errors_of(await odoo.findings())


async def test_a_site_that_is_no_odoo_is_named() -> None:
    odoo = Odoo(company())
    odoo.line.server = httpx.MockTransport(lambda _: httpx.Response(404, html="<h1>Not Found</h1>"))
    with pytest.raises(CrmRefused, match="no Odoo at this address"):
        await odoo.facts()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("odoo.exceptions.AccessDenied", CrmRefused),
        ("odoo.http.SessionExpiredException", CrmRefused),
        ("odoo.exceptions.UserError", CrmRefused),
        ("builtins.TypeError", CrmNonsense),
        ("psycopg2.errors.SerializationFailure", CrmUnavailable),
        ("odoo.exceptions.MissingError", CrmUnavailable),
    ],
)
@pytest.mark.parametrize("protocol", ["json2", "jsonrpc"])
async def test_exceptions_of_odoo_are_told_apart(protocol: str, name: str, kind: type[CrmError]) -> None:
    odoo = Odoo(World(), settings={"protocol": protocol})
    body: dict[str, Any] = {"name": name, "message": "Ой", "debug": "Traceback"}
    if protocol == "jsonrpc":
        body = {"jsonrpc": "2.0", "error": {"code": 200, "data": body}}
    status = 200 if protocol == "jsonrpc" else 500
    odoo.line.server = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    with pytest.raises(kind) as caught:
        await odoo.facts()
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize("answer", [{"uid": False}, {}, [], "hello", 7])
async def test_an_answer_that_makes_no_sense_is_not_guessed_at(answer: Any) -> None:
    odoo = Odoo(World(), settings={"protocol": "json2"})
    odoo.line.server = httpx.MockTransport(lambda _: httpx.Response(200, json=answer))
    with pytest.raises(CrmNonsense):
        await odoo.facts()


async def test_a_server_that_repeats_its_page_forever_is_left() -> None:
    odoo = Odoo(company())
    inner = odoo.fake.call

    def stuck(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        if model == "crm.lead" and method == "search_read":
            arguments = {**arguments, "domain": [["id", ">", 0]]}
        return inner(model, method, ids, arguments)

    odoo.fake.call = stuck  # type: ignore[method-assign]
    marks = {fact.kind: fact for fact in await odoo.facts() if isinstance(fact, Completed | Failed)}
    failed = marks[RecordKind.DEALS]
    assert isinstance(failed, Failed)
    assert "repeats a page" in failed.reason


async def test_a_deal_closed_while_it_is_read_is_in_some_page() -> None:
    """Open and closed deals are one list: whoever moves between them is seen once."""
    deals = [WorldDeal(str(n), f"Сделка {n}", ANNA) for n in range(1000, 3500)]
    odoo = Odoo(World(deals=deals))

    def win_the_last() -> None:
        row = next(row for row in odoo.fake.tables["crm.lead"] if row["id"] == 3499)
        if row["won_status"] == "pending" and sum("crm.lead" in str(r.url) for r in odoo.line.requests) > 2:
            at = stamp(CUTOFF + timedelta(seconds=21))
            row.update(won_status="won", probability=100.0, stage_id=[WON_STAGE, "won"], date_closed=at, write_date=at)
            odoo.fake.message(3499, CUTOFF + timedelta(seconds=21), WON)

    odoo.line.before = win_the_last
    found = [fact for fact in await odoo.facts("deals_open", "deals_won") if isinstance(fact, Deal)]
    assert len(found) == 2500
    assert found[-1].state is DealState.WON


# check


async def test_check_warns_of_a_wrong_clock() -> None:
    ahead = Odoo(company(), options={"clock_ahead": timedelta(minutes=9)})
    (finding,) = [f for f in await ahead.findings() if f.subject == "clock"]
    assert finding.severity is Severity.WARNING
    assert "540 s ahead" in finding.text


async def test_check_warns_of_a_key_that_belongs_to_another_login() -> None:
    odoo = Odoo(company(), settings={"login": "somebody@example.com", "protocol": "json2"})
    warnings = [f.text for f in await odoo.findings() if f.severity is Severity.WARNING]
    assert any("belongs to another user" in text for text in warnings)


async def test_check_finds_activities_whose_deal_is_hidden() -> None:
    world = World(
        deals=[WorldDeal("1001", "Видна", ANNA), WorldDeal("1002", "Скрыта", ANNA, visible=False)],
        tasks=[WorldTask("2001", "Дело", ANNA, TODAY, deals=("1002",))],
    )
    assert "activities are visible whose deals are not (1)" in errors_of(await Odoo(world).findings())


async def test_check_mentions_members_who_left() -> None:
    findings = await Odoo(company()).findings({"15": NAMES["15"]})
    assert any("archived" in f.text for f in findings if f.severity is Severity.WARNING)


# Settings, links, values


@pytest.mark.parametrize(
    "wrong",
    [{"url": "odoo.example"}, {"url": "https://user:pass@odoo.example"}, {"api_key": ""}, {"protocol": "xmlrpc"}],
)
def test_wrong_settings_are_refused(wrong: dict[str, str]) -> None:
    table = {"url": "https://odoo.example", "database": "crm", "login": "a", "api_key": "k", **wrong}
    with pytest.raises(ValidationError):
        OdooConfig(**table)


async def test_links_of_older_servers_are_written_as_they_want_them() -> None:
    old = Odoo(company(), options={"version": "16.0"}, settings={"url": f"https://{HOST}/"})
    deals = [fact for fact in await old.facts() if isinstance(fact, Deal)]
    assert old.client.link(deals[0]) == f"https://{HOST}/web#id={deals[0].id}&model=crm.lead&view_type=form"
    new = Odoo(company(), settings={"protocol": "jsonrpc"})
    companies = [fact for fact in await new.facts() if isinstance(fact, Company)]
    assert new.client.link(companies[0]) == f"https://{HOST}/odoo/res.partner/{companies[0].id}"


def test_instants_are_naive_in_utc() -> None:
    moscow = datetime(2026, 11, 18, 18, 0, 0, 1, tzinfo=ZoneInfo("Europe/Moscow"))
    assert naive(moscow) == "2026-11-18 15:00:00"
    assert naive(moscow, up=True) == "2026-11-18 15:00:01"
    assert naive(CUTOFF.astimezone(UTC), up=True) == "2026-11-18 15:00:00"
