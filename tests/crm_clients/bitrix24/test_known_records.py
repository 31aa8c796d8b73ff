"""A list of Bitrix24 that lacks what is known to exist is not whole, although the portal reports no error."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from crm_clients.base import DictMemory
from scoring.records import Call, Completed, Failed, RecordKind
from scoring.snapshot import NotRead
from tests.crm_clients.bitrix24.portal import DEAL, Portal
from tests.crm_clients.bitrix24.team import ANNA, BORIS, DAY, HOUR, Reader, closed, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")

KPIS = ("deals_open", "deals_without_task")


LISTS = [
    ("crm.item.list", "closed", "deals_open", RecordKind.DEALS, "deals: the list lacks row 1, which"),
    (
        "crm.activity.list",
        "OWNER_TYPE_ID",
        "deals_without_task",
        RecordKind.TASKS,
        "activities: the list lacks row 101,",
    ),
    ("tasks.task.list", "<DEADLINE", "overdue_tasks", RecordKind.TASKS, "tasks: the list lacks row 301"),
    ("voximplant.statistic.get", ">=CALL_START_DATE", "calls_held", RecordKind.CALLS, "calls: the list lacks row 401"),
    ("crm.item.list", ">=createdTime", "companies_added", RecordKind.COMPANIES, "companies: the list lacks row 501"),
]
"""Lists by method and condition, with the KPI and the kind that are read from each."""


def filled() -> Portal:
    where = portal()
    for key in range(1, 21):
        deal(where, key)
        where.add_activity(100 + key, "Дело", ANNA, owner=(DEAL, key), created=LONG_AGO, deadline=CUTOFF + DAY)
    return where


def in_use() -> Portal:
    """Every list has a row."""
    where = filled()
    where.add_task(301, "Отчёт", ANNA, deadline=CUTOFF - DAY, created=LONG_AGO)
    where.add_call(401, ANNA, START + HOUR, 60)
    where.add_company(501, "Ромашка", ANNA, ANNA, START + HOUR)
    return where


def without(reader: Reader, method: str, condition: str) -> None:
    """Let a list with a condition show nothing, though the method is honest otherwise."""

    def emptied(asked: str, params: Mapping[str, Any]) -> None:
        conditions = params.get("filter") or params.get("FILTER") or {}
        if asked == method and condition in conditions:
            key = "id" if method == "crm.item.list" else "ID"
            conditions[f"<{key}"] = "0"

    reader.fake.fault = emptied


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


# The first read ever


@pytest.mark.parametrize(("method", "condition", "kpi", "kind", "problem"), LISTS)
async def test_a_list_that_shows_nothing_of_the_newest_records_has_failed_in_the_first_read_ever(
    method: str, condition: str, kpi: str, kind: RecordKind, problem: str
) -> None:
    honest, reader = Reader(in_use()), Reader(in_use())
    without(reader, method, condition)

    marks = await reader.marks(kpi)

    mark = marks.pop(kind)
    assert isinstance(mark, Failed)
    assert problem in mark.reason
    assert all(isinstance(other, Completed) for other in marks.values())
    assert all(isinstance(other, Completed) for other in (await honest.marks(kpi)).values())


async def test_a_portal_that_shows_no_deal_at_all_although_activities_name_a_deal_is_not_empty() -> None:
    reader = Reader(filled())
    reader.fake.empty = {"crm.item.list"}

    mark = (await reader.marks(*KPIS))[RecordKind.DEALS]

    assert isinstance(mark, Failed)
    assert "deals: the list lacks row" in mark.reason


async def test_newest_records_that_change_while_the_lists_are_read_are_missed_by_nobody() -> None:
    where = in_use()
    reader = Reader(where)

    def worked_on(method: str, params: Mapping[str, Any]) -> None:
        if method == "crm.item.list" and "closed" in (params.get("filter") or {}):
            where.deals.rows[1].update(closed="Y", stageId="WON", movedTime="2026-11-10T10:00:00+03:00")
            del where.companies.rows[501], where.activities.rows[101]
            where.tasks.rows[301]["status"] = "5"
            for table in (where.deals, where.companies, where.activities, where.tasks):
                table.changed()
            reader.fake.fault = lambda _method, _params: None

    reader.fake.fault = worked_on
    marks = await reader.marks(*KPIS, "overdue_tasks", "companies_added")

    assert where.deals.rows[1]["closed"] == "Y"
    assert all(isinstance(mark, Completed) for mark in marks.values())


async def test_a_call_of_a_length_that_no_list_asks_for_must_not_come() -> None:
    where = portal()
    where.add_call(401, ANNA, START - 3 * DAY, 3 * 86_400 + 3600)
    where.add_call(402, ANNA, START + HOUR, 60)
    reader = Reader(where)

    facts = await reader.facts("calls_held")

    assert [fact.id for fact in facts if isinstance(fact, Call)] == ["402"]
    assert not [fact for fact in facts if isinstance(fact, Failed)]


async def test_the_newest_records_of_every_list_are_asked_for_in_the_first_request() -> None:
    reader = Reader(in_use())
    await reader.marks(*KPIS, "overdue_tasks", "calls_held", "companies_added")

    first = reader.line.requests[0].content.decode()

    assert first.count("DESC") == len(LISTS)


# What the last read remembered


@pytest.mark.parametrize(
    ("method", "condition", "kpi"),
    [("tasks.task.list", "<DEADLINE", "overdue_tasks"), ("crm.item.list", ">=createdTime", "companies_added")],
)
async def test_tasks_and_companies_of_the_last_read_must_come_although_the_newest_are_others(
    method: str, condition: str, kpi: str
) -> None:
    where, memory = in_use(), DictMemory()
    await Reader(where, memory=memory).facts(kpi)
    for key in range(601, 661):
        where.add_task(key, "Впереди", ANNA, deadline=CUTOFF + DAY, created=LONG_AGO)
        where.add_company(key, "Старая", ANNA, ANNA, LONG_AGO)
    reader = Reader(where, memory=memory)
    without(reader, method, condition)

    assert [mark for mark in (await reader.marks(kpi)).values() if isinstance(mark, Failed)]


async def test_a_known_deal_of_a_wrong_form_fails_its_owner_alone() -> None:
    where, memory = filled(), DictMemory()
    where.deals.rows[1]["assignedById"] = BORIS
    await Reader(where, memory=memory).facts("deals_open")
    where.deals.rows[1]["createdTime"] = "вчера"
    where.deals.changed()

    assert await Reader(where, memory=memory).number("deals_open") == 19
    reading = (await Reader(where, memory=memory).count("deals_open", user=BORIS))["deals_open"]
    assert isinstance(reading, NotRead)
    assert "row 1:" in reading.detail


# Records that another list names


async def test_a_part_of_the_deals_closed_lately_is_not_taken_for_all() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"))
    closed(where, 2, (START + HOUR, "LOSE", "F"))
    for key in range(10, 65):
        deal(where, key)
    honest, reader = Reader(where), Reader(where)

    def shortened(method: str, params: Mapping[str, Any]) -> None:
        conditions = params.get("filter") or {}
        if method == "crm.item.list" and conditions.get("closed") == "Y":
            conditions["<id"] = "2"

    reader.fake.fault = shortened

    mark = (await reader.marks("deals_won"))[RecordKind.DEALS]

    assert isinstance(mark, Failed)
    assert "deals: the list lacks row 2, which exists" in mark.reason
    assert await honest.number("deals_won") == 1
    assert honest.fake.commands["crm.item.get"] == 0


async def test_a_deal_that_was_lost_and_deleted_is_missed_by_nobody() -> None:
    where = filled()
    closed(where, 50, (START + HOUR, "LOSE", "F"))
    del where.deals.rows[50]
    where.deals.changed()

    assert isinstance((await Reader(where).marks("deals_lost"))[RecordKind.DEALS], Completed)


async def test_an_emptied_list_of_comments_that_the_portal_counts_otherwise_is_not_believed() -> None:
    where = filled()
    where.add_comment(5001, 1, ANNA, LONG_AGO)
    reader = Reader(where)

    async def emptied(request: httpx.Request, real: httpx.AsyncBaseTransport) -> httpx.Response:
        body = json.loads(await (await real.handle_async_request(request)).aread())
        asked = json.loads(request.content).get("cmd", {})
        for name, command in asked.items():
            if command.startswith("crm.timeline.comment.list"):
                body["result"]["result"][name] = []
        return httpx.Response(200, json=body, request=request)

    reader.line.when = lambda _number, _request: emptied

    mark = (await reader.marks("deals_without_comment"))[RecordKind.COMMENTS]

    assert isinstance(mark, Failed)
    assert "crm.timeline.comment.list: the portal counts rows (1) and shows none" in mark.reason
