"""Bitrix24's limits are kept; what it answers wrongly, late or not at all is never a part of a count."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from crm_clients.errors import CrmRefused, RightsMissing
from scoring.records import Completed, Failed, RecordKind
from scoring.snapshot import NotRead, Value
from tests.crm_clients.bitrix24.portal import DEAL
from tests.crm_clients.bitrix24.team import ANNA, BORIS, DAY, HOUR, SECOND, Reader, answer, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")


async def test_the_request_limit_is_kept() -> None:
    where = portal()
    for key in range(1, 5001):
        deal(where, key)
    reader = Reader(where, per_second=2, bucket=50)
    began = reader.clock.now()
    assert await reader.number("deals_without_comment") == 5000
    assert reader.fake.requests > 100
    assert reader.fake.refused == 0
    assert reader.clock.now() - began < timedelta(seconds=(reader.fake.requests - 45) / 2)


async def test_a_full_bucket_is_waited_for() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where, per_second=2, bucket=3)
    assert await reader.number("deals_open") == 1
    assert await reader.number("deals_open") == 1
    assert reader.fake.refused > 0


async def test_a_method_without_computing_time_is_waited_for_and_the_others_go_on() -> None:
    where = portal()
    deal(where, 1)
    where.add_call(1, ANNA, START + HOUR, 60)
    reader = Reader(where)
    reset = reader.clock.now() + timedelta(seconds=100)
    reader.fake.operation_limits["voximplant.statistic.get"] = reset.timestamp()
    began = reader.clock.now()
    assert await reader.number("calls_held") == 1
    assert timedelta(seconds=99) < reader.clock.now() - began < timedelta(seconds=110)
    commands = 4 + 1  # of the lists and of the control question, each before the block and behind it
    assert reader.fake.commands["voximplant.statistic.get"] == 2 * commands, "not asked in vain while it was blocked"


async def test_a_batch_without_computing_time_is_waited_for() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    reader.fake.operation_limits["batch"] = (reader.clock.now() + timedelta(seconds=70)).timestamp()
    assert await reader.number("deals_open") == 1
    assert reader.fake.requests < 8


async def test_computing_time_that_comes_back_too_late_leaves_the_other_kinds() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where, read_timeout_seconds=60)
    reader.fake.operation_limits["voximplant.statistic.get"] = (reader.clock.now() + timedelta(seconds=500)).timestamp()
    marks = await reader.marks("calls_held", "deals_open")
    assert isinstance(marks[RecordKind.CALLS], Failed)
    assert isinstance(marks[RecordKind.DEALS], Completed)


async def test_an_overloaded_portal_is_asked_once_and_never_again() -> None:
    reader = Reader(portal())
    reader.fake.overloaded = True
    with pytest.raises(CrmRefused, match="overload"):
        await reader.facts()
    assert reader.fake.requests == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_webhook_is_told_at_once(status: int) -> None:
    reader = Reader(portal())
    body = {"error": "ACCESS_DENIED", "error_description": "REST API is available only on commercial plans"}
    reader.line.when = lambda *_: answer(status, body)
    with pytest.raises(RightsMissing, match="commercial plans"):
        await reader.facts()
    assert len(reader.line.requests) == 1


async def test_a_missing_scope_fails_its_kind_alone() -> None:
    where = portal()
    where.scopes = ("crm", "task", "user_brief")
    marks = await Reader(where).marks("calls_held", "deals_open", "overdue_tasks")
    mark = marks[RecordKind.CALLS]
    assert isinstance(mark, Failed)
    assert "scope" in mark.reason
    assert isinstance(marks[RecordKind.DEALS], Completed)
    assert isinstance(marks[RecordKind.TASKS], Completed)


async def test_an_error_inside_a_batch_that_answered_200_is_seen() -> None:
    where = portal()
    for key in range(1, 400):
        deal(where, key)
    reader = Reader(where)
    failures = iter([False, False, True, True, False, True])

    def now_and_then(method: str, _params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        bad = method == "crm.item.list" and next(failures, False)
        return {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"} if bad else None

    reader.fake.fault = now_and_then
    assert await reader.number("deals_open") == 399


async def test_an_error_inside_a_batch_that_stays_is_never_a_part_of_a_count() -> None:
    where = portal()
    for key in range(1, 400):
        deal(where, key)
    reader = Reader(where)

    def behind_the_first_page(method: str, params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        late = method == "crm.item.list" and (params.get("filter") or {}).get(">id", "0") != "0"
        return {"error": "INTERNAL_SERVER_ERROR", "error_description": ""} if late else None

    reader.fake.fault = behind_the_first_page
    assert isinstance((await reader.marks("deals_open"))[RecordKind.DEALS], Failed)


async def test_lists_that_come_as_objects_are_read() -> None:
    where = portal()
    for key in range(1, 120):
        deal(where, key)
        where.add_activity(9000 + key, "Дело", ANNA, owner=(DEAL, key), deadline=CUTOFF - DAY, created=LONG_AGO)
    readings = await Reader(where, lists_as_objects=True).count("overdue_tasks", "deals_open", "deals_without_task")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [119, 119, 0]


async def test_a_list_that_ignores_the_last_id_is_nonsense_and_no_endless_read() -> None:
    where = portal()
    for key in range(1, 200):
        deal(where, key)
    reader = Reader(where)
    plain: Callable[..., Any] = where.deals.select
    where.deals.select = lambda conditions, *rest: plain(  # type: ignore[method-assign]
        {name: value for name, value in conditions.items() if name != ">id"}, *rest
    )
    assert isinstance((await reader.marks("deals_open"))[RecordKind.DEALS], Failed)
    assert reader.fake.requests < 8


async def test_a_row_of_an_unknown_form_fails_its_kind_for_its_owner_alone() -> None:
    where = portal()
    deal(where, 1, BORIS)
    deal(where, 2, title="Без времени")
    where.deals.rows[2]["createdTime"] = "вчера"
    where.add_call(1, ANNA, START + HOUR, 60)
    reader = Reader(where)
    assert await reader.number("deals_open", user=BORIS) == 1
    assert await reader.number("calls_held") == 1
    reading = (await reader.count("deals_open"))["deals_open"]
    assert isinstance(reading, NotRead)
    assert "row 2" in reading.detail


async def test_a_row_of_an_unknown_form_and_of_nobody_known_fails_its_kind() -> None:
    where = portal()
    deal(where, 2, title="Без времени")
    where.deals.rows[2] |= {"createdTime": "вчера", "assignedById": None}
    where.add_call(1, ANNA, START + HOUR, 60)
    marks = await Reader(where).marks("deals_open", "calls_held")
    mark = marks[RecordKind.DEALS]
    assert isinstance(mark, Failed)
    assert "row 2" in mark.reason
    assert isinstance(marks[RecordKind.CALLS], Completed)


async def test_a_deal_that_is_closed_and_reopened_while_it_is_read_is_not_lost() -> None:
    where = portal()
    for key in range(1, 600):
        deal(where, key)
    reader = Reader(where)
    began = reader.clock.now()

    def meanwhile() -> None:
        row = where.deals.rows[599]
        if reader.fake.requests == 1:  # before the page that would have held it
            row |= {"closed": "Y", "stageId": "LOSE", "movedTime": (began + SECOND).isoformat()}
            where.add_move(599, "LOSE", "F", began + SECOND, 3)
        if reader.fake.requests == 2:
            row |= {"closed": "N", "stageId": "NEW", "movedTime": (began + 2 * SECOND).isoformat()}
            where.add_move(599, "NEW", "P", began + 2 * SECOND)
        where.deals.changed()

    reader.line.before = meanwhile
    assert await reader.number("deals_open") == 599


async def test_the_loop_is_left_to_others_while_much_is_folded() -> None:
    where = portal()
    for key in range(1, 2000):
        deal(where, key)
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    watching = asyncio.get_running_loop().create_task(others())
    assert await Reader(where).number("deals_open") == 1999
    watching.cancel()
    assert turns > 40, "at least once a page"
