"""What is particular about Bitrix24: its deals, its tasks that are activities too, its calls and comments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from crm_clients.base import DictMemory
from scoring.causes import Cause
from scoring.records import Completed, Failed, RecordKind
from scoring.snapshot import NotAvailable, NotRead, Value
from tests.crm_clients.bitrix24.portal import COMPANY, CONTACT, DEAL, NO_DEADLINE
from tests.crm_clients.bitrix24.team import (
    ANNA,
    BORIS,
    DAY,
    EARLIER,
    HOUR,
    REASON,
    SECOND,
    Reader,
    closed,
    deal,
    portal,
)
from tests.crm_clients.world import CUTOFF, LONG_AGO, START

pytestmark = pytest.mark.usefixtures("no_backoff")

# Deals


async def test_a_move_between_two_failure_stages_is_no_new_loss() -> None:
    where = portal()
    closed(where, 1, (START - DAY, "LOSE", "F"), (START + HOUR, "APOLOGY", "F"))
    closed(where, 2, (START + HOUR, "LOSE", "F"), (START + 2 * HOUR, "APOLOGY", "F"))
    assert await Reader(where).number("deals_lost") == 1


async def test_the_close_date_proves_nothing_and_the_history_everything() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), amount=Decimal("10.10"))
    closed(where, 2, (START - SECOND, "WON", "S"))
    where.deals.rows[2]["movedTime"] = where.deals.rows[1]["movedTime"]  # its pipeline was renamed, say
    assert await Reader(where).number("deals_won") == 1
    assert await Reader(where).number("won_amount") == {"RUB": Decimal("10.10")}


async def test_a_deal_won_again_after_a_reopening_counts_again_and_says_so() -> None:
    where = portal()
    closed(where, 1, (START - 5 * DAY, "WON", "S"), (START - DAY, "TALKS", "P"), (START + HOUR, "WON", "S"))
    reading = (await Reader(where).count("deals_won"))["deals_won"]
    assert isinstance(reading, Value)
    assert [(item.id, item.again) for item in reading.items] == [("1", True)]


async def test_a_deal_won_and_reopened_before_the_cutoff_is_open() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), (START + 2 * HOUR, "TALKS", "P"))
    readings = await Reader(where).count("deals_won", "deals_open")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [0, 1]


async def test_what_moved_after_the_cutoff_is_rolled_back() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "WON", "S"), (CUTOFF + 5 * SECOND, "TALKS", "P"))
    closed(where, 2, (CUTOFF + 5 * SECOND, "WON", "S"))
    closed(where, 3, (START + HOUR, "TALKS", "P"), (CUTOFF, "LOSE", "F"))
    readings = await Reader(where).count("deals_won", "deals_lost", "deals_open")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [1, 0, 2]


async def test_templates_of_recurring_deals_are_no_deals() -> None:
    where = portal()
    deal(where, 1)
    deal(where, 2, recurring=True)
    closed(where, 3, (START + HOUR, "WON", "S"), recurring=True)
    readings = await Reader(where).count("deals_won", "deals_open")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [0, 1]


async def test_a_loss_reason_is_a_field_of_the_settings_or_not_available() -> None:
    where = portal()
    closed(where, 1, (START + HOUR, "LOSE", "F"), ufCrmReason="Дорого")
    closed(where, 2, (START + HOUR, "LOSE", "F"), ufCrmReason="  ")
    assert isinstance((await Reader(where).count("lost_without_reason"))["lost_without_reason"], NotAvailable)
    assert await Reader(where, loss_reason_field=REASON).number("lost_without_reason") == 1
    assert await Reader(where, loss_reason_field="ufCrmReason").number("lost_without_reason") == 1
    assert await Reader(where, loss_reason_field="stageId").number("lost_without_reason") == 0


async def test_required_fields_are_found_in_either_spelling_and_by_pipeline() -> None:
    where = portal()
    deal(where, 1, ufCrm_170="есть", companyId=0)
    deal(where, 2, ufCrm_170="", companyId=9)
    deal(where, 3, category=4, stage="C4:NEW", ufCrm_170="", companyId=9, opportunity=0)
    reader = Reader(where, required_fields={"0": ["UF_CRM_170"], "*": ["COMPANY_ID"]})
    reading = (await reader.count("deals_missing_fields"))["deals_missing_fields"]
    assert isinstance(reading, Value)
    assert {item.id for item in reading.items} == {"1", "2"}


async def test_a_setting_that_names_no_field_is_told_and_counts_nothing() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where, required_fields={"*": ["UF_CRM_NONE"]})
    readings = await reader.count("deals_missing_fields", "deals_open")
    missing, still_read = readings["deals_missing_fields"], readings["deals_open"]
    assert isinstance(missing, NotRead)
    assert missing.cause is Cause.RIGHTS
    assert "UF_CRM_NONE" in missing.detail
    assert isinstance(still_read, Value)


@pytest.mark.parametrize("deadline", [None, CUTOFF - DAY, CUTOFF + 30 * DAY])
@pytest.mark.parametrize("others", [(), ("overdue_tasks",)])
async def test_a_task_that_waits_for_approval_covers_its_deal_whatever_its_deadline_and_whatever_else_is_asked(
    deadline: datetime | None, others: tuple[str, ...]
) -> None:
    where = portal()
    deal(where, 1)
    where.add_task(50, "Отчёт", ANNA, deadline=deadline, created=LONG_AGO, status=4, crm=["D_1"])
    readings = await Reader(where).count("deals_without_task", *others)
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [0] * len(readings)


@pytest.mark.parametrize(
    ("scope", "kpi", "kind"),
    [("telephony", "calls_held", RecordKind.CALLS), ("task", "overdue_tasks", RecordKind.TASKS)],
)
async def test_a_missing_scope_is_told_as_a_missing_right_and_costs_no_other_kind(
    scope: str, kpi: str, kind: RecordKind
) -> None:
    where = portal()
    where.scopes = tuple(name for name in where.scopes if name != scope)
    marks = await Reader(where).marks(kpi, "deals_open", "companies_added")
    mark = marks.pop(kind)
    assert isinstance(mark, Failed)
    assert mark.cause is Cause.RIGHTS
    assert all(isinstance(other, Completed) for other in marks.values())


async def test_a_change_of_hands_after_the_cutoff_makes_a_read_doubtful_however_soon() -> None:
    where = portal()
    deal(where, 1, updated=CUTOFF + HOUR)
    closed(where, 2, (START + HOUR, "WON", "S"), user=BORIS)
    for reader in (Reader(where, now=CUTOFF + 2 * HOUR), Reader(where)):
        for user in (ANNA, BORIS):
            readings = await reader.count("deals_open", "deals_won", user=user)
            assert isinstance(readings["deals_open"], NotRead), user
            assert isinstance(readings["deals_won"], Value), user


# Tasks


async def test_a_task_bound_to_the_crm_is_counted_once() -> None:
    where = portal()
    deal(where, 1)
    late = CUTOFF - DAY
    where.add_task(50, "Позвонить", ANNA, deadline=late, created=LONG_AGO, crm=["D_1", "C_5"])
    where.add_activity(
        900, "Позвонить", ANNA, owner=(DEAL, 1), kind=3, provider="CRM_TASKS_TASK", deadline=late, created=LONG_AGO,
        ASSOCIATED_ENTITY_ID="50",
    )  # fmt: skip
    readings = await Reader(where).count("overdue_tasks", "deals_without_task")
    reading = readings["overdue_tasks"]
    assert isinstance(reading, Value)
    assert [(item.id, item.url) for item in reading.items] == [
        ("task-50", "https://example.bitrix24.ru/company/personal/user/7/tasks/task/view/50/")
    ]
    assert readings["deals_without_task"].number == 0  # type: ignore[union-attr]


async def test_a_task_that_waits_for_approval_is_not_overdue_but_is_a_next_step() -> None:
    where = portal()
    deal(where, 1)
    late = CUTOFF - DAY
    where.add_task(50, "Отчёт", ANNA, deadline=late, created=LONG_AGO, status=4, crm=["D_1"])
    where.add_activity(
        900, "Отчёт", ANNA, owner=(DEAL, 1), kind=3, provider="CRM_TASKS_TASK", deadline=late, created=LONG_AGO,
        ASSOCIATED_ENTITY_ID="50",
    )  # fmt: skip
    assert await Reader(where).number("overdue_tasks") == 0
    assert await Reader(where).number("deals_without_task") == 0


@pytest.mark.parametrize(
    "trace",
    [
        {"provider": "IMOPENLINES_SESSION"},
        {"provider": "CRM_WEBFORM"},
        {"provider": "CRM_TASKS_TASK_COMMENT"},
        {"provider": "CRM_EMAIL", "kind": 4},
        {"provider": "VOXIMPLANT_CALL", "kind": 2, "DIRECTION": "1"},
        {"provider": "VOXIMPLANT_CALL", "kind": 2, "DIRECTION": "2", "ORIGIN_ID": "VI_externalCall.1"},
        {"IS_INCOMING_CHANNEL": "Y"},
    ],
)
async def test_traces_of_what_happened_are_no_next_steps(trace: dict[str, Any]) -> None:
    where = portal()
    deal(where, 1)
    where.add_activity(900, "След", ANNA, owner=(DEAL, 1), deadline=CUTOFF - DAY, created=LONG_AGO, **trace)
    assert await Reader(where).number("overdue_tasks") == 0
    assert await Reader(where).number("deals_without_task") == 1


async def test_planned_calls_and_meetings_are_next_steps() -> None:
    where = portal()
    for key, kind, provider in ((1, 1, "CRM_MEETING"), (2, 2, "VOXIMPLANT_CALL"), (3, 6, "CRM_TODO")):
        deal(where, key)
        where.add_activity(
            900 + key, "План", BORIS, owner=(DEAL, key), kind=kind, provider=provider, created=LONG_AGO,
            deadline=CUTOFF - DAY, DIRECTION="2",
        )  # fmt: skip
    assert await Reader(where).number("deals_without_task") == 0
    assert await Reader(where).number("overdue_tasks", user=BORIS) == 3


async def test_no_deadline_is_the_year_9999_and_never_overdue() -> None:
    where = portal()
    deal(where, 1)
    row = where.add_activity(900, "Когда-нибудь", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    assert row["DEADLINE"] == NO_DEADLINE
    readings = await Reader(where).count("overdue_tasks", "deals_without_task")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [0, 0]


@pytest.mark.parametrize("deals", [3, 400])
async def test_an_activity_bound_to_a_deal_as_a_further_object_is_its_next_step(deals: int) -> None:
    where = portal()
    for key in range(1, deals + 1):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    where.add_activity(9001, "У контакта", BORIS, owner=(CONTACT, 5), bound=[(DEAL, 2)], created=LONG_AGO)
    where.add_activity(9002, "Только у компании", ANNA, owner=(COMPANY, 6), created=LONG_AGO)
    where.add_activity(9003, "Чат", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 3)], created=LONG_AGO,
                       provider="IMOPENLINES_SESSION")  # fmt: skip
    where.add_activity(9004, "Поздно", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 3)], created=CUTOFF + SECOND)
    reader = Reader(where)
    assert await reader.number("deals_without_task") == deals - 2
    assert reader.fake.requests < 8


async def test_bindings_are_asked_deal_by_deal_where_several_at_once_are_not_understood() -> None:
    where = portal()
    for key in range(1, 200):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    where.add_activity(9001, "У контакта", BORIS, owner=(CONTACT, 5), bound=[(DEAL, 150)], created=LONG_AGO)
    reader = Reader(where)

    def only_the_first(method: str, params: Mapping[str, Any]) -> None:
        bindings = (params.get("filter") or {}).get("BINDINGS")
        if method == "crm.activity.list" and bindings:
            for key in list(bindings)[1:]:
                del bindings[key]

    reader.fake.fault = only_the_first
    assert await reader.number("deals_without_task") == 197


async def test_a_task_closed_after_the_cutoff_was_open_at_it_and_an_activity_done_since_may_have_been() -> None:
    where = portal()
    deal(where, 1)
    deal(where, 2)
    late, after = CUTOFF - DAY, CUTOFF + 10 * SECOND
    where.add_activity(900, "Дело", ANNA, owner=(DEAL, 1), deadline=late, created=LONG_AGO, updated=after, done=True)
    where.add_activity(
        901, "Чужое", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 2)], created=LONG_AGO, updated=after, done=True
    )
    where.add_task(50, "Задача", ANNA, deadline=late, created=LONG_AGO, closed=after, status=5)
    reader = Reader(where)
    assert await reader.ends("overdue_tasks", "deals_without_task") == (1, 3)
    assert await reader.ends("deals_without_task", "overdue_tasks") == (0, 2)


# What happened


async def test_meetings_count_by_their_start_and_those_of_the_window_before_if_they_did_not_then() -> None:
    where = portal()
    for key, started, updated, done in (
        (1, START + HOUR, START + 2 * HOUR, True),
        (2, START - HOUR, START + HOUR, True),
        (3, START - 2 * HOUR, START - HOUR, True),
        (5, START + HOUR, START + HOUR, False),
        (6, EARLIER - SECOND, START, True),
    ):
        where.add_activity(
            key, f"Встреча {key}", ANNA, kind=1, provider="CRM_MEETING", started=started, created=LONG_AGO,
            updated=updated, done=done,
        )  # fmt: skip
    reading = (await Reader(where).count("meetings_held", held=frozenset({"3"})))["meetings_held"]
    assert isinstance(reading, Value)
    assert {item.id for item in reading.items} == {"1", "2"}


async def test_meeting_types_may_be_numbers_and_providers() -> None:
    where = portal()
    at = START + HOUR
    where.add_activity(1, "Встреча", ANNA, kind=1, provider="CRM_MEETING", started=at, created=LONG_AGO, done=True)
    where.add_activity(2, "Дело", ANNA, kind=6, provider="CRM_TODO", started=at, created=LONG_AGO, done=True)
    assert await Reader(where).number("meetings_held") == 1
    assert await Reader(where, meeting_types=["CRM_TODO", "1"]).number("meetings_held") == 2


@pytest.mark.parametrize(("seconds", "before"), [(40, 20), (1200, 600), (9000, 8000), (50000, 40000)])
async def test_a_call_that_began_before_the_window_counts_where_it_ended(seconds: int, before: int) -> None:
    where = portal()
    where.add_call(1, ANNA, START - timedelta(seconds=before), seconds)
    where.add_call(2, ANNA, CUTOFF - timedelta(seconds=before), seconds)
    assert await Reader(where).number("calls_held") == 1


async def test_missed_calls_are_incoming_ones_that_nobody_answered() -> None:
    where = portal()
    for key, kind, code in ((1, 2, "304"), (2, 3, "304"), (3, 1, "304"), (4, 2, "200"), (5, 5, "304"), (6, 2, "603")):
        where.add_call(key, ANNA, START + HOUR, 60 if code == "200" else 0, kind=kind, code=code)
    assert await Reader(where).number("missed_calls") == 3


async def test_our_own_company_is_not_an_added_one() -> None:
    where = portal()
    where.add_company(1, "Ромашка", ANNA, BORIS, START)
    where.add_company(2, "Мы сами", ANNA, ANNA, START, isMyCompany="Y")
    assert await Reader(where).number("companies_added") == 1


async def test_comments_are_asked_for_once_and_remembered() -> None:
    where = portal()
    for key in range(1, 131):
        deal(where, key)
        if key % 2:
            where.add_comment(5000 + key, key, ANNA, CUTOFF - HOUR)
    for number in range(60):
        where.add_comment(6000 + number, 2, 99, CUTOFF - DAY)  # a robot's
    where.add_comment(7000, 2, BORIS, CUTOFF - SECOND)
    where.add_comment(7001, 4, BORIS, CUTOFF + SECOND)
    memory = DictMemory()
    first = Reader(where, memory=memory)
    assert await first.number("deals_without_comment") == 64
    asked = first.fake.commands["crm.timeline.comment.list"]
    assert asked == 131
    again = Reader(where, memory=memory)
    assert await again.number("deals_without_comment") == 64
    assert again.fake.commands["crm.timeline.comment.list"] == 64
