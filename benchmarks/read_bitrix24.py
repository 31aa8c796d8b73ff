"""Bitrix24's part of `benchmarks.read`: the portal, our client, fast-bitrix24 and b24pysdk."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

import httpx

from benchmarks.read import DAY, LATENCY, Served
from crm_clients.base import DictMemory
from crm_clients.bitrix24.client import Bitrix24Client
from crm_clients.bitrix24.config import Bitrix24Config
from tests.crm_clients.answering import answered, answering
from tests.crm_clients.bitrix24.fake import FakeBitrix24
from tests.crm_clients.bitrix24.portal import SECRET
from tests.crm_clients.bitrix24.weeks import OrdinaryWeeks, users

PER_SECOND, BUCKET = 2, 50


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
    """A portal that keeps its limit and answers late."""
    world = OrdinaryWeeks(managers, deals, cutoff)
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

__all__ = ["LIBRARIES", "allowed", "client", "fill", "users"]
