"""How many requests a whole snapshot of Bitrix24 takes: employees, visibility and every list of the read."""

from __future__ import annotations

import pytest

from crm_clients.base import DictMemory, ReadRequest
from crm_clients.bitrix24.client import Bitrix24Client
from crm_clients.bitrix24.config import Bitrix24Config
from scoring.kpis import CATALOGUE
from scoring.records import Deal, DealState, Task
from scoring.workdays import Window
from tests.crm_clients.bitrix24.fake import FakeBitrix24
from tests.crm_clients.bitrix24.portal import SECRET
from tests.crm_clients.bitrix24.weeks import DAY, OrdinaryWeeks
from tests.crm_clients.world import CUTOFF, FakeClock

COMMENTS = "deals_without_comment"
"""Asked deal by deal, so not a question of filling requests."""


class Snapshots:
    """Takes snapshots of a portal, and counts the requests of each."""

    def __init__(self, weeks: OrdinaryWeeks) -> None:
        self.clock = FakeClock(CUTOFF)
        self.fake = FakeBitrix24(weeks.portal, now=lambda: self.clock.now().timestamp())
        self._members = frozenset(weeks.told)
        self._memory = DictMemory()
        self.facts: list[object] = []

    async def requests(self) -> int:
        """Take a snapshot as a process of its own would."""
        before = self.fake.requests
        config = Bitrix24Config.model_validate(
            {
                "kind": "bitrix24",
                "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/",
                "loss_reason_field": "UF_CRM_WHY",
                "required_fields": {"*": ["UF_CRM_1"]},
            }
        )
        window = Window(CUTOFF - DAY, CUTOFF, CUTOFF - 2 * DAY)
        request = ReadRequest(window, frozenset(CATALOGUE) - {COMMENTS}, self._members)
        client = Bitrix24Client(config, self._memory, transport=self.fake, clock=self.clock)
        assert {user.id for user in await client.users()} >= self._members
        self.facts = [fact async for fact in client.read(request)]
        await client.aclose()
        return self.fake.requests - before


@pytest.mark.parametrize(("managers", "deals", "spare"), [(1, 10, 2), (20, 2_000, 1), (60, 6_000, 2)])
async def test_a_snapshot_takes_hardly_more_requests_than_its_rows_fill(managers: int, deals: int, spare: int) -> None:
    weeks = OrdinaryWeeks(managers, deals, CUTOFF)
    snapshots = Snapshots(weeks)
    assert await snapshots.requests() <= weeks.fewest + spare
    read = [fact for fact in snapshots.facts if isinstance(fact, Deal)]
    assert sum(fact.state is DealState.OPEN for fact in read) == deals
    late = sum(told["overdue_tasks"] for told in weeks.told.values())
    assert sum(isinstance(fact, Task) and not fact.deals for fact in snapshots.facts) <= late


async def test_a_webhook_of_no_administrator_costs_few_more_requests_and_only_once_an_hour() -> None:
    weeks = OrdinaryWeeks(20, 2_000, CUTOFF)
    snapshots = Snapshots(weeks)
    of_administrator = await snapshots.requests()
    weeks.portal.says_admin = False
    assert of_administrator < await snapshots.requests() <= of_administrator + 3
    assert await snapshots.requests() == of_administrator
