"""A list of Bitrix24 that lacks what is known to exist is not whole, although the portal reports no error."""

from __future__ import annotations

import pytest

from crm_clients.base import DictMemory
from scoring.records import Completed, Failed, RecordKind
from tests.crm_clients.bitrix24.portal import DEAL, Portal
from tests.crm_clients.bitrix24.team import ANNA, DAY, Reader, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO

pytestmark = pytest.mark.usefixtures("no_backoff")

KPIS = ("deals_open", "deals_without_task")


def filled() -> Portal:
    where = portal()
    for key in range(1, 21):
        deal(where, key)
        where.add_activity(100 + key, "Дело", ANNA, owner=(DEAL, key), created=LONG_AGO, deadline=CUTOFF + DAY)
    return where


async def test_a_portal_that_suddenly_lists_no_deals_is_not_an_empty_portal() -> None:
    where, memory = filled(), DictMemory()
    await Reader(where, memory=memory).facts(*KPIS)
    reader = Reader(where, memory=memory)
    reader.fake.empty = {"crm.item.list"}

    mark = (await reader.marks(*KPIS))[RecordKind.DEALS]

    assert isinstance(mark, Failed)
    assert "deals: the list lacks row 1, which exists" in mark.reason


async def test_a_portal_that_suddenly_lists_no_activities_is_not_an_empty_portal() -> None:
    where, memory = filled(), DictMemory()
    await Reader(where, memory=memory).facts(*KPIS)
    reader = Reader(where, memory=memory)
    reader.fake.empty = {"crm.activity.list"}

    marks = await reader.marks(*KPIS)

    mark = marks[RecordKind.TASKS]
    assert isinstance(mark, Failed)
    assert "activities: the list lacks row 101, which exists" in mark.reason
    assert isinstance(marks[RecordKind.DEALS], Completed)


async def test_a_portal_that_says_nothing_of_a_known_deal_is_not_believed() -> None:
    where, memory = filled(), DictMemory()
    await Reader(where, memory=memory).facts(*KPIS)
    reader = Reader(where, memory=memory)
    reader.fake.empty = {"crm.item.list", "crm.item.get"}

    mark = (await reader.marks(*KPIS))[RecordKind.DEALS]

    assert isinstance(mark, Failed)
    assert "neither shows nor denies row 1" in mark.reason


async def test_deals_that_were_deleted_or_closed_long_ago_are_missed_by_nobody() -> None:
    where, memory = filled(), DictMemory()
    await Reader(where, memory=memory).facts(*KPIS)
    for key in range(1, 20):
        del where.deals.rows[key], where.activities.rows[100 + key]
    where.deals.rows[20].update(closed="Y", stageId="WON", movedTime="2026-11-10T10:00:00+03:00")
    where.deals.changed()
    where.activities.changed()
    reader = Reader(where, memory=memory)

    assert all(isinstance(mark, Completed) for mark in (await reader.marks(*KPIS)).values())

    again = Reader(where, memory=memory)
    await again.marks(*KPIS)
    assert again.fake.commands["crm.item.get"] == 0


async def test_as_long_as_known_records_come_nothing_more_is_asked_or_saved() -> None:
    where, memory = filled(), DictMemory()
    await Reader(where, memory=memory).facts(*KPIS)
    saved = dict(memory.values)
    reader = Reader(where, memory=memory)
    await reader.facts(*KPIS)

    assert memory.values == saved
    assert reader.fake.commands["crm.item.get"] == reader.fake.commands["crm.activity.get"] == 0


async def test_a_memory_that_cannot_be_read_asks_for_nothing() -> None:
    where, memory = filled(), DictMemory({"known deals": "{", "known activities": '["x"]'})

    marks = await Reader(where, memory=memory).marks(*KPIS)

    assert all(isinstance(mark, Completed) for mark in marks.values())
