"""A CRM client before its fake server: how it is opened, read and counted in tests that every client must pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import httpx
import pytest
import stamina

from crm_clients import CRM_KINDS, CrmKind
from crm_clients.base import CrmConfig, DictMemory, ReadRequest
from scoring.kpis import CATALOGUE, Capability, KpiSettings
from scoring.records import Completed, Fact, Failed, RecordKind
from scoring.snapshot import Manager, NotAvailable, NotRead, Reading, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from tests.crm_clients.company import EXPECTED, TITLES
from tests.crm_clients.faults import Break, Unreliable
from tests.crm_clients.world import ANNA, BORIS, NAMES, FakeClock, Quirks, World

NO_GRACE = KpiSettings(grace_minutes=0)
"""The worlds' deals count from their first minute."""
MOSCOW = ZoneInfo("Europe/Moscow")
Readings = Mapping[str, Mapping[str, Reading]]
PLAIN = Quirks()
KINDS = {**CRM_KINDS, "template": CrmKind("template", "Template")}
"""The kinds that are shipped, and the folder that new ones are copied from."""


class ClientUnderTest:
    """What a test must know of a client and of its fake server, and how it reads a world."""

    kind: ClassVar[str]
    deadline_times: ClassVar[bool] = True
    """Whether the CRM's deadlines have a time of day."""
    fractions: ClassVar[bool] = True
    """Whether amounts may have kopecks."""
    late_arrivals: ClassVar[bool] = False
    """Whether the window before is read too, for events that the CRM told of after its cutoff."""
    currencies: ClassVar[bool] = True
    """Whether deals of one account may be in several currencies."""
    required_field: ClassVar[str]
    """The CRM's name of the field that `WorldDeal.filled` speaks of."""

    # What a subclass says

    def server(self, world: World, quirks: Quirks) -> httpx.AsyncBaseTransport:
        """A fake that speaks the CRM's wire format and holds `world` as it is at `world.now`."""
        raise NotImplementedError

    def settings(self) -> dict[str, Any]:
        """The `[crm.…]` table: address, key and what the fake needs to be understood."""
        raise NotImplementedError

    def secrets(self) -> list[str]:
        """Parts of the settings that must never be shown."""
        raise NotImplementedError

    def concerns(self, request: httpx.Request, kind: RecordKind) -> bool:
        """Whether a request reads records of `kind` (and not those of another)."""
        raise NotImplementedError

    def host(self) -> str:
        """Where links lead."""
        raise NotImplementedError

    # Helpers

    @pytest.fixture(autouse=True)
    def _no_backoff(self) -> Iterator[None]:
        """Retries are counted as in earnest but do not wait."""
        with stamina.set_testing(True, attempts=1000, cap=True):
            yield

    def config(self, **more: Any) -> CrmConfig:
        """The settings, checked."""
        table = {"kind": self.kind, "required_fields": {"*": [self.required_field]}, **self.settings(), **more}
        return KINDS[self.kind].config_model().model_validate(table)

    def unasked_client(self) -> Any:  # a CrmClient
        """A client whose server must not be asked."""
        return KINDS[self.kind].open(self.config(), DictMemory(), transport=httpx.MockTransport(nobody))

    @asynccontextmanager
    async def opened(
        self, transport: httpx.AsyncBaseTransport, clock: FakeClock, **settings: Any
    ) -> Any:  # an AsyncIterator[CrmClient]
        """The client, closed afterwards."""
        client = KINDS[self.kind].open(self.config(**settings), DictMemory(), transport=transport, clock=clock)
        try:
            yield client
        finally:
            await client.aclose()

    async def facts(
        self,
        world: World,
        *,
        quirks: Quirks = PLAIN,
        when: Callable[[int, httpx.Request], Break | None] = lambda number_of, _request: None,
        kpis: frozenset[str] | None = None,
        **settings: Any,
    ) -> list[Fact]:
        """All that one read yields."""
        clock = FakeClock(world.now)
        async with self.opened(Unreliable(self.server(world, quirks), when), clock, **settings) as client:
            return [fact async for fact in client.read(self.request(world, kpis))]

    def request(self, world: World, kpis: frozenset[str] | None = None) -> ReadRequest:
        """A read of everything for both managers."""
        return ReadRequest(world.window, kpis or frozenset(CATALOGUE), frozenset({ANNA, BORIS}))

    async def readings(self, world: World, **options: Any) -> Readings:
        """What the product would count."""
        return self.count(world, await self.facts(world, **options), options.get("kpis"))

    def count(self, world: World, facts: list[Fact], kpis: frozenset[str] | None = None) -> Readings:
        """The tally of one team with both managers."""
        members = {user: Manager(user, NAMES[user]) for user in (ANNA, BORIS)}
        sheet = TallySheet(members, world.window, MOSCOW, tuple(kpis or CATALOGUE), NO_GRACE)
        client = self.unasked_client()
        tally = Tally(sheet, client.capabilities, client.link)
        for fact in facts:
            tally.add(fact)
        return {snapshot.manager.crm_user: snapshot.readings for snapshot in tally.snapshots()}

    def available(self) -> frozenset[str]:
        """The KPIs that the client says it can state."""
        client = self.unasked_client()
        return frozenset(key for key, can in client.capabilities.items() if can is not Capability.UNAVAILABLE)

    def assert_expected(self, readings: Readings) -> None:
        """Every KPI that the CRM can state is what the company says; every other one is not available."""
        available = self.available()
        for user, expected in EXPECTED.items():
            for key, number in expected.items():
                reading = readings[user][key]
                if key not in available:
                    assert isinstance(reading, NotAvailable), (user, key)
                    continue
                assert isinstance(reading, Value), (user, key, reading)
                assert reading.number == number, (user, key, [item.title for item in reading.items])
                if key in TITLES[user]:
                    assert {item.title for item in reading.items} == TITLES[user][key], (user, key)


def marks_of(facts: list[Fact]) -> list[Completed | Failed]:
    return [fact for fact in facts if isinstance(fact, Completed | Failed)]


def ends(reading: Reading) -> tuple[Any, Any]:
    """The two ends of a doubtful value; of a certain value twice the number."""
    if isinstance(reading, Value):
        return reading.number, reading.number
    assert isinstance(reading, NotRead), reading
    assert reading.range is not None, reading
    return reading.range.low.number, reading.range.high


def number_of(reading: Reading) -> Any:
    assert isinstance(reading, Value), reading
    return reading.number


def essence_of(reading: Reading) -> Any:
    """A value and its evidence, or why there is none."""
    if isinstance(reading, Value):
        return reading.number, sorted(item.key for item in reading.items)
    return reading


def titles_of(reading: Reading) -> set[str]:
    assert isinstance(reading, Value), reading
    return {item.title for item in reading.items}


def nobody(request: httpx.Request) -> httpx.Response:
    raise AssertionError(f"nothing should be asked: {request.method}")
