"""Where Bitrix24's documentation leaves something open, contradicts itself or spells a thing in two ways."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from crm_clients.bitrix24.users import UserDirectory
from crm_clients.errors import CrmError, CrmRefused
from crm_clients.shared.pacing import Deadline
from scoring.records import Completed, Failed, RecordKind
from scoring.snapshot import NotRead, Value
from tests.crm_clients.bitrix24.portal import COMPANY, CONTACT, DEAL, when
from tests.crm_clients.bitrix24.team import ANNA, BORIS, DAY, HOUR, SECOND, Reader, answer, closed, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")


# People


async def test_an_employee_of_no_department_is_one_of_the_people() -> None:
    where = portal()
    where.add_user(30, "Вне Структуры", departments=())
    where.users.rows[BORIS]["UF_DEPARTMENT"] = None
    async with Reader(where).client() as client:
        found = {user.id: user.departments for user in await client.users()}
    assert found["30"] == found[str(BORIS)] == frozenset()


async def test_departments_turn_their_pages_by_a_name_in_capitals() -> None:
    where = portal()
    for key in range(1, 121):
        where.departments.add({"ID": str(key), "NAME": "Отдел", "PARENT": str(key - 1) if key > 1 else None})
    where.add_user(30, "Внизу", departments=(120,))
    async with Reader(where).client() as client:
        found = {user.id: user.departments for user in await client.users()}
    assert len(found["30"]) == 120


async def test_a_list_whose_pages_do_not_turn_is_an_error_and_no_part_of_the_people() -> None:
    where = portal()
    for key in range(100, 220):
        where.add_user(key, f"Сотрудник {key}")
    reader = Reader(where)
    reader.fake.fault = lambda _method, params: params.pop("start", None) and None  # type: ignore[attr-defined]
    async with reader.client() as client:
        with pytest.raises(CrmError, match="turn the page"):
            await UserDirectory(client._api).read(Deadline(60, reader.clock))


# Bindings and tasks


async def test_an_activity_that_comes_once_for_each_of_its_bindings_is_one() -> None:
    where = portal()
    for key in range(1, 101):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    several = [(DEAL, key) for key in range(2, 30)]
    where.add_activity(9001, "Общее", ANNA, owner=(CONTACT, 5), bound=several, created=LONG_AGO)
    where.add_activity(9002, "Ещё одно", ANNA, owner=(COMPANY, 5), bound=several[:20], created=LONG_AGO)
    assert await Reader(where).number("deals_without_task") == 100 - 29


async def test_bindings_meant_as_all_of_them_are_asked_deal_by_deal() -> None:
    where = portal()
    for key in range(1, 101):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), bound=[(DEAL, 2)], created=LONG_AGO)
    where.add_activity(9001, "У контакта", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 50)], created=LONG_AGO)
    reader = Reader(where)

    def nothing_has_all(_method: str, params: Mapping[str, Any]) -> None:
        bindings = (params.get("filter") or {}).get("BINDINGS") or {}
        if len(bindings) > 1:
            bindings.clear()
            bindings["0"] = {"OWNER_TYPE_ID": "2", "OWNER_ID": "999999"}

    reader.fake.fault = nothing_has_all
    assert await reader.number("deals_without_task") == 97


async def test_a_step_done_while_it_is_asked_for_was_open_at_the_cutoff() -> None:
    where = portal()
    deal(where, 1)
    row = where.add_activity(900, "У контакта", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 1)], created=LONG_AGO)
    reader = Reader(where)

    def done_before_the_question(_method: str, params: Mapping[str, Any]) -> None:
        if "BINDINGS" in (params.get("filter") or {}):
            row.update(COMPLETED="Y", LAST_UPDATED=when(CUTOFF + 25 * SECOND))
            where.activities.changed()

    reader.fake.fault = done_before_the_question
    assert await reader.ends("deals_without_task") == (0, 1)


async def test_postponed_tasks_are_overdue_and_finished_or_declined_ones_are_not() -> None:
    where = portal()
    for key, status in enumerate((2, 3, 4, 5, 6, 7, -1), start=50):
        done = CUTOFF - DAY if status == 5 else None
        where.add_task(key, "Задача", ANNA, deadline=CUTOFF - DAY, created=LONG_AGO, closed=done, status=status)
    assert await Reader(where).number("overdue_tasks") == 4


# Deals


async def test_a_deal_belongs_to_the_pipeline_in_which_it_was_at_the_cutoff() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "C4:TALKS", "P"), (CUTOFF, "TALKS", "P"))
    where.moves.rows[2]["CATEGORY_ID"] = "4"
    where.moves.changed()
    facts = await Reader(where).facts("deals_open")
    assert [fact.pipeline for fact in facts if hasattr(fact, "pipeline")] == ["4"]


@pytest.mark.parametrize("amount", ["many", [1], {"sum": 1}])
@pytest.mark.parametrize("is_closed", [False, True])
async def test_a_sum_of_an_unknown_form_fails_the_deals_of_its_owner_alone(is_closed: bool, amount: Any) -> None:
    where = portal()
    for key in range(1, 200):
        deal(where, key)
    if is_closed:
        closed(where, 500, (START + HOUR, "WON", "S"), amount=amount)
    else:
        deal(where, 500, amount=amount)
    where.add_call(1, ANNA, START + HOUR, 60)
    readings = await Reader(where).count("deals_open", "deals_won", "deals_without_task", "calls_held", "overdue_tasks")
    assert isinstance(readings["calls_held"], Value)
    assert isinstance(readings["overdue_tasks"], Value)
    for kpi in ("deals_open", "deals_won", "deals_without_task"):
        reading = readings[kpi]
        assert isinstance(reading, NotRead)
        assert "row 500" in reading.detail


async def test_a_deal_that_only_the_last_list_tells_wrongly_fails_the_deals_too() -> None:
    where = portal()
    deal(where, 1, moved=CUTOFF - 10 * SECOND)
    for key in range(2, 2000):  # facts that are still to be made when it comes
        deal(where, key)
    reader = Reader(where)

    def told_wrongly(_method: str, params: Mapping[str, Any]) -> None:
        conditions = params.get("filter") or {}
        if ">=movedTime" in conditions and "closed" not in conditions:
            where.deals.rows[1]["opportunity"] = "many"

    reader.fake.fault = told_wrongly
    assert isinstance((await reader.count("deals_open"))["deals_open"], NotRead)


async def test_a_closed_deal_in_a_stage_that_no_list_names_is_known_by_its_own_word() -> None:
    where = portal()
    where.add_deal(
        1, "Удалённая стадия", ANNA, "GONE", created=LONG_AGO, moved=START + HOUR, closed=True, stageSemanticId="S"
    )
    assert await Reader(where).number("deals_won") == 1


@pytest.mark.parametrize("empty", [None, "", "  ", False, 0, "0", [], {}, [""], [None], {"0": ""}, ["0"]])
async def test_a_reason_that_is_empty_in_any_of_its_spellings_is_none(empty: Any) -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "LOSE", "F"), ufCrmReason=empty)
    closed(where, 2, (START + HOUR, "LOSE", "F"), ufCrmReason={"3": "45"})
    assert await Reader(where, loss_reason_field="UF_CRM_REASON").number("lost_without_reason") == 1


@pytest.mark.parametrize("empty", [None, "", " ", False, [], [""], {"0": None}])
async def test_a_required_field_is_empty_in_any_of_its_spellings(empty: Any) -> None:
    where = portal()
    deal(where, 1, ufCrm_170=empty)
    deal(where, 2, ufCrm_170=0)
    deal(where, 3, ufCrm_170={"id": 5, "url": "/file"})
    assert await Reader(where, required_fields={"*": ["UF_CRM_170"]}).number("deals_missing_fields") == 1


async def test_a_deal_that_was_created_won_need_not_have_moved() -> None:
    where = portal()
    where.add_deal(1, "Сразу", ANNA, "WON", created=START + HOUR, closed=True)["movedTime"] = None
    assert await Reader(where).number("deals_won") == 1


# Limits and refusals


async def test_a_portal_that_others_keep_busy_is_waited_for_longer_and_longer() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    free = reader.clock.now() + timedelta(seconds=40)
    body = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    reader.line.when = lambda *_: answer(503, body) if reader.clock.now() < free else None
    assert await reader.number("deals_open") == 1
    assert len(reader.line.requests) < 12


@pytest.mark.parametrize("spelling", ["number", "text", "only earlier"])
async def test_computing_time_comes_back_when_the_portal_says_however_it_says_it(spelling: str) -> None:
    where = portal()
    where.add_call(1, ANNA, START + HOUR, 60)
    reader = Reader(where)
    began = reader.clock.now()
    back = began + timedelta(seconds=100)
    told: dict[str, Any] = {"operating_reset_at": back.isoformat() if spelling == "text" else int(back.timestamp())}
    calls = 0

    def blocked(method: str, _params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        nonlocal calls
        if method != "voximplant.statistic.get":
            return None
        calls += 1
        early = spelling == "only earlier" and calls == 1
        late = reader.clock.now() >= back
        return None if early or late else {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked"}

    def times(method: str = "") -> dict[str, Any]:
        return told if method and (spelling != "only earlier" or calls == 1) else {}

    reader.fake.fault, reader.fake._time = blocked, times  # type: ignore[method-assign]
    assert await reader.number("calls_held") == 1
    assert timedelta(seconds=99) < reader.clock.now() - began < timedelta(seconds=125)
    assert calls <= 15


@pytest.mark.parametrize("method", ["crm.activity.list", "crm.stagehistory.list", "crm.timeline.comment.list"])
async def test_an_overload_told_inside_a_batch_stops_the_read_at_once(method: str) -> None:
    where = portal()
    deal(where, 1)
    closed(where, 2, (START + HOUR, "WON", "S"))
    reader = Reader(where)
    seen: list[int] = []

    def overloaded(asked: str, _params: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if asked != method:
            return None
        seen.append(reader.fake.requests)
        return {"error": "OVERLOAD_LIMIT", "error_description": "REST API is blocked due to overload"}

    reader.fake.fault = overloaded
    with pytest.raises(CrmRefused, match="overload"):
        await reader.facts()
    assert reader.fake.requests == seen[0]


@pytest.mark.parametrize(
    "error",
    [
        {"error": "INVALID_CREDENTIALS", "error_description": "Invalid request credentials"},
        {"error": "allowed_only_intranet_user", "error_description": ""},
        {"error": "", "error_description": "Access denied."},
        {"error": "ACCESS_DENIED", "error_description": "Access denied!"},
    ],
)
async def test_a_method_that_is_refused_fails_its_kind_alone(error: Mapping[str, Any]) -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    reader.fake.fault = lambda method, _params: error if method == "voximplant.statistic.get" else None
    marks = await reader.marks("calls_held", "deals_open")
    assert isinstance(failed := marks[RecordKind.CALLS], Failed)
    assert "right" in failed.reason
    assert isinstance(marks[RecordKind.DEALS], Completed)


async def test_references_are_written_as_the_documentation_writes_them() -> None:
    where = portal()
    for key in range(1, 200):
        deal(where, key)
    reader = Reader(where)
    assert await reader.number("deals_open") == 199
    texts = [
        text for sent in reader.line.requests for text in json.loads(sent.content)["cmd"].values() if "$result" in text
    ]
    assert texts
    assert all("[items][49][id]" in text for text in texts if text.startswith("crm.item.list"))
