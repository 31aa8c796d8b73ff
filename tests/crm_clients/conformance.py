"""What every CRM client must do: the same made-up company gives the same KPIs, whatever goes wrong on the line.

A client's test subclasses `Conformance` and says how its fake server is filled from a `World`:

    class TestBitrix24(Conformance):
        kind = "bitrix24"
        def server(self, world, quirks): return httpx.MockTransport(FakeBitrix24(world, quirks))
        ...

Clients are opened as `Client(config, memory, transport=..., clock=...)`; all their time comes from that clock.
"""

from __future__ import annotations

import logging
import random
import traceback
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from urllib.parse import quote, urlsplit

import httpx
import pytest

from crm_clients.base import CrmUser, Severity
from crm_clients.errors import CrmError, CrmUnavailable
from scoring.kpis import CATALOGUE, Capability
from scoring.records import (
    Call,
    Comment,
    Company,
    Completed,
    Deal,
    Doubtful,
    Failed,
    Meeting,
    RecordKind,
    Task,
    Unreadable,
)
from scoring.snapshot import Cause, NotRead, Value
from tests.crm_clients.client_under_test import (
    ends,
    essence_of,
    marks_of,
    number_of,
    titles_of,
)
from tests.crm_clients.company import EXPECTED, company, two_hours_later
from tests.crm_clients.faults import FAULTS, Break, Unreliable
from tests.crm_clients.rechecking import RecheckTests
from tests.crm_clients.world import (
    ANNA,
    BORIS,
    CUTOFF,
    NAMES,
    START,
    TODAY,
    WON,
    ZOYA,
    FakeClock,
    Move,
    Quirks,
    World,
    WorldCall,
    WorldCompany,
    WorldDeal,
    WorldMeeting,
    WorldTask,
)


class Conformance(RecheckTests):
    """Subclass it, fill in what is abstract; pytest collects the subclass."""

    # The company

    async def test_the_made_up_company_has_the_expected_kpis(self) -> None:
        self.assert_expected(await self.readings(company()))

    async def test_small_pages_change_nothing(self) -> None:
        self.assert_expected(await self.readings(company(), quirks=Quirks(page_size=2)))

    async def test_rows_that_come_twice_change_nothing(self) -> None:
        self.assert_expected(await self.readings(company(), quirks=Quirks(page_size=3, repeat_rows=True)))

    async def test_an_empty_crm_reads_as_zeros(self) -> None:
        readings = await self.readings(World())
        for key in self.available():
            reading = readings[ANNA][key]
            assert isinstance(reading, Value), key
            assert reading.number in (0, {}), key

    async def test_many_pages_are_read_to_the_end(self) -> None:
        world = World(
            deals=[WorldDeal(str(10_000 + n), f"Сделка {n}", (ANNA, BORIS)[n % 2]) for n in range(1203)],
            tasks=[
                WorldTask(str(20_000 + n), f"Дело {n}", ANNA, TODAY - timedelta(days=1), deals=(str(10_000 + n),))
                for n in range(601)
            ],
        )
        readings = await self.readings(world, kpis=frozenset({"deals_open", "overdue_tasks", "deals_without_task"}))
        assert number_of(readings[ANNA]["deals_open"]) == 602
        assert number_of(readings[BORIS]["deals_open"]) == 601
        assert number_of(readings[ANNA]["overdue_tasks"]) == 601
        assert number_of(readings[ANNA]["deals_without_task"]) + number_of(readings[BORIS]["deals_without_task"]) == 602

    async def test_companies_are_credited_to_the_owner_when_the_settings_say_so(self) -> None:
        readings = await self.readings(company(), companies_credit="owner")
        if "companies_added" in self.available():
            assert number_of(readings[ANNA]["companies_added"]) == 1
            assert number_of(readings[BORIS]["companies_added"]) == 2

    async def test_money_is_exact(self) -> None:
        if not self.fractions:
            return
        amount = Decimal("9007199254.93") if self.currencies else Decimal("1200.10")
        deal = WorldDeal("1001", "Точная", ANNA, moves=(Move(START, WON),), amount=amount)
        other = WorldDeal("1002", "Копейки", ANNA, moves=(Move(START, WON),), amount=Decimal("0.07"))
        readings = await self.readings(World(deals=[deal, other]))
        assert number_of(readings[ANNA]["won_amount"]) == {"RUB": amount + Decimal("0.07")}

    async def test_several_currencies_are_kept_apart(self) -> None:
        if not self.currencies:
            return
        won = (Move(START, WON),)
        deals = [
            WorldDeal("1001", "Рубли", ANNA, moves=won, amount=Decimal(100), currency="RUB"),
            WorldDeal("1002", "Евро", ANNA, moves=won, amount=Decimal(30), currency="EUR"),
            WorldDeal("1003", "Без суммы", ANNA, moves=won),
        ]
        readings = await self.readings(World(deals=deals))
        assert number_of(readings[ANNA]["won_amount"]) == {"EUR": Decimal(30), "RUB": Decimal(100)}
        assert number_of(readings[ANNA]["deals_won"]) == 3

    async def test_a_deadline_at_the_cutoff_itself_is_not_overdue(self) -> None:
        if not self.deadline_times:
            return
        tasks = [
            WorldTask("2001", "Ровно", ANNA, CUTOFF),
            WorldTask("2002", "Секундой раньше", ANNA, CUTOFF - timedelta(seconds=1)),
        ]
        readings = await self.readings(World(tasks=tasks))
        assert titles_of(readings[ANNA]["overdue_tasks"]) == {"Секундой раньше"}

    async def test_a_deal_closed_at_the_cutoff_itself_belongs_to_the_next_window(self) -> None:
        deal = WorldDeal("1001", "Ровно в шесть", ANNA, moves=(Move(CUTOFF, WON),), amount=Decimal(1))
        readings = await self.readings(World(deals=[deal]))
        assert ends(readings[ANNA]["deals_won"])[0] == 0
        assert 1 in ends(readings[ANNA]["deals_open"])

    async def test_what_changed_after_the_cutoff_falsifies_no_reading(self) -> None:
        readings = await self.readings(two_hours_later())
        for user, expected in EXPECTED.items():
            for key in self.available():
                reading = readings[user][key]
                if isinstance(reading, Value):
                    assert reading.number == expected[key], (user, key, [item.title for item in reading.items])
                else:
                    assert isinstance(reading, NotRead), (user, key)
                    assert reading.cause in (Cause.LATE, Cause.CHANGED), (user, key, reading)

    async def test_events_read_late_are_still_known(self) -> None:
        readings = await self.readings(two_hours_later())
        client = self.unasked_client()
        for key in ("companies_added", "calls_held"):
            if client.capabilities[key] is Capability.REBUILDABLE:
                assert isinstance(readings[ANNA][key], Value), key

    @pytest.mark.parametrize("seed", range(8))
    async def test_a_kpi_is_the_same_whatever_else_is_asked_for(self, seed: int) -> None:
        dice = random.Random(seed)
        kpis = frozenset(dice.sample(sorted(CATALOGUE), dice.randint(1, 6)))
        for world in (company(), two_hours_later()):
            everything, part = await self.readings(world), await self.readings(world, kpis=kpis)
            for user, readings in part.items():
                assert {key: essence_of(readings[key]) for key in kpis} == {
                    key: essence_of(everything[user][key]) for key in kpis
                }, user

    async def test_events_of_the_window_before_are_read_for_what_came_late(self) -> None:
        if not self.late_arrivals:
            return
        earlier = START - timedelta(hours=1)
        world = World(
            deals=[WorldDeal("1001", "Вчера", ANNA, moves=(Move(earlier, WON),))],
            meetings=[WorldMeeting("3001", "Вчера", ANNA, earlier, earlier - timedelta(hours=1), "1001")],
            calls=[WorldCall("4001", ANNA, earlier, 60, deal="1001")],
            companies=[WorldCompany("5001", "Вчерашняя", ANNA, ANNA, earlier)],
        )
        read = {type(fact) for fact in await self.facts(world)}
        available = self.available()
        kinds = {"deals_won": Deal, "meetings_held": Meeting, "calls_held": Call, "companies_added": Company}
        assert not [key for key, kind in kinds.items() if key in available and kind not in read]

    # Marks and what is asked for

    async def test_every_kind_gets_exactly_one_mark(self) -> None:
        marks = marks_of(await self.facts(company()))
        assert Counter(mark.kind for mark in marks) == Counter(RecordKind)
        assert all(isinstance(mark, Completed) for mark in marks), marks

    async def test_a_mark_says_when_reading_began(self) -> None:
        world = company()
        for mark in marks_of(await self.facts(world)):
            assert isinstance(mark, Completed)
            assert world.now <= mark.started_at <= world.now + timedelta(minutes=1)

    async def test_only_what_is_asked_for_is_read(self) -> None:
        world = company()
        clock = FakeClock(world.now)
        line = Unreliable(self.server(world, Quirks()))
        async with self.opened(line, clock) as client:
            request = self.request(world, frozenset({"companies_added"}))
            marks = marks_of([fact async for fact in client.read(request)])
        assert [mark.kind for mark in marks] == [RecordKind.COMPANIES]
        others = set(RecordKind) - {RecordKind.COMPANIES}
        assert not [request.url for request in line.requests for kind in others if self.concerns(request, kind)]

    async def test_requests_are_counted(self) -> None:
        world = company()
        line = Unreliable(self.server(world, Quirks()))
        async with self.opened(line, FakeClock(world.now)) as client:
            async for _ in client.read(self.request(world)):
                pass
            assert client.stats.requests == len(line.requests) > 0

    def test_capabilities_cover_the_catalogue(self) -> None:
        client = self.unasked_client()
        assert client.capabilities.keys() == CATALOGUE.keys()

    async def test_records_are_typed_as_the_product_wants_them(self) -> None:
        for fact in await self.facts(company()):
            if isinstance(fact, Completed | Doubtful | Failed | Unreadable):
                continue
            identity = fact.deal if isinstance(fact, Comment) else fact.id
            assert isinstance(identity, str)
            assert identity
            for name in fact.__struct_fields__:
                value = getattr(fact, name)
                assert not isinstance(value, float), (fact, name)
                if isinstance(value, datetime):
                    assert value.utcoffset() is not None, (fact, name)
            if isinstance(fact, Deal) and fact.amount:
                assert isinstance(fact.amount.amount, Decimal)
            if isinstance(fact, Task):
                assert all(isinstance(deal, str) for deal in fact.deals)

    # People

    async def test_users_include_those_who_left(self) -> None:
        async with self.opened(self.server(company(), Quirks()), FakeClock()) as client:
            users: dict[str, CrmUser] = {user.id: user for user in await client.users()}
        assert users[ANNA].active
        assert users[ANNA].name == NAMES[ANNA]
        assert not users[ZOYA].active

    async def test_an_incomplete_list_of_users_is_an_error(self) -> None:
        line = Unreliable(self.server(company(), Quirks()), lambda number_of, _request: FAULTS["500"])
        async with self.opened(line, FakeClock()) as client:
            with pytest.raises(CrmError):
                await client.users()

    # A bad line

    @pytest.mark.parametrize("fault", FAULTS)
    async def test_a_fault_now_and_then_changes_nothing(self, fault: str) -> None:
        readings = await self.readings(company(), when=lambda number, _: FAULTS[fault] if number % 3 == 1 else None)
        self.assert_expected(readings)

    @pytest.mark.parametrize("kind", RecordKind)
    async def test_a_kind_that_cannot_be_read_fails_alone(self, kind: RecordKind) -> None:
        world = company()
        available = {key for key in self.available() if kind in CATALOGUE[key].needs}
        if not available:
            return
        facts = await self.facts(world, when=lambda _, request: FAULTS["503"] if self.concerns(request, kind) else None)
        marks = {mark.kind: mark for mark in marks_of(facts)}
        assert isinstance(marks[kind], Failed)
        assert len(marks_of(facts)) == len(RecordKind)
        readings = self.count(world, facts)
        for key in self.available():
            needs = CATALOGUE[key].needs
            if all(isinstance(marks[need], Completed) for need in needs):
                assert isinstance(readings[ANNA][key], Value), key
            else:
                assert isinstance(readings[ANNA][key], NotRead), key
        healthy = {key for key in self.available() if kind not in CATALOGUE[key].needs}
        assert any(isinstance(readings[ANNA][key], Value) for key in healthy), "one kind took all others with it"

    async def test_a_kind_that_breaks_after_its_first_page_is_not_taken_for_whole(self) -> None:
        world = company()
        seen: list[int] = []

        def when(number: int, request: httpx.Request) -> Break | None:
            if not self.concerns(request, RecordKind.DEALS):
                return None
            seen.append(number)
            return FAULTS["503"] if len(seen) > 1 else None

        marks = {mark.kind: mark for mark in marks_of(await self.facts(world, quirks=Quirks(page_size=2), when=when))}
        if len(seen) > 1:
            assert isinstance(marks[RecordKind.DEALS], Failed)

    async def test_a_crm_that_is_down_is_never_zeros(self) -> None:
        world = company()
        try:
            facts = await self.facts(world, when=lambda *_: FAULTS["a refused connection"])
        except CrmUnavailable:
            return
        assert not [mark for mark in marks_of(facts) if isinstance(mark, Completed) and self._readable(mark.kind)]

    def _readable(self, kind: RecordKind) -> bool:
        return any(kind in CATALOGUE[key].needs for key in self.available())

    async def test_a_slow_crm_ends_at_the_deadline(self) -> None:
        world = company()
        clock = FakeClock(world.now)
        line = Unreliable(self.server(world, Quirks(page_size=2)), before=lambda: clock.advance(2))
        texts = []
        async with self.opened(line, clock, read_timeout_seconds=9) as client:
            try:
                facts = [fact async for fact in client.read(self.request(world))]
                texts = [mark.reason for mark in marks_of(facts) if isinstance(mark, Failed)]
            except CrmUnavailable as error:
                texts = [str(error)]
        assert any("read_timeout_seconds" in text for text in texts), texts
        assert len(line.requests) <= 6

    # Secrets and links

    @pytest.mark.parametrize("fault", ["500", "HTML with 200", "a dropped connection", "echo", "refuse"])
    async def test_secrets_are_never_told(self, fault: str, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
            caplog.set_level(logging.DEBUG, name)
        faults = {**FAULTS, "echo": _echo(500), "refuse": _echo(403)}
        world = company()
        told = [repr(self.config())]
        line = Unreliable(self.server(world, Quirks()), lambda *_: faults[fault])
        async with self.opened(line, FakeClock(world.now)) as client:
            told.append(repr(client))
            try:
                async for fact in client.read(self.request(world)):
                    told.append(repr(fact))
            except CrmError as error:
                told += [str(error), repr(error), "".join(traceback.format_exception(error))]
            try:
                await client.users()
            except CrmError as error:
                told += [str(error), repr(error), "".join(traceback.format_exception(error))]
            told += [repr(finding) for finding in await client.check({ANNA: NAMES[ANNA]})]
        told.append(caplog.text)
        for secret in self.secrets():
            for spelling in {secret, quote(secret, safe="")}:
                assert not [text for text in told if spelling in text]

    async def test_links_point_to_the_configured_host(self) -> None:
        world = company()
        async with self.opened(self.server(world, Quirks()), FakeClock(world.now)) as client:
            records = [f async for f in client.read(self.request(world)) if not isinstance(f, Completed | Failed)]
            links = {type(record): client.link(record) for record in records}
            hosts = {urlsplit(client.link(record)).netloc for record in records} - {""}
        assert hosts == {self.host()}
        assert links[Deal]
        for secret in self.secrets():
            assert not [link for link in links.values() if secret in link]

    # check

    async def test_check_finds_a_healthy_connection_healthy(self) -> None:
        async with self.opened(self.server(company(), Quirks()), FakeClock()) as client:
            findings = await client.check({ANNA: NAMES[ANNA], BORIS: NAMES[BORIS]})
        assert findings
        assert not [finding for finding in findings if finding.severity is Severity.ERROR]

    async def test_check_names_a_member_of_whom_nothing_is_visible(self) -> None:
        world = company()
        world.users = [*world.users, replace(world.users[0], id="77", name="Никто Невидимый")]
        async with self.opened(self.server(world, Quirks()), FakeClock()) as client:
            findings = await client.check({ANNA: NAMES[ANNA], "77": "Никто Невидимый"})
        bad = [finding for finding in findings if finding.severity is not Severity.OK]
        assert any("Никто Невидимый" in finding.text for finding in bad)
        assert not any(NAMES[ANNA] in finding.text for finding in bad)

    async def test_check_finds_a_member_whom_the_crm_does_not_know(self) -> None:
        async with self.opened(self.server(company(), Quirks()), FakeClock()) as client:
            findings = await client.check({ANNA: NAMES[ANNA], "4040": "Чужой Человек"})
        bad = [finding for finding in findings if finding.severity is Severity.ERROR]
        assert any("4040" in finding.text for finding in bad)

    async def test_check_of_a_crm_that_is_down_is_a_finding_and_no_crash(self) -> None:
        line = Unreliable(self.server(company(), Quirks()), lambda *_: FAULTS["a refused connection"])
        async with self.opened(line, FakeClock()) as client:
            findings = await client.check({ANNA: NAMES[ANNA]})
        assert [finding for finding in findings if finding.severity is Severity.ERROR]


def _echo(status: int) -> Break:
    """A server that repeats what it was told, as debug pages do."""

    async def answer(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        headers = " ".join(f"{name}: {value}" for name, value in request.headers.items())
        said = f"error at {request.url} with {headers} and {request.content.decode(errors='replace')}"
        body = {"error": said, "error_description": said, "message": said, "title": said, "detail": said, "name": said}
        return httpx.Response(status, json=body)

    return answer
