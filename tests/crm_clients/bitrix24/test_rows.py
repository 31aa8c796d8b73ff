"""Bitrix24's answers are decoded at the door: what is not said is not guessed at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_clients.base import Severity
from crm_clients.bitrix24.rows import CallRow, DealRow, TaskRow, portal_row
from crm_clients.errors import CrmError, MalformedRow, RightsMissing
from scoring.records import Call
from scoring.snapshot import NotRead, Value
from tests.crm_clients.bitrix24.portal import DEAL, Portal
from tests.crm_clients.bitrix24.team import ANNA, BORIS, DAY, HOUR, Reader, closed, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")


def answering(reader: Reader, method: str, value: Any) -> None:
    """Let a method answer something of its own."""
    plain = reader.fake._call

    def call(asked: str, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
        return (value, None, None) if asked == method else plain(asked, params)

    reader.fake._call = call  # type: ignore[method-assign, assignment]


# Users


@pytest.mark.parametrize("answer", [[], None, False, {}, "", 0, [None]])
async def test_a_list_of_users_without_the_webhooks_own_user_is_a_failed_read(answer: Any) -> None:
    reader = Reader(portal())
    answering(reader, "user.get", answer)
    async with reader.client() as client:
        with pytest.raises(CrmError, match=r"users|rows"):
            await client.users()


async def test_a_list_of_users_that_lacks_only_the_webhooks_own_user_says_whom() -> None:
    where = portal()
    del where.users.rows[where.viewer]
    where.users.changed()
    async with Reader(where).client() as client:
        with pytest.raises(CrmError, match=r"own user \(ID 1\)"):
            await client.users()


@pytest.mark.parametrize("answer", [None, [], {"ID": None}, {"ADMIN": True}])
async def test_users_are_not_believed_where_the_portal_does_not_say_who_asks(answer: Any) -> None:
    reader = Reader(portal())
    answering(reader, "profile", answer)
    async with reader.client() as client:
        with pytest.raises(CrmError, match="webhook's user"):
            await client.users()


async def test_an_over_long_name_of_a_user_is_cut_and_has_no_control_characters() -> None:
    where = portal()
    where.add_user(90, "Ева\0 " + "Я" * 500)
    async with Reader(where).client() as client:
        (name,) = [user.name for user in await client.users() if user.id == "90"]
    assert len(name) == 120
    assert name.endswith("…")
    assert name.isprintable()


# Rows


def test_a_row_is_decoded_whether_numbers_come_as_text_or_not() -> None:
    as_text = portal_row(_task(), TaskRow, "tasks", CUTOFF)
    as_numbers = portal_row(_task(id=5, responsibleId=7, status=2), TaskRow, "tasks", CUTOFF)
    assert as_text == as_numbers


@pytest.mark.parametrize(
    "wrong",
    [
        {"createdDate": "вчера"}, {"createdDate": 12345}, {"createdDate": "2026-11-18"}, {"createdDate": None},
        {"createdDate": "2099-01-01T00:00:00+03:00"}, {"createdDate": "0001-01-01T00:00:00+03:00"},
        {"deadline": "2026-13-45T00:00:00+03:00"}, {"deadline": True}, {"responsibleId": "Анна"}, {"status": "x"},
        {"responsibleId": True}, {"ufCrmTask": True}, {"ufCrmTask": ["1001"]}, {"ufCrmTask": "D_1001"}, {"id": -5},
    ],
)  # fmt: skip
def test_a_row_of_another_form_is_refused_by_its_id(wrong: dict[str, Any]) -> None:
    with pytest.raises(MalformedRow, match=f"row {wrong.get('id', 5)}"):
        portal_row(_task(**wrong), TaskRow, "tasks", CUTOFF)


@pytest.mark.parametrize("name", ["createdDate", "closedDate", "deadline", "responsibleId", "status", "ufCrmTask"])
def test_a_row_without_a_field_is_refused(name: str) -> None:
    row = _task()
    del row[name]
    with pytest.raises(MalformedRow, match=name):
        portal_row(row, TaskRow, "tasks", CUTOFF)


def _task(**changed: Any) -> dict[str, Any]:
    return {
        "id": "5", "title": "Дело", "responsibleId": "7", "status": "2", "deadline": None, "closedDate": "",
        "createdDate": "2026-11-01T10:00:00+03:00", "changedDate": None, "ufCrmTask": False, **changed,
    }  # fmt: skip


async def test_a_deal_without_the_time_of_its_last_move_is_as_old_in_its_stage_as_the_history_says() -> None:
    where = portal()
    deal(where, 1)
    where.add_move(1, "TALKS", "P", CUTOFF - DAY)
    where.deals.rows[1] |= {"movedTime": None, "stageId": "TALKS"}
    assert await Reader(where).number("stale_deals") == 0


# Sums, stages, calls, tasks


async def test_a_sum_without_a_currency_is_in_the_portals_own() -> None:
    where = portal()
    where.currency = "KZT"
    closed(where, 1, (START + HOUR, "WON", "S"), amount=Decimal(100), currency=None)
    closed(where, 2, (START + HOUR, "WON", "S"), amount=Decimal(5), currency="RUB")
    assert await Reader(where).number("won_amount") == {"KZT": Decimal(100), "RUB": Decimal(5)}


async def test_a_sum_of_no_currency_at_all_is_not_counted_in_another() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), amount=Decimal(100), currency=None)
    closed(where, 2, (START + HOUR, "WON", "S"), amount=Decimal(5), currency="RUB", user=BORIS)
    reader = Reader(where)
    answering(reader, "crm.currency.base.get", False)
    reading = (await reader.count("won_amount"))["won_amount"]
    assert isinstance(reading, NotRead)
    assert "row 1" in reading.detail
    assert await reader.number("won_amount", user=BORIS) == {"RUB": Decimal(5)}


@pytest.mark.parametrize(("word", "kpi"), [("S", "deals_won"), ("F", "deals_lost")])
async def test_the_rows_own_word_beats_the_guess_of_a_stage_without_semantics(word: str, kpi: str) -> None:
    where = portal()
    where.add_stage("ODD", None)
    (stage,) = [row for row in where.statuses.rows.values() if row["STATUS_ID"] == "ODD"]
    stage["EXTRA"] = []
    closed(where, 1, (START + HOUR, "ODD", word), stageSemanticId=word)
    where.moves.rows[2]["STAGE_SEMANTIC_ID"] = None
    reader = Reader(where)
    assert await reader.number(kpi) == 1
    assert await reader.number("deals_open") == 0


@pytest.mark.parametrize("code", [None, "", "OTHER"])
async def test_an_incoming_call_with_talk_time_and_no_code_was_held_and_not_missed(code: str | None) -> None:
    where = portal()
    _call(where, 1, 60, code)
    reader = Reader(where)
    assert await reader.number("missed_calls") == 0
    assert await reader.number("calls_held") == 1


@pytest.mark.parametrize("code", [None, "", "OTHER"])
async def test_an_incoming_call_of_which_nothing_is_told_is_doubt_and_no_missed_call(code: str | None) -> None:
    where = portal()
    _call(where, 1, 0, code)
    reading = (await Reader(where).count("missed_calls"))["missed_calls"]
    assert isinstance(reading, NotRead)
    assert "row 1" in reading.detail
    assert await Reader(where).number("missed_calls", user=BORIS) == 0


async def test_a_call_that_nobody_answered_is_missed() -> None:
    where = portal()
    _call(where, 1, 0, "304")
    assert await Reader(where).number("missed_calls") == 1


def _call(where: Portal, key: int, seconds: int, code: str | None) -> None:
    where.add_call(key, ANNA, START + HOUR, seconds, kind=2, CALL_FAILED_CODE=code)


def test_a_result_of_a_call_that_is_no_code_is_refused() -> None:
    row = Portal().add_call(3, ANNA, START, 60, CALL_FAILED_CODE="yes")
    with pytest.raises(MalformedRow, match="row 3"):
        portal_row(row, CallRow, "calls", CUTOFF)


@pytest.mark.parametrize("task", [None, "", "0"])
async def test_the_activity_of_a_task_without_the_tasks_id_does_not_count_beside_the_task(task: str | None) -> None:
    where = portal()
    deal(where, 1)
    where.add_task(50, "Задача", ANNA, deadline=CUTOFF - DAY, created=LONG_AGO, crm=["D_1"])
    where.add_activity(
        900, "Задача", ANNA, owner=(DEAL, 1), kind=3, provider="CRM_TASKS_TASK", deadline=CUTOFF - DAY,
        created=LONG_AGO, ASSOCIATED_ENTITY_ID=task,
    )  # fmt: skip
    reader = Reader(where)
    assert await reader.number("overdue_tasks") == 1
    assert await reader.number("deals_without_task") == 0


@pytest.mark.parametrize("at", ["2026-11-18T18:00:00", "2027-06-01T00:00:00+03:00"])
async def test_a_deal_changed_at_no_possible_time_is_not_read(at: str) -> None:
    row = {**_deal(LONG_AGO), "updatedTime": at}
    with pytest.raises(MalformedRow, match="row 1"):
        portal_row(row, DealRow, "deals", CUTOFF)


def _deal(created: datetime) -> dict[str, Any]:
    return Portal().add_deal(1, "Сделка", ANNA, "NEW", created=created)


# Late arrivals


async def test_calls_of_the_window_before_are_read_too_and_a_call_over_the_cutoff_is_in_one_day() -> None:
    where = portal()
    where.add_call(1, ANNA, START - 5 * HOUR, 60)
    where.add_call(2, ANNA, START - HOUR, 2 * 3600)
    where.add_call(3, ANNA, CUTOFF - HOUR, 2 * 3600)
    where.add_call(4, ANNA, START - 2 * DAY, 60)
    reader = Reader(where)
    ends = {fact.id: fact.ended_at for fact in await reader.facts("calls_held") if isinstance(fact, Call)}
    assert ends == {"1": START - 5 * HOUR + timedelta(seconds=60), "2": START + HOUR}


async def test_a_call_of_the_window_before_of_which_nothing_is_told_is_no_doubt_today() -> None:
    where = portal()
    where.add_call(1, ANNA, START - HOUR, 0, kind=2, CALL_FAILED_CODE=None)
    assert await Reader(where).number("missed_calls") == 0


async def test_check_names_a_listed_member_who_is_no_employee() -> None:
    where = portal()
    where.add_user(70, "Гость Портала", kind="extranet")
    findings = await Reader(where).check({"70": "Гость Портала"})
    assert any("Гость Портала" in found.text and found.severity is Severity.ERROR for found in findings)


# What people do not see


async def test_an_open_deal_in_a_deleted_stage_or_in_a_stage_of_no_funnel_costs_nobody_points() -> None:
    where = portal()
    deal(where, 1)
    deal(where, 2, stage="DELETED")
    deal(where, 3, stage="C4:NEW", category=4)
    where.hidden_funnels = frozenset({4})
    readings = await Reader(where).count("deals_open", "deals_without_task", "stale_deals")
    assert {reading.number for reading in readings.values() if isinstance(reading, Value)} == {1}
    assert len([reading for reading in readings.values() if isinstance(reading, Value)]) == 3


async def test_a_portal_that_tells_no_funnels_hides_no_deal() -> None:
    where = portal()
    deal(where, 1, stage="C4:NEW", category=4)
    reader = Reader(where)
    answering(reader, "crm.category.list", {"categories": []})
    assert await reader.number("deals_open") == 1


async def test_funnels_hidden_from_a_webhook_of_no_administrator_are_a_missing_right() -> None:
    where = portal()
    deal(where, 1)
    where.says_admin, where.hidden_funnels = False, frozenset({4})
    with pytest.raises(RightsMissing, match="ID 4"):
        await Reader(where).facts("deals_open")


async def test_directories_other_than_stages_may_have_forms_of_their_own() -> None:
    where = portal()
    deal(where, 1)
    where.statuses.add({"ID": "900", "ENTITY_ID": "SOURCE", "STATUS_ID": "1|Почта", "NAME": "Почта", "SEMANTICS": "X"})
    assert await Reader(where).number("deals_open") == 1


# Answers to another question


async def test_comments_of_another_deal_are_no_comments_of_the_deal_asked_about() -> None:
    where = portal()
    deal(where, 1)
    where.add_comment(10, 2, ANNA, LONG_AGO)
    reader = Reader(where)
    answering(reader, "crm.timeline.comment.list", where.comments[2])
    reading = (await reader.count("deals_without_comment"))["deals_without_comment"]
    assert isinstance(reading, NotRead)
    assert "row 10 is of deal 2" in reading.detail


async def test_open_deals_are_no_answer_to_the_question_about_closed_ones() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    plain = reader.fake._call

    def call(method: str, params: Mapping[str, Any]) -> tuple[Any, int | None, int | None]:
        asks_closed = (params.get("filter") or {}).get("closed") == "Y"
        return plain(method, {**params, "filter": {"closed": "N"}} if asks_closed else params)

    reader.fake._call = call  # type: ignore[method-assign]
    reading = (await reader.count("deals_won"))["deals_won"]
    assert isinstance(reading, NotRead)
    assert "row 1" in reading.detail
