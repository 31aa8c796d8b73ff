"""What is particular about Bitrix24: its limits, its lists, its tasks that are activities too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stamina
from pydantic import ValidationError

from crm_clients.base import DictMemory, Finding, ReadRequest, Severity
from crm_clients.bitrix24 import Bitrix24Client, Bitrix24Config
from crm_clients.errors import CrmError, CrmRefused, RightsMissing
from scoring.kpis import CATALOGUE, KpiSettings
from scoring.records import Completed, Fact, Failed, RecordKind
from scoring.snapshot import Manager, NotAvailable, NotRead, Reading, Value
from scoring.tally import Tally, TallySheet
from scoring.workdays import Window
from tests.crm_clients.conformance import MOSCOW
from tests.crm_clients.fake_bitrix24 import COMPANY, CONTACT, DEAL, NO_DEADLINE, SECRET, FakeBitrix24, Portal
from tests.crm_clients.faults import Break, Unreliable
from tests.crm_clients.world import CUTOFF, LONG_AGO, START, FakeClock

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
EARLIER = START - DAY
ANNA, BORIS = 7, 12
REASON = "UF_CRM_REASON"


@pytest.fixture(autouse=True)
def _no_backoff() -> Any:
    with stamina.set_testing(True, attempts=1000, cap=True):
        yield


def portal() -> Portal:
    """Two employees, two pipelines, nothing sold yet."""
    made = Portal()
    for category in (0, 4):
        prefix = f"C{category}:" if category else ""
        for stage, letter in (("NEW", None), ("TALKS", None), ("WON", "S"), ("LOSE", "F"), ("APOLOGY", "F")):
            made.add_stage(prefix + stage, letter, category, name=f"стадия {stage}")
    made.add_user(ANNA, "Анна Лебедева", departments=(5,))
    made.add_user(BORIS, "Борис Орлов", departments=(6,))
    made.fields = {"ufCrmReason": {"type": "string"}, "ufCrm_170": {"type": "string"}}
    return made


def deal(where: Portal, key: int, user: int = ANNA, **more: Any) -> None:
    """An open deal in its first stage for long."""
    where.add_deal(key, more.pop("title", f"Сделка {key}"), user, more.pop("stage", "NEW"), created=LONG_AGO, **more)
    where.add_move(key, "NEW", "P", LONG_AGO, 1)


def closed(where: Portal, key: int, *moves: tuple[datetime, str, str], user: int = ANNA, **more: Any) -> None:
    """A deal and the stages it went through: (instant, stage, semantics)."""
    at, stage, letter = moves[-1]
    where.add_deal(
        key, f"Сделка {key}", user, stage, created=LONG_AGO, moved=at, closed=letter != "P", **more
    )  # fmt: skip
    where.add_move(key, "NEW", "P", LONG_AGO, 1)
    for instant, name, semantics in moves:
        where.add_move(key, name, semantics, instant, 2 if semantics == "P" else 3)


class Reader:
    """A client on a fake portal, and what it counts."""

    def __init__(self, where: Portal, *, now: datetime = CUTOFF + 20 * SECOND, **settings: Any) -> None:
        self.clock = FakeClock(now)
        self.portal = where
        options = {
            name: settings.pop(name) for name in ("per_second", "bucket", "lists_as_objects") if name in settings
        }
        self.fake = FakeBitrix24(where, now=lambda: self.clock.now().timestamp(), **options)
        self.line = Unreliable(self.fake)
        self.memory = settings.pop("memory", None) or DictMemory()
        self.config = Bitrix24Config.model_validate(
            {"kind": "bitrix24", "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/", **settings}
        )

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Bitrix24Client]:
        client = Bitrix24Client(self.config, self.memory, transport=self.line, clock=self.clock)
        try:
            yield client
        finally:
            await client.aclose()

    async def facts(self, *kpis: str, members: tuple[int, ...] = (ANNA, BORIS)) -> list[Fact]:
        request = ReadRequest(
            Window(START, CUTOFF, EARLIER), frozenset(kpis or CATALOGUE), frozenset(str(user) for user in members)
        )
        async with self.client() as client:
            return [fact async for fact in client.read(request)]

    async def count(self, *kpis: str, user: int = ANNA, held: frozenset[str] = frozenset()) -> Mapping[str, Reading]:
        facts = await self.facts(*kpis)
        members = {str(key): Manager(str(key), str(key)) for key in (ANNA, BORIS)}
        window = Window(START, CUTOFF, EARLIER)
        sheet = TallySheet(members, window, MOSCOW, tuple(kpis or CATALOGUE), KpiSettings(), held_before=held)
        async with self.client() as client:
            tally = Tally(sheet, client.capabilities, client.link)
        for fact in facts:
            tally.add(fact)
        return next(s.readings for s in tally.snapshots() if s.manager.crm_user == str(user))

    async def number(self, kpi: str, *, user: int = ANNA, **more: Any) -> Any:
        reading = (await self.count(kpi, user=user, **more))[kpi]
        assert isinstance(reading, Value), reading
        return reading.number

    async def marks(self, *kpis: str) -> dict[RecordKind, Completed | Failed]:
        return {fact.kind: fact for fact in await self.facts(*kpis) if isinstance(fact, Completed | Failed)}

    async def check(self, members: Mapping[str, str]) -> list[Finding]:
        async with self.client() as client:
            return await client.check(members)


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
    mark = (await Reader(where, required_fields={"*": ["UF_CRM_NONE"]}).marks("deals_missing_fields"))[RecordKind.DEALS]
    assert isinstance(mark, Failed)
    assert "UF_CRM_NONE" in mark.reason


async def test_a_change_of_hands_after_the_cutoff_makes_a_late_read_doubtful() -> None:
    where = portal()
    deal(where, 1, updated=CUTOFF + HOUR)
    closed(where, 2, (START + HOUR, "WON", "S"), user=BORIS)
    late = Reader(where, now=CUTOFF + 2 * HOUR)
    for user in (ANNA, BORIS):
        readings = await late.count("deals_open", "deals_won", user=user)
        assert isinstance(readings["deals_open"], NotRead), user
        assert isinstance(readings["deals_won"], Value), user
    assert await Reader(where).number("deals_open") == 1


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


async def test_what_was_done_after_the_cutoff_was_open_at_it() -> None:
    where = portal()
    deal(where, 1)
    deal(where, 2)
    late, after = CUTOFF - DAY, CUTOFF + 10 * SECOND
    where.add_activity(900, "Дело", ANNA, owner=(DEAL, 1), deadline=late, created=LONG_AGO, updated=after, done=True)
    where.add_activity(
        901, "Чужое", ANNA, owner=(CONTACT, 5), bound=[(DEAL, 2)], created=LONG_AGO, updated=after, done=True
    )
    where.add_task(50, "Задача", ANNA, deadline=late, created=LONG_AGO, closed=after, status=5)
    readings = await Reader(where).count("overdue_tasks", "deals_without_task")
    assert [reading.number for reading in readings.values() if isinstance(reading, Value)] == [2, 0]


# What happened


async def test_meetings_count_by_their_start_and_those_of_the_window_before_if_they_did_not_then() -> None:
    where = portal()
    for key, started, updated, done in (
        (1, START + HOUR, START + 2 * HOUR, True),
        (2, START - HOUR, START + HOUR, True),
        (3, START - 2 * HOUR, START - HOUR, True),
        (4, START + HOUR, CUTOFF + SECOND, True),
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


# Limits and faults


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
    assert reader.fake.commands["voximplant.statistic.get"] == 10, "not asked in vain while it was blocked"


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
    reader.line.when = lambda *_: _answer(status, body)
    with pytest.raises(CrmRefused, match="commercial plans"):
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


async def test_rows_of_an_unknown_form_fail_their_kind_alone() -> None:
    where = portal()
    deal(where, 1)
    deal(where, 2, title="Без времени")
    where.deals.rows[2]["createdTime"] = "вчера"
    where.add_call(1, ANNA, START + HOUR, 60)
    marks = await Reader(where).marks("deals_open", "calls_held")
    assert isinstance(marks[RecordKind.DEALS], Failed)
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


# People, check, settings


async def test_departments_are_those_above_too() -> None:
    where = portal()
    for key, parent in ((1, None), (5, "1"), (6, "5")):
        where.departments.add({"ID": str(key), "NAME": "…", "PARENT": parent})
    async with Reader(where).client() as client:
        users = {user.id: user for user in await client.users()}
    assert users[str(BORIS)].departments == {"6", "5", "1"}
    where.scopes = ("crm", "user_brief")
    async with Reader(where).client() as client:
        users = {user.id: user for user in await client.users()}
    assert users[str(BORIS)].departments == {"6"}


async def test_more_than_a_page_of_users_is_read_whole() -> None:
    where = portal()
    for key in range(100, 400):
        where.add_user(key, f"Человек {key}", active=key % 3 != 0)
    reader = Reader(where)
    async with reader.client() as client:
        assert len(await client.users()) == 302
    assert reader.fake.requests == 2


async def test_check_sees_that_a_restricted_webhook_hides_colleagues() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    where.admin, where.viewer = False, ANNA
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{ANNA}/{SECRET}/")
    findings = await reader.check({str(ANNA): "Анна", str(BORIS): "Борис Орлов"})
    assert any(f.severity is Severity.ERROR and "Борис Орлов" in f.text for f in findings)
    assert any(f.subject == "rights" and f.severity is Severity.WARNING for f in findings)


async def test_a_restricted_webhook_counts_nothing_rather_than_too_little() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    where.admin, where.viewer = False, ANNA
    reader = Reader(where, webhook_url=f"https://example.bitrix24.ru/rest/{ANNA}/{SECRET}/")
    with pytest.raises(RightsMissing, match="make the webhook as an administrator"):
        await reader.facts()


async def test_deals_hidden_behind_their_activities_are_found() -> None:
    where = portal()
    for key in range(1, 4):
        where.add_activity(key, "Дело", ANNA, owner=(DEAL, key), created=LONG_AGO)
        where.add_activity(key + 10, "Дело", BORIS, owner=(DEAL, key), created=LONG_AGO)
    deal(where, 1)
    findings = await Reader(where).check({str(ANNA): "Анна", str(BORIS): "Борис Орлов"})
    assert any(f.severity is Severity.ERROR and "whose deals are not (2)" in f.text for f in findings)


async def test_a_webhook_of_no_administrator_that_sees_everybody_is_read() -> None:
    where = portal()
    deal(where, 1, ANNA)
    deal(where, 2, BORIS)
    reader = Reader(where)
    reader.fake.portal.says_admin = False
    assert await reader.number("deals_open") == 1


async def test_check_names_missing_scopes_unknown_fields_and_a_wrong_clock() -> None:
    where = portal()
    deal(where, 1)
    where.scopes = ("crm", "user_brief")
    reader = Reader(where, loss_reason_field="UF_CRM_NONE")
    portal_time = reader.clock.now().timestamp() + 300
    reader.fake._now = lambda: portal_time
    findings = await reader.check({str(ANNA): "Анна"})
    told = {(finding.subject, finding.severity) for finding in findings}
    assert ("scopes", Severity.ERROR) in told
    assert ("overdue_tasks", Severity.ERROR) in told
    assert ("calls_held", Severity.ERROR) in told
    assert ("lost_without_reason", Severity.ERROR) in told
    assert ("clock", Severity.WARNING) in told


@pytest.mark.parametrize(
    "address",
    [
        "",
        "example.bitrix24.ru",
        "https://example.bitrix24.ru/",
        "https://example.bitrix24.ru/rest/1/",
        "ftp://a/rest/1/s/",
    ],
)
def test_an_address_that_is_no_webhook_is_refused_without_being_shown(address: str) -> None:
    with pytest.raises(ValidationError) as told:
        Bitrix24Config.model_validate({"kind": "bitrix24", "webhook_url": address})
    assert "incoming webhook" in str(told.value)


def test_the_webhook_is_in_no_representation() -> None:
    config = Bitrix24Config.model_validate(
        {"kind": "bitrix24", "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}"}
    )
    assert SECRET not in repr(config)
    assert config.portal == "https://example.bitrix24.ru"


async def test_a_portal_that_moved_is_read_where_it_is_and_check_says_so() -> None:
    where = portal()
    deal(where, 1)
    reader = Reader(where)
    reader.line.when = lambda _number, request: _moved if request.url.host == "example.bitrix24.ru" else None
    assert await reader.number("deals_open") == 1
    methods = {(request.method, request.url.host) for request in reader.line.requests}
    assert methods == {("POST", "example.bitrix24.ru"), ("POST", "new.bitrix24.ru")}
    assert [request.url.host for request in reader.line.requests].count("example.bitrix24.ru") == 1
    findings = await reader.check({str(ANNA): "Анна"})
    assert any("https://new.bitrix24.ru: put" in finding.text for finding in findings)
    assert SECRET not in str(findings)


@pytest.mark.parametrize(
    "location", ["https://other.example/login", f"http://new.bitrix24.ru/rest/1/{SECRET}/batch", ""]
)
async def test_a_redirect_to_anything_but_the_same_webhook_is_told_and_not_followed(location: str) -> None:
    reader = Reader(portal())

    async def away(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        return httpx.Response(302, headers={"location": location})

    reader.line.when = lambda *_: away
    with pytest.raises(CrmRefused, match="put its present address") as told:
        await reader.facts()
    assert SECRET not in str(told.value)
    assert len(reader.line.requests) == 1


async def test_a_portal_that_sends_around_in_circles_is_given_up() -> None:
    reader = Reader(portal())
    reader.line.when = lambda *_: _moved
    with pytest.raises(CrmError) as told:
        await reader.facts()
    assert "new.bitrix24.ru" in str(told.value)
    assert len(reader.line.requests) == 3


async def _moved(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
    return httpx.Response(302, headers={"location": f"https://new.bitrix24.ru{request.url.path}"})


def _answer(status: int, body: Mapping[str, Any]) -> Break:
    async def answer(request: httpx.Request, _server: httpx.AsyncBaseTransport) -> httpx.Response:
        return httpx.Response(status, content=json.dumps(body), headers={"content-type": "application/json"})

    return answer
