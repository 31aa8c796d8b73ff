"""Bitrix24's part of `benchmarks.read`: the portal, our client, fast-bitrix24 and b24pysdk."""

from __future__ import annotations

import asyncio
import random
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

import httpx

from benchmarks.read import DAY, LATENCY, Served
from crm_clients.base import DictMemory
from crm_clients.bitrix24.client import Bitrix24Client
from crm_clients.bitrix24.config import Bitrix24Config
from tests.crm_clients.answering import answered, answering
from tests.crm_clients.bitrix24.fake import CONTACT, DEAL, SECRET, FakeBitrix24, Portal

PER_SECOND, BUCKET = 2, 50
PAGE = COMMANDS = 50
"""Rows of a page, and pages of a call."""
NAMED = 490
"""Deals that a command can name in two parameters each: PHP reads a thousand of a query."""
SMALL = 8
"""Lists of which any reader needs a page, full or empty: the webhook's user, stages, fields, calls begun before the
window, activities and tasks done since the cutoff, overdue activities of other owners than deals, deals moved while
they were read."""
TEAM = 10
"""Managers of a department."""
STAGES = ("NEW", "TALKS", "OFFER")
HOUR = timedelta(hours=1)


def users(managers: int) -> list[str]:
    """Ids."""
    return [str(100 + n) for n in range(managers)]


def client(url: str, memory: DictMemory) -> Bitrix24Client:
    """Ours, with settings that ask for every KPI."""
    config = Bitrix24Config.model_validate(
        {
            "kind": "bitrix24",
            "webhook_url": f"{url}/rest/1/{SECRET}/",
            "loss_reason_field": "UF_CRM_WHY",
            "required_fields": {"*": ["UF_CRM_1"]},
            "read_timeout_seconds": 7200,
        }
    )
    return Bitrix24Client(config, memory)


def allowed(calls: int) -> float:
    """A full bucket, then two a second; and the way there and back of each, one after another."""
    return max(calls * LATENCY, (calls - BUCKET) / PER_SECOND)


class World:
    """Fill a portal with a company's ordinary weeks, and count what a reader must find there."""

    def __init__(self, managers: int, deals: int, cutoff: datetime) -> None:
        """`deals` are open at the cutoff; closed ones, calls, meetings and companies follow from `managers`."""
        self.portal = Portal()
        self.told: dict[str, dict[str, int]] = {user: defaultdict(int) for user in users(managers)}
        """By manager, the KPIs that a reader must count."""
        self.rows: dict[str, int] = defaultdict(int)
        """By list, the rows that any reader must read."""
        self.bare = 0
        """Open deals that own no activity: their bindings must be asked for."""
        self._dice, self._cutoff, self._start = random.Random(managers), cutoff, cutoff - DAY
        self._people = [int(user) for user in self.told]
        self._key = deals
        self._add_company()
        for key in range(1, deals + 1):
            self._add_open_deal(key)
        for user in self._people:
            self._add_day(user)

    def _add_company(self) -> None:
        for stage, letter in (("NEW", None), ("TALKS", None), ("OFFER", None), ("WON", "S"), ("LOSE", "F")):
            self.portal.add_stage(stage, letter)
        self.portal.fields = {"ufCrm_1": {"type": "string"}, "ufCrmWhy": {"type": "string"}}
        for place, user in enumerate(self._people):
            department = 2 + place // TEAM
            self.portal.add_user(user, f"Менеджер {user}", departments=(department,))
        for department in range(1, 3 + len(self._people) // TEAM):
            parent = "" if department == 1 else "1"
            self.portal.departments.add({"ID": str(department), "NAME": f"Отдел {department}", "PARENT": parent})

    def _add_open_deal(self, key: int) -> None:
        user, dice = self._dice.choice(self._people), self._dice
        made = self._cutoff - timedelta(minutes=dice.randrange(60, 500_000))
        moved = max(made, self._cutoff - 20 * DAY * dice.random())
        filled = dice.random() < 0.9
        walked = STAGES[: dice.randrange(1, len(STAGES) + 1)]
        self.portal.add_deal(
            key, f"Поставка {key}", user, walked[-1], created=made, amount=dice.randrange(10**6), moved=moved,
            ufCrm_1="да" if filled else "",
        )  # fmt: skip
        self._add_history(key, [(stage, "P") for stage in walked], made, moved)
        mine = self.told[str(user)]
        mine["deals_open"] += 1
        mine["deals_missing_fields"] += not filled
        self.rows["open deals"] += 1
        if dice.random() < 0.5:
            self.portal.add_comment(key, key, user, self._cutoff - HOUR)
        if dice.random() < 0.85:
            for _ in range(1 + (dice.random() < 0.5) + (dice.random() < 0.5) + (dice.random() < 0.5)):
                self._add_step(key, user, made)
        elif dice.random() < 0.02:
            self._key += 1
            self.portal.add_activity(
                self._key, f"Дело {key}", user, owner=(CONTACT, 5), bound=[(DEAL, key)], created=made
            )
            self.bare += 1
        else:
            mine["deals_without_task"] += 1
            self.bare += 1

    def _add_step(self, deal: int, user: int, made: datetime) -> None:
        dice = self._dice
        self._key += 1
        late = dice.random() < 0.03
        deadline = self._cutoff + HOUR * (-dice.randrange(1, 90) if late else dice.randrange(1, 400))
        look: dict[str, Any] = {}
        if dice.random() < 0.3:
            self.portal.add_task(
                self._key, f"Задача {self._key}", user, deadline=deadline, created=made, crm=[f"D_{deal}"]
            )
            self.rows["overdue tasks"] += late
            look = {"kind": 3, "provider": "CRM_TASKS_TASK", "ASSOCIATED_ENTITY_ID": str(self._key)}
        self.portal.add_activity(
            self._key, f"Дело {self._key}", user, owner=(DEAL, deal), deadline=deadline, created=made, **look
        )
        self.rows["activities"] += 1
        self.told[str(user)]["overdue_tasks"] += late

    def _add_history(self, deal: int, walked: list[tuple[str, str]], made: datetime, moved: datetime) -> None:
        """One entry for the creation and for every stage since, the last at `moved`."""
        for place, (stage, semantics) in enumerate(walked):
            at = made + (moved - made) * (place / max(1, len(walked) - 1))
            self.portal.add_move(deal, stage, semantics, at, 1 if place == 0 else 2 if semantics == "P" else 3)

    def _add_day(self, user: int) -> None:
        """Add what a manager has closed, and whom he has called and met."""
        dice, mine = self._dice, self.told[str(user)]
        for kind in ("won", "won", "lost"):
            self._key += 1
            at = self._start + DAY * dice.random()
            end = ("WON", "S") if kind == "won" else ("LOSE", "F")
            made = at - 9 * DAY
            self.portal.add_deal(
                self._key, f"Сделка {self._key}", user, end[0], created=made, moved=at, closed=True, amount=100
            )
            walked = [*((stage, "P") for stage in STAGES), end]
            self._add_history(self._key, walked, made, at)
            mine[f"deals_{kind}"] += 1
            self.rows["closed deals"] += 1
            self.rows["moves"] += len(walked)
        for _ in range(30):
            self._key += 1
            self.portal.add_call(self._key, user, self._start + HOUR + (DAY - 2 * HOUR) * dice.random(), 60)
            mine["calls_held"] += 1
            self.rows["calls"] += 1
        for _ in range(2):
            self._key += 1
            at = self._start + DAY * dice.random()
            self.portal.add_activity(
                self._key, "Встреча", user, kind=1, provider="CRM_MEETING", started=at, created=at - DAY, done=True,
                updated=min(at + HOUR, self._cutoff - HOUR / 60),
            )  # fmt: skip
            self.portal.add_company(self._key, f"Компания {self._key}", user, user, at)
            mine["meetings_held"] += 1
            mine["companies_added"] += 1
            self.rows["meetings"] += 1
            self.rows["companies"] += 1

    @property
    def fewest(self) -> int:
        """Requests of a reader whose every request is full: the employees first, then all lists together."""
        # A list is at its end with the first short page, which may be empty.
        pages = SMALL + sum(count // PAGE + 1 for count in self.rows.values()) + -(-self.bare // NAMED)
        return 1 + -(-pages // COMMANDS)


def fill(managers: int, deals: int, cutoff: datetime) -> Served:
    """A portal that keeps its limit and answers late."""
    world = World(managers, deals, cutoff)
    fake = FakeBitrix24(world.portal, per_second=PER_SECOND, bucket=BUCKET, now=time.time)
    fake.index()
    beside = answering(fake)
    seen = [0, 0]

    async def handle(request: httpx.Request) -> httpx.Response:
        begun = time.perf_counter()
        body = await request.aread()
        status, content = await answered(beside, FakeBitrix24.answer, request.url.path, body)
        await asyncio.sleep(max(0.0, LATENCY - (time.perf_counter() - begun)))
        return httpx.Response(status, content=content, headers={"content-type": "application/json; charset=utf-8"})

    async def count() -> tuple[int, int]:
        requests, refused = await answered(beside, _counted)
        calls, refusals = requests - seen[0], refused - seen[1]
        seen[:] = [requests, refused]
        return calls, refusals

    return Served(handle, world.fewest, world.told, count)


def _counted(fake: FakeBitrix24) -> tuple[int, int]:
    return fake.requests, fake.refused


# Libraries

OPEN_DEALS = 1
"""Which of the lists."""


def _lists(cutoff: datetime) -> list[tuple[str, dict[str, Any], str]]:
    """The same lists as (method, parameters, where the rows lie); neither library knows bindings in bulk."""
    start = (cutoff - DAY).isoformat()
    until = cutoff.isoformat()
    deal = ["id", "title", "stageId", "categoryId", "assignedById", "createdTime", "movedTime", "updatedTime",
            "opportunity", "currencyId", "isRecurring", "closed", "ufCrm_1", "ufCrmWhy"]  # fmt: skip
    activity = ["ID", "OWNER_ID", "OWNER_TYPE_ID", "TYPE_ID", "PROVIDER_ID", "ASSOCIATED_ENTITY_ID", "RESPONSIBLE_ID",
                "SUBJECT", "DEADLINE", "CREATED", "LAST_UPDATED", "COMPLETED"]  # fmt: skip
    return [
        ("crm.status.list", {}, ""),
        ("crm.item.list", {"entityTypeId": 2, "filter": {"closed": "N"}, "select": deal}, "items"),
        (
            "crm.item.list",
            {"entityTypeId": 2, "filter": {"closed": "Y", ">=movedTime": start}, "select": deal},
            "items",
        ),
        ("crm.activity.list", {"filter": {"COMPLETED": "N", "OWNER_TYPE_ID": 2}, "select": activity}, ""),
        ("crm.activity.list", {"filter": {"COMPLETED": "N", "<DEADLINE": until}, "select": activity}, ""),
        ("tasks.task.list", {"filter": {"!REAL_STATUS": 5, "<DEADLINE": until}}, "tasks"),
        (
            "crm.activity.list",
            {"filter": {"COMPLETED": "Y", "TYPE_ID": 1, ">=START_TIME": start}, "select": activity},
            "",
        ),
        ("crm.item.list", {"entityTypeId": 4, "filter": {">=createdTime": start}, "select": ["id", "title"]}, "items"),
        ("crm.stagehistory.list", {"entityTypeId": 2, "filter": {">=CREATED_TIME": start}}, "items"),
        ("voximplant.statistic.get", {"FILTER": {">=CALL_START_DATE": start}}, ""),
    ]


def read_fast_bitrix24(url: str, cutoff: datetime) -> int:
    """fast-bitrix24 1.8: get_all, which counts and walks by offsets; its own throttle, nothing patched."""
    from fast_bitrix24 import Bitrix

    portal = Bitrix(f"{url}/rest/1/{SECRET}/", verbose=False)
    sizes = [len(portal.get_all(method, params or None)) for method, params, _ in _lists(cutoff)]
    return sizes[OPEN_DEALS]


def read_b24pysdk(url: str, cutoff: datetime) -> int:
    """b24pysdk 1.3: call_list_fast; its https replaced by http, a throttle of 2/s over 50 added, else as it is."""
    from b24pysdk import BitrixWebhook
    from b24pysdk.api.callers.call_method import _MethodCaller as caller

    send = caller.call
    bucket = [float(BUCKET - 2), time.monotonic()]

    def throttled(self: Any) -> Any:
        now = time.monotonic()
        bucket[:] = [min(BUCKET - 2.0, bucket[0] + (now - bucket[1]) * PER_SECOND), now]
        if bucket[0] < 1:
            time.sleep((1 - bucket[0]) / PER_SECOND)
        bucket[0] -= 1
        return send(self)

    caller.call = throttled
    caller._base_url = property(lambda self: f"http://{self._domain}/rest")
    portal = BitrixWebhook(domain=url.removeprefix("http://"), webhook_token=f"1/{SECRET}")
    sizes = []
    for method, params, _ in _lists(cutoff):
        fast = method not in ("crm.status.list", "voximplant.statistic.get")  # these know no start=-1
        answer = (portal.call_list_fast if fast else portal.call_list)(method, params)
        sizes.append(len(list(answer["result"])))
    return sizes[OPEN_DEALS]


LIBRARIES = {"fast-bitrix24": read_fast_bitrix24, "b24pysdk": read_b24pysdk}
