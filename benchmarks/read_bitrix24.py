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
from crm_clients.bitrix24.client import Bitrix24Client, Bitrix24Config
from tests.crm_clients.answering import answered, answering
from tests.crm_clients.bitrix24.fake import CONTACT, DEAL, SECRET, FakeBitrix24, Portal

PER_SECOND, BUCKET = 2, 50
PAGE = COMMANDS = 50
"""Rows of a page, and pages of a call."""
NAMED = 490
"""Deals that a command can name in two parameters each: PHP reads a thousand of a query."""
SMALL = 7
"""Lists of which any reader needs a page, full or empty: stages, fields, calls begun before the window, activities and
tasks done since the cutoff, overdue activities of other owners than deals, deals moved while they were read."""
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


def fill(managers: int, deals: int, cutoff: datetime) -> Served:
    """A company's ordinary weeks: most open deals have a next step, few things are overdue."""
    dice = random.Random(managers)
    portal = Portal()
    start = cutoff - DAY
    for stage, letter in (("NEW", None), ("TALKS", None), ("WON", "S"), ("LOSE", "F")):
        portal.add_stage(stage, letter)
    portal.fields = {"ufCrm_1": {"type": "string"}, "ufCrmWhy": {"type": "string"}}
    people = [int(user) for user in users(managers)]
    for user in people:
        portal.add_user(user, f"Менеджер {user}")
    told: dict[str, dict[str, int]] = {str(u): defaultdict(int) for u in people}
    rows: dict[str, int] = defaultdict(int)
    covered = bare = 0
    for key in range(1, deals + 1):
        user, made = dice.choice(people), cutoff - timedelta(minutes=dice.randrange(60, 500_000))
        filled = dice.random() < 0.9
        portal.add_deal(
            key, f"Поставка {key}", user, dice.choice(("NEW", "TALKS")), created=made, amount=dice.randrange(10**6),
            moved=max(made, cutoff - 20 * DAY * dice.random()), ufCrm_1="да" if filled else "",
        )  # fmt: skip
        mine = told[str(user)]
        mine["deals_open"] += 1
        mine["deals_missing_fields"] += not filled
        rows["open deals"] += 1
        if dice.random() < 0.5:
            portal.add_comment(key, key, user, cutoff - HOUR)
        if dice.random() < 0.85:
            late = dice.random() < 0.06
            deadline = cutoff - HOUR * dice.randrange(1, 90) if late else cutoff + HOUR * dice.randrange(1, 400)
            look: dict[str, Any] = {}
            if dice.random() < 0.3:
                portal.add_task(key, f"Задача {key}", user, deadline=deadline, created=made, crm=[f"D_{key}"])
                rows["overdue tasks"] += late
                look = {"kind": 3, "provider": "CRM_TASKS_TASK", "ASSOCIATED_ENTITY_ID": str(key)}
            portal.add_activity(key, f"Дело {key}", user, owner=(DEAL, key), deadline=deadline, created=made, **look)
            rows["activities"] += 1
            mine["overdue_tasks"] += late
            covered += 1
        elif dice.random() < 0.02:
            portal.add_activity(key, f"Дело {key}", user, owner=(CONTACT, 5), bound=[(DEAL, key)], created=made)
        else:
            mine["deals_without_task"] += 1
            bare += 1
    number = deals
    for user in people:
        mine = told[str(user)]
        for kind in ("won", "won", "lost"):
            number += 1
            at = start + DAY * dice.random()
            stage, letter = ("WON", "S") if kind == "won" else ("LOSE", "F")
            made = at - 9 * DAY
            portal.add_deal(number, f"Сделка {number}", user, stage, created=made, moved=at, closed=True, amount=100)
            for when, name, semantics, way in (
                (made, "NEW", "P", 1),
                (at - DAY, "TALKS", "P", 2),
                (at, stage, letter, 3),
            ):
                portal.add_move(number, name, semantics, when, way)
            mine[f"deals_{kind}"] += 1
            rows["closed deals"] += 1
            rows["moves"] += 3
        for _ in range(30):
            number += 1
            portal.add_call(number, user, start + HOUR + (DAY - 2 * HOUR) * dice.random(), 60)
            mine["calls_held"] += 1
            rows["calls"] += 1
        for _ in range(2):
            number += 1
            at = start + DAY * dice.random()
            portal.add_activity(
                number, "Встреча", user, kind=1, provider="CRM_MEETING", started=at, created=at - DAY, done=True,
                updated=min(at + HOUR, cutoff - HOUR / 60),
            )  # fmt: skip
            portal.add_company(number, f"Компания {number}", user, user, at)
            mine["meetings_held"] += 1
            mine["companies_added"] += 1
            rows["meetings"] += 1
            rows["companies"] += 1
    full_pages = SMALL + sum(count // PAGE + 1 for count in rows.values()) + -(-bare // NAMED)  # a short one is the end
    fewest = -(-full_pages // COMMANDS)  # all lists share calls
    fake = FakeBitrix24(portal, per_second=PER_SECOND, bucket=BUCKET, now=time.time)
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

    return Served(handle, fewest, told, count)


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
