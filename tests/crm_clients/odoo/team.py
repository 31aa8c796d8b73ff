"""A client before a fake Odoo."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from crm_clients.base import DictMemory, Finding, ReadRequest, Severity
from crm_clients.odoo.client import OdooClient
from crm_clients.odoo.config import OdooConfig
from scoring.kpis import CATALOGUE
from scoring.records import Fact
from scoring.snapshot import Manager, Reading, Value
from scoring.tally import Tally
from scoring.tally_sheet import TallySheet
from tests.crm_clients.client_under_test import NO_GRACE
from tests.crm_clients.faults import Unreliable
from tests.crm_clients.odoo.fake import DATABASE, HOST, KEY, LOGIN, FakeOdoo
from tests.crm_clients.world import ANNA, BORIS, CUTOFF, NAMES, FakeClock, World

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


def errors_of(findings: list[Finding]) -> str:
    return "\n".join(f"{f.subject}: {f.text}" for f in findings if f.severity is Severity.ERROR)
