from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import stamina
from pydantic import ValidationError

from crm_clients.base import DictMemory, Finding, ReadRequest, Severity
from crm_clients.errors import CrmError, CrmNonsense, CrmRefused, CrmUnavailable, RightsMissing
from crm_clients.odoo.client import OdooClient
from crm_clients.odoo.config import OdooConfig
from crm_clients.odoo.values import naive
from scoring.kpis import CATALOGUE, Capability
from scoring.records import Company, Completed, Deal, DealState, Fact, Failed, Meeting, RecordKind, Task
from scoring.snapshot import Cause, Manager, NotRead, Reading, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from tests.crm_clients.company import company
from tests.crm_clients.conformance import NO_GRACE, ends
from tests.crm_clients.faults import Unreliable
from tests.crm_clients.odoo.fake import DATABASE, HOST, KEY, LOGIN, WON, WON_STAGE, FakeOdoo, stamp
from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    LOST,
    NAMES,
    OPEN,
    START,
    TODAY,
    FakeClock,
    Move,
    World,
    WorldComment,
    WorldDeal,
    WorldMeeting,
    WorldTask,
)
from tests.crm_clients.world import WON as IS_WON

HOUR = timedelta(hours=1)
EVENING = CUTOFF + 2 * HOUR


@dataclass
class Odoo:
    """A client before a fake server."""

    world: World
    settings: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.fake = FakeOdoo(self.world, **self.options)
        self.line = Unreliable(httpx.MockTransport(self.fake))
        table = {"url": f"https://{HOST}", "database": DATABASE, "login": LOGIN, "api_key": KEY, **self.settings}
        self.client = OdooClient(
            OdooConfig(**table), DictMemory(), transport=self.line, clock=FakeClock(self.world.now)
        )

    async def facts(self, *kpis: str, members: frozenset[str] = frozenset({ANNA, BORIS})) -> list[Fact]:
        request = ReadRequest(self.world.window, frozenset(kpis or CATALOGUE), members)
        return [fact async for fact in self.client.read(request)]

    async def readings(self, user: str = ANNA) -> dict[str, Reading]:
        members = {key: Manager(key, NAMES[key]) for key in (ANNA, BORIS)}
        sheet = TallySheet(members, self.world.window, ZoneInfo("Europe/Moscow"), tuple(CATALOGUE), NO_GRACE)
        tally = Tally(sheet, self.client.capabilities, self.client.link)
        for fact in await self.facts():
            tally.add(fact)
        return dict(next(s.readings for s in tally.snapshots() if s.manager.crm_user == user))

    async def number(self, kpi: str, user: str = ANNA) -> Any:
        reading = (await self.readings(user))[kpi]
        assert isinstance(reading, Value), reading
        return reading.number

    async def findings(self, members: dict[str, str] | None = None) -> list[Finding]:
        return await self.client.check(members or {ANNA: NAMES[ANNA]})


@pytest.fixture(autouse=True)
def _no_backoff() -> Iterator[None]:
    with stamina.set_testing(True, attempts=1000, cap=True):
        yield


def _errors(findings: list[Finding]) -> str:
    return "\n".join(f"{f.subject}: {f.text}" for f in findings if f.severity is Severity.ERROR)


# Won and lost: what Odoo's fields hide


async def test_archiving_an_old_win_is_no_new_win() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Старая", ANNA, moves=(Move(START - 9 * HOUR, IS_WON),))]))
    row = odoo.fake.tables["crm.lead"][0]
    row.update(active=False, date_closed=stamp(START + HOUR), write_date=stamp(START + HOUR))
    assert await odoo.number("deals_won") == 0


async def test_a_win_that_is_archived_afterwards_keeps_its_date() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Новая", ANNA, moves=(Move(START + HOUR, IS_WON),))], now=EVENING))
    row = odoo.fake.tables["crm.lead"][0]
    row.update(active=False, date_closed=stamp(CUTOFF + HOUR), write_date=stamp(CUTOFF + HOUR))
    assert await odoo.number("deals_won") == 1


async def test_a_win_without_any_message_counts_by_its_field() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Ввезённая", ANNA, moves=(Move(START + HOUR, IS_WON),))]))
    odoo.fake.tables["mail.message"].clear()
    assert await odoo.number("deals_won") == 1


async def test_a_loss_that_was_moved_to_another_stage_keeps_its_day() -> None:
    moves = (Move(START + HOUR, LOST), Move(START + 2 * HOUR, LOST, "lost_too"))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Потеря", ANNA, moves=moves)]))
    assert odoo.fake.tables["crm.lead"][0]["date_closed"] is False
    assert await odoo.number("deals_lost") == 1


async def test_a_loss_of_last_year_that_has_no_date_spoils_nothing() -> None:
    moves = (Move(START - 400 * HOUR, LOST), Move(START - 300 * HOUR, LOST, "lost_too"))
    assert await Odoo(World(deals=[WorldDeal("1001", "Потеря", ANNA, moves=moves)])).number("deals_lost") == 0


@pytest.mark.parametrize(("archived_at", "opened"), [(START + HOUR, 0), (CUTOFF + HOUR, 1)])
async def test_an_archived_deal_that_is_not_lost_is_neither_open_nor_lost(archived_at: datetime, opened: int) -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Дубль", ANNA)], now=EVENING))
    at = stamp(archived_at)
    odoo.fake.tables["crm.lead"][0].update(active=False, probability=10.0, date_closed=at, write_date=at)
    odoo.fake.message(1001, archived_at, None)
    readings = await odoo.readings()
    late = archived_at >= CUTOFF
    for key in ("deals_lost", "deals_open"):
        assert ends(readings[key]) == ((0, 1) if late else (0, 0))
    facts = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert len(facts) == opened


async def test_leads_are_not_deals() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Заявка", ANNA)]))
    odoo.fake.tables["crm.lead"][0]["type"] = "lead"
    assert await odoo.number("deals_open") == 0


async def test_a_deal_exists_since_its_conversion() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Из заявки", ANNA)]))
    odoo.fake.tables["crm.lead"][0]["date_conversion"] = stamp(CUTOFF - HOUR)
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert deal.created_at == CUTOFF - HOUR


async def test_a_reopened_win_is_marked() -> None:
    moves = (Move(START - 50 * HOUR, LOST), Move(START - 40 * HOUR, OPEN), Move(START + HOUR, IS_WON))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Вернулись", ANNA, moves=moves)]))
    (deal,) = [fact for fact in await odoo.facts() if isinstance(fact, Deal)]
    assert deal.reopened
    assert deal.closed_at == START + HOUR


# Read late


async def test_a_win_reopened_after_the_cutoff_was_won_at_it() -> None:
    moves = (Move(START + HOUR, IS_WON), Move(CUTOFF + HOUR, OPEN))
    odoo = Odoo(World(deals=[WorldDeal("1001", "Сорвалось", ANNA, moves=moves)], now=EVENING))
    readings = await odoo.readings()
    assert isinstance(readings["deals_won"], Value)
    assert readings["deals_won"].number == 1
    assert readings["deals_open"] == Value(0)
    assert ends(readings["won_amount"]) == ({}, None)


async def test_a_sum_changed_after_the_cutoff_is_doubtful() -> None:
    deals = [WorldDeal("1001", "Скидка", ANNA, moves=(Move(START + HOUR, IS_WON),))]
    odoo = Odoo(World(deals=deals, now=EVENING))
    odoo.fake.tables["crm.lead"][0].update(expected_revenue=1.0, write_date=stamp(CUTOFF + HOUR))
    odoo.fake.message(1001, CUTOFF + HOUR, None)
    assert ends((await odoo.readings())["won_amount"]) == ({}, None)
    assert (await odoo.readings(BORIS))["won_amount"] == Value({})


async def test_a_change_of_an_untracked_field_leaves_the_readings() -> None:
    deals = [WorldDeal("1001", "Телефон", ANNA, moves=(Move(START + HOUR, IS_WON),))]
    odoo = Odoo(World(deals=deals, now=EVENING))
    odoo.fake.tables["crm.lead"][0]["write_date"] = stamp(CUTOFF + HOUR)
    assert await odoo.number("deals_won") == 1
    assert await odoo.number("won_amount") == {}


async def test_a_deal_given_away_after_the_cutoff_is_doubtful_for_everybody() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Передана", BORIS)], now=EVENING))
    at = stamp(CUTOFF + HOUR)
    odoo.fake.tables["crm.lead"][0].update(date_open=at, write_date=at)
    odoo.fake.message(1001, CUTOFF + HOUR, None)
    for user in (ANNA, BORIS):
        assert ends((await odoo.readings(user))["deals_open"]) == (0, 1)


async def test_a_deal_given_away_after_the_cutoff_is_doubtful_however_soon_it_is_read() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Передана", BORIS)], now=CUTOFF + timedelta(minutes=2)))
    at = stamp(CUTOFF + timedelta(minutes=1))
    odoo.fake.tables["crm.lead"][0].update(date_open=at, write_date=at)
    odoo.fake.message(1001, CUTOFF + timedelta(minutes=1), None)
    assert ends((await odoo.readings(BORIS))["deals_open"]) == (0, 1)
    assert ends((await odoo.readings())["deals_open"]) == (0, 1)


async def test_a_win_in_the_last_second_whose_message_came_a_second_later_is_a_win() -> None:
    deal = WorldDeal("1001", "В последний миг", ANNA, moves=(Move(CUTOFF, IS_WON),))
    odoo = Odoo(World(deals=[deal]))
    odoo.fake.tables["crm.lead"][0]["date_closed"] = stamp(CUTOFF - timedelta(seconds=1))
    assert await odoo.number("deals_won") == 1


# Tasks, meetings, comments


async def test_a_page_whose_rows_are_all_hidden_does_not_end_the_reading() -> None:
    tasks = [WorldTask(str(n), f"Дело {n}", ANNA, date(2026, 11, 1)) for n in range(2000, 4500)]
    odoo = Odoo(World(tasks=tasks), options={"hidden": lambda _, row: 2000 <= row["id"] < 4000})
    assert await odoo.number("overdue_tasks") == 500


async def test_an_activity_done_after_the_cutoff_was_overdue_at_it() -> None:
    task = WorldTask("2001", "Позвонить", ANNA, date(2026, 11, 1), done_at=CUTOFF + timedelta(seconds=10))
    assert ends((await Odoo(World(tasks=[task])).readings())["overdue_tasks"]) == (0, 1)


async def test_activities_of_all_documents_count_and_link_to_them() -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Позвонить", ANNA, date(2026, 11, 1))]))
    (task,) = [fact for fact in await odoo.facts() if isinstance(fact, Task)]
    assert odoo.client.link(task) == f"https://{HOST}/odoo/res.partner/77"


async def test_an_activity_without_a_document_has_no_link() -> None:
    odoo = Odoo(World(tasks=[WorldTask("2001", "Личное", ANNA, date(2026, 11, 1))]))
    odoo.fake.tables["mail.activity"][0].update(res_model=False, res_id=0, summary=False)
    (task,) = [fact for fact in await odoo.facts() if isinstance(fact, Task)]
    assert odoo.client.link(task) == ""
    assert task.title == "todo"


async def test_a_calendar_meeting_to_come_is_the_next_step_of_its_deal() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Со встречей", ANNA), WorldDeal("1002", "Прошедшая", ANNA)]))
    for deal, stop in ((1001, CUTOFF + HOUR), (1002, CUTOFF - HOUR)):
        event = {"id": deal, "name": "Встреча", "user_id": [7, "…"], "opportunity_id": [deal, "…"], "stop": stamp(stop)}
        odoo.fake.tables["calendar.event"].append({**event, "create_date": stamp(START), "active": True})
    reading = (await odoo.readings())["deals_without_task"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Прошедшая"]
    assert await odoo.number("overdue_tasks") == 0


async def test_only_activities_of_members_and_deals_are_asked_for() -> None:
    tasks = [
        WorldTask("2001", "Чужое", "15", date(2026, 11, 1)),
        WorldTask("2002", "Чужое по сделке", "15", date(2026, 11, 1), deals=("1001",)),
    ]
    found = [fact.id for fact in await Odoo(World(tasks=tasks)).facts() if isinstance(fact, Task)]
    assert found == ["2002"]
    everybody = await Odoo(World(tasks=tasks)).facts(members=frozenset())
    assert [fact.id for fact in everybody if isinstance(fact, Task)] == ["2001", "2002"]


async def test_a_meeting_is_credited_to_who_closed_it_and_links_to_its_document() -> None:
    odoo = Odoo(World(deals=[], meetings=[WorldMeeting("3001", "Переговоры", ANNA, START + HOUR, START, "1001")]))
    (meeting,) = [fact for fact in await odoo.facts() if isinstance(fact, Meeting)]
    assert meeting.manager == ANNA
    assert meeting.held_at == START + HOUR
    assert odoo.client.link(meeting) == f"https://{HOST}/odoo/crm.lead/1001"


@pytest.mark.parametrize("names", [["Call"], ["2"]])
async def test_the_settings_may_name_what_a_meeting_is(names: list[str]) -> None:
    odoo = Odoo(World(), settings={"meeting_types": names})
    odoo.fake.message(
        1001, START + HOUR, None, author_id=[odoo.fake.partner(7), "…"], mail_activity_type_id=[2, "Call"]
    )
    odoo.fake.message(1001, START + HOUR, None, author_id=[odoo.fake.partner(7), "…"], mail_activity_type_id=[3, "…"])
    assert await odoo.number("meetings_held") == 1


async def test_an_unknown_meeting_type_fails_meetings_alone() -> None:
    odoo = Odoo(company(), settings={"meeting_types": ["Обед"]})
    marks = {fact.kind: fact for fact in await odoo.facts() if isinstance(fact, Completed | Failed)}
    assert isinstance(marks.pop(RecordKind.MEETINGS), Failed)
    assert all(isinstance(mark, Completed) for mark in marks.values())
    assert "Обед" in _errors(await odoo.findings())


async def test_mailings_are_no_comments_but_letters_of_the_client_are() -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Рассылка", ANNA), WorldDeal("1002", "Письмо", ANNA)]))
    odoo.fake.message(1001, START, None, author_id=[odoo.fake.partner(7), "…"], message_type="email_outgoing")
    odoo.fake.message(1002, START, None, author_id=False, message_type="email")
    reading = (await odoo.readings())["deals_without_comment"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Рассылка"]


async def test_odoos_own_comments_are_nobodys() -> None:
    comment = WorldComment("6001", "1001", "99", START, human=False)
    odoo = Odoo(World(deals=[WorldDeal("1001", "Бот", ANNA)], comments=[comment]))
    assert await odoo.number("deals_without_comment") == 1


# Required fields


@pytest.mark.parametrize(
    ("kind", "value", "empty"),
    [
        ("char", "  ", True),
        ("char", "x", False),
        ("html", "<p><br></p>", True),
        ("html", "<p>да</p>", False),
        ("monetary", 0.0, True),
        ("many2one", False, True),
        ("many2many", [], True),
        ("many2many", [4], False),
    ],
)
async def test_what_an_empty_field_is(kind: str, value: Any, empty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    odoo = Odoo(World(deals=[WorldDeal("1001", "Поле", ANNA)]), settings={"required_fields": {"*": ["x_site"]}})
    odoo.fake.tables["crm.lead"][0]["x_site"] = value
    call = odoo.fake.call

    def typed(model: str, method: str, ids: Any, arguments: dict[str, Any]) -> Any:
        answer = call(model, method, ids, arguments)
        if (model, method) == ("crm.lead", "fields_get"):
            answer["x_site"]["type"] = kind
        return answer

    monkeypatch.setattr(odoo.fake, "call", typed)
    assert await odoo.number("deals_missing_fields") == int(empty)


async def test_fields_are_required_by_sales_team() -> None:
    deals = [
        WorldDeal("1001", "Новые", ANNA, filled=False),
        WorldDeal("1002", "Прогрев", ANNA, pipeline="2", filled=False),
    ]
    odoo = Odoo(World(deals=deals), settings={"required_fields": {"2": ["x_site"]}})
    reading = (await odoo.readings())["deals_missing_fields"]
    assert isinstance(reading, Value)
    assert [item.title for item in reading.items] == ["Прогрев"]


async def test_a_required_field_that_does_not_exist_is_named() -> None:
    odoo = Odoo(company(), settings={"required_fields": {"*": ["x_sitte"], "9": ["x_site"]}})
    readings = await odoo.readings()
    absent = readings["deals_missing_fields"]
    assert isinstance(absent, NotRead)
    assert absent.cause is Cause.RIGHTS
    assert "x_sitte" in absent.detail
    assert isinstance(readings["deals_open"], Value)
    problems = _errors(await odoo.findings())
    assert "x_sitte" in problems
    assert "no sales team or stage 9" in problems


def test_without_required_fields_there_is_nothing_to_state() -> None:
    nothing: list[dict[str, list[str]]] = [{}, {"*": []}]
    for fields in nothing:
        odoo = Odoo(World(), settings={"required_fields": fields})
        assert odoo.client.capabilities["deals_missing_fields"] is Capability.UNAVAILABLE


# Login and rights


@pytest.mark.parametrize("options", [{}, {"version": "16.0"}])
async def test_a_user_who_sees_only_his_own_deals_is_refused(options: dict[str, Any]) -> None:
    odoo = Odoo(company(), options={"groups": frozenset({"sales_team.group_sale_salesman"}), **options})
    with pytest.raises(RightsMissing, match="All Documents"):
        await odoo.facts()
    assert "rights: " in _errors(await odoo.findings())


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
    assert text in _errors(await odoo.findings())


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
    assert "activities are visible whose deals are not (1)" in _errors(await Odoo(world).findings())


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
