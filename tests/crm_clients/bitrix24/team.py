"""A made-up Bitrix24 portal, and a reader of it that counts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from crm_clients.base import DictMemory, Finding, ReadRequest
from crm_clients.bitrix24.client import Bitrix24Client
from crm_clients.bitrix24.config import Bitrix24Config
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from scoring.earlier_runs import EarlierRuns
from scoring.kpis import CATALOGUE
from scoring.records import Completed, Fact, Failed, RecordKind
from scoring.snapshot import Manager, NotRead, Reading, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from scoring.workdays import Window
from tests.crm_clients.bitrix24.fake import FakeBitrix24
from tests.crm_clients.bitrix24.portal import SECRET, Portal
from tests.crm_clients.client_under_test import MOSCOW, NO_GRACE
from tests.crm_clients.faults import Break, Unreliable
from tests.crm_clients.world import CUTOFF, LONG_AGO, START, FakeClock

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
EARLIER = START - DAY
ANNA, BORIS = 7, 12
REASON = "UF_CRM_REASON"


def portal() -> Portal:
    """Two employees, two pipelines, nothing sold yet."""
    made = Portal()
    for category in (0, 4):
        prefix = f"C{category}:" if category else ""
        for stage, letter in (("NEW", None), ("TALKS", None), ("WON", "S"), ("LOSE", "F"), ("APOLOGY", "F")):
            made.add_stage(prefix + stage, letter, category, name=f"стадия {stage}")
    made.add_user(ANNA, "Анна Лебедева", departments=(5,))
    made.add_user(BORIS, "Борис Орлов", departments=(6,))
    titled = {"type": "string", "title": "Город доставки"}
    made.fields = {"ufCrmReason": {"type": "string"}, "ufCrm_170": titled}
    return made


def deal(where: Portal, key: int, user: int = ANNA, **more: Any) -> None:
    """An open deal in its first stage for long."""
    where.add_deal(key, more.pop("title", f"Сделка {key}"), user, more.pop("stage", "NEW"), created=LONG_AGO, **more)
    where.add_move(key, "NEW", "P", LONG_AGO, 1)


def closed(where: Portal, key: int, *moves: tuple[datetime, str, str], user: int = ANNA, **more: Any) -> None:
    """A deal and the stages it went through: (instant, stage, semantics)."""
    at, stage, letter = moves[-1]
    where.add_deal(
        key, f"Сделка {key}", user, stage, created=LONG_AGO, moved=at, closed=letter != "P", **more
    )  # fmt: skip
    where.add_move(key, "NEW", "P", LONG_AGO, 1)
    for instant, name, semantics in moves:
        where.add_move(key, name, semantics, instant, 2 if semantics == "P" else 3)


class Reader:
    """A client on a fake portal, and what it counts."""

    def __init__(self, where: Portal, *, now: datetime = CUTOFF + 20 * SECOND, **settings: Any) -> None:
        self.clock = FakeClock(now)
        self.portal = where
        options = {
            name: settings.pop(name) for name in ("per_second", "bucket", "lists_as_objects") if name in settings
        }
        self.fake = FakeBitrix24(where, now=lambda: self.clock.now().timestamp(), **options)
        self.line = Unreliable(self.fake)
        self.memory = settings.pop("memory", None) or DictMemory()
        self.config = Bitrix24Config.model_validate(
            {"kind": "bitrix24", "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/", **settings}
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Bitrix24Client]:
        client = Bitrix24Client(self.config, self.memory, transport=self.line, clock=self.clock)
        try:
            yield client
        finally:
            await client.aclose()

    async def facts(self, *kpis: str, members: tuple[int, ...] = (ANNA, BORIS)) -> list[Fact]:
        request = ReadRequest(
            Window(START, CUTOFF, EARLIER), frozenset(kpis or CATALOGUE), frozenset(str(user) for user in members)
        )
        async with self.client() as client:
            return [fact async for fact in client.read(request)]

    async def count(self, *kpis: str, user: int = ANNA, held: frozenset[str] = frozenset()) -> Mapping[str, Reading]:
        facts = await self.facts(*kpis)
        members = {str(key): Manager(str(key), str(key)) for key in (ANNA, BORIS)}
        window = Window(START, CUTOFF, EARLIER)
        earlier_runs = EarlierRuns(read={"meetings_held": frozenset({str(user)})}, counted={"meetings_held": held})
        sheet = TallySheet(members, window, MOSCOW, tuple(kpis or CATALOGUE), NO_GRACE, earlier_runs=earlier_runs)
        async with self.client() as client:
            tally = Tally(sheet, client.capabilities, client.link)
        for fact in facts:
            tally.add(fact)
        return next(s.readings for s in tally.snapshots() if s.manager.crm_user == str(user))

    async def number(self, kpi: str, *, user: int = ANNA, **more: Any) -> Any:
        reading = (await self.count(kpi, user=user, **more))[kpi]
        assert isinstance(reading, Value), reading
        return reading.number

    async def ends(self, kpi: str, *others: str) -> tuple[Any, Any]:
        """The ends between which a KPI lies; twice the same where nothing is in doubt."""
        reading = (await self.count(kpi, *others))[kpi]
        if isinstance(reading, Value):
            return reading.number, reading.number
        assert isinstance(reading, NotRead)
        assert reading.range is not None, reading
        return reading.range.low.number, reading.range.high

    async def marks(self, *kpis: str) -> dict[RecordKind, Completed | Failed]:
        return {fact.kind: fact for fact in await self.facts(*kpis) if isinstance(fact, Completed | Failed)}

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        async with self.client() as client:
            return await client.check(members)


def answer(status: int, body: Mapping[str, Any]) -> Break:
    async def answer(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(body), headers={"content-type": "application/json"})

    return answer


def a_list(name: str, pages: int = 50, *, group: str = "", ask_last: bool = False) -> QueryProgress:
    """Begin to read a list of which nobody wants facts."""
    return KeysetQuery(
        method=name,
        params={"filter": {}, "select": ["ID", "SUBJECT"]},
        fold=lambda _: (),
        what=name,
        group=group,
        expected_pages=pages,
        ask_last=ask_last,
    ).start()
