"""Bitrix24 passes the suite that every CRM client must pass."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

import httpx

from scoring.records import DealState, RecordKind
from tests.crm_clients.bitrix24.fake import FakeBitrix24
from tests.crm_clients.bitrix24.portal import DEAL, SECRET, SERVER, Portal
from tests.crm_clients.mutation import Case, MutationTests
from tests.crm_clients.world import Move, Quirks, User, World, WorldDeal, WorldTask

CATEGORIES = {"1": 0, "2": 4}
STAGES = {"new": "NEW", "talks": "EXECUTING", "won": "WON", "lost": "LOSE", "lost_too": "APOLOGY"}
SEMANTICS: dict[DealState, str] = {DealState.OPEN: "P", DealState.WON: "S", DealState.LOST: "F"}
REASON, REQUIRED = "UF_CRM_1700000000001", "UF_CRM_INN"


NUMBERS = {
    "id", "ID", "assignedById", "categoryId", "OWNER_ID", "RESPONSIBLE_ID", "ASSOCIATED_ENTITY_ID", "responsibleId",
    "PORTAL_USER_ID", "CRM_ENTITY_ID", "createdBy", "AUTHOR_ID", "CATEGORY_ID", "CALL_DURATION", "entityId",
    "OWNER_TYPE_ID", "TYPE_ID", "ENTITY_ID",
}  # fmt: skip
"""Fields that hold a number, sent as a number or as text: another number is no wrong form."""
MAY_BE_EMPTY = {
    "DEADLINE", "deadline", "closedDate", "opportunity", "ufCrmTask", "ufCrmInn", "ufCrm_1700000000001",
    "PORTAL_USER_ID", "assignedById", "RESPONSIBLE_ID", "responsibleId", "createdBy", "UF_DEPARTMENT",
}  # fmt: skip
"""Fields that may hold nothing: null, or an empty text or list."""


class TestBitrix24(MutationTests):
    kind: ClassVar[str] = "bitrix24"
    required_field: ClassVar[str] = REQUIRED
    late_arrivals: ClassVar[bool] = True
    untold: ClassVar[frozenset[str]] = frozenset({"a task done after the cutoff"})

    def server(self, world: World, quirks: Quirks) -> httpx.AsyncBaseTransport:
        return FakeBitrix24(filled(world), now=world.now.timestamp, repeat_rows=quirks.repeat_rows)

    def task_id(self, key: str) -> str:
        return key if int(key) % 2 else f"task-{key}"

    def settings(self) -> dict[str, Any]:
        return {
            "webhook_url": f"https://example.bitrix24.ru/rest/1/{SECRET}/",
            "loss_reason_field": REASON,
        }

    def secrets(self) -> list[str]:
        return [SECRET]

    def host(self) -> str:
        return "example.bitrix24.ru"

    def about(self, request: httpx.Request) -> str:
        """The methods of the batch, each once."""
        commands = json.loads(request.content or b"{}").get("cmd", {}).values()
        return ", ".join(dict.fromkeys(command.partition("?")[0] for command in commands))

    def field(self, case: Case) -> str:
        """The method whose answer is mutated, and the place in the answer."""
        commands = json.loads(case.request.split(b" ", 2)[2]).get("cmd", {})
        steps = [commands[step].partition("?")[0] if step in commands else str(step) for step in case.path]
        return ".".join("*" if step.isdecimal() else step for step in steps)

    def is_documented(self, case: Case) -> bool:
        """Empty values where a row may have none, numbers sent in another way, ends of lists."""
        name = str(case.path[-1]) if case.path else ""
        if case.form in ("null", "empty"):
            return name in MAY_BE_EMPTY or (case.form == "empty" and not case.row)
        if case.form == "of another type" and type(case.value) is int:
            return name in NUMBERS
        if name == "DEADLINE" and str(case.value).startswith("9999"):
            return True  # an activity without a deadline
        return name == "opportunity" and case.value in (-1, "-1")

    def concerns(self, request: httpx.Request, kind: RecordKind) -> bool:
        commands = json.loads(request.content or b"{}").get("cmd", {}).values()
        return any(kind in kinds_of(command) for command in commands)


def kinds_of(command: str) -> set[RecordKind]:
    """What a command of a batch reads."""
    method, _, query = command.partition("?")
    if method == "crm.item.list":
        return {RecordKind.COMPANIES if "entityTypeId=4" in query else RecordKind.DEALS}
    if method == "crm.activity.list":
        return {RecordKind.MEETINGS if "START_TIME]" in query else RecordKind.TASKS}
    return {
        "crm.status.list": {RecordKind.DEALS},
        "crm.item.fields": {RecordKind.DEALS},
        "crm.stagehistory.list": {RecordKind.DEALS},
        "tasks.task.list": {RecordKind.TASKS},
        "voximplant.statistic.get": {RecordKind.CALLS},
        "crm.timeline.comment.list": {RecordKind.COMMENTS},
    }.get(method, set())


def filled(world: World) -> Portal:
    """The neutral company as a portal."""
    portal = Portal()
    for category in CATEGORIES.values():
        for key, state in world.stages.items():
            letter = SEMANTICS[state]
            portal.add_stage(stage_id(key, category), None if letter == "P" else letter, category)
    portal.fields = {
        "ufCrm_1700000000001": {"type": "enumeration", "items": [{"ID": "45", "VALUE": "Цена"}]},
        "ufCrmInn": {"type": "string"},
    }
    for user in world.users:
        add_user(portal, user)
    for deal in world.deals:
        if deal.visible:
            add_deal(portal, world, deal)
    for task in world.tasks:
        add_task(portal, task)
    for meeting in world.meetings:
        at = meeting.held_at or meeting.started_at - timedelta(days=1)
        portal.add_activity(
            int(meeting.id), meeting.title, int(meeting.user), owner=(DEAL, int(meeting.deal)), kind=1,
            provider="CRM_MEETING", started=meeting.started_at, deadline=meeting.started_at, done=bool(meeting.held_at),
            created=meeting.started_at - timedelta(days=2), updated=at,
        )  # fmt: skip
        if meeting.held_at is None:  # planned, and put off by the portal's people: nobody misses it
            portal.activities.rows[int(meeting.id)]["DEADLINE"] = "9999-12-31T00:00:00+03:00"
    for call in world.calls:
        code = "200" if call.seconds else "304" if call.incoming else "603-S"
        portal.add_call(
            int(call.id), int(call.user), call.ended_at - timedelta(seconds=call.seconds), call.seconds,
            kind=2 if call.incoming else 1, code=code, CRM_ENTITY_TYPE="DEAL", CRM_ENTITY_ID=call.deal,
        )  # fmt: skip
    for company in world.companies:
        portal.add_company(int(company.id), company.title, int(company.creator), int(company.owner), company.created_at)
    for comment in world.comments:
        portal.add_comment(int(comment.id), int(comment.deal), int(comment.user), comment.created_at)
    return portal


def stage_id(key: str, category: int) -> str:
    return f"C{category}:{STAGES[key]}" if category else STAGES[key]


def add_user(portal: Portal, user: User) -> None:
    if user.human:  # robots are not among the users
        portal.add_user(int(user.id), user.name, active=user.active)


def add_deal(portal: Portal, world: World, deal: WorldDeal) -> None:
    category = CATEGORIES[deal.pipeline]
    for move in (Move(deal.created_at, DealState.OPEN), *deal.moves):
        kind = 1 if move.at == deal.created_at else 2 if move.state is DealState.OPEN else 3
        stage = stage_id(world.stage_of(move), category)
        portal.add_move(int(deal.id), stage, SEMANTICS[move.state], move.at, kind, category)
    portal.add_deal(
        int(deal.id), deal.title, int(deal.user), stage_id(world.stage_of(deal.last), category),
        created=deal.created_at, moved=deal.last.at, closed=deal.last.state is not DealState.OPEN, category=category,
        amount=deal.amount, currency=deal.currency, ufCrmInn="7700000000" if deal.filled else "",
        ufCrm_1700000000001=45 if deal.last.reason else None,
    )  # fmt: skip


def add_task(portal: Portal, task: WorldTask) -> None:
    """A task of the tasks module with its activity, or an activity of its own, by turns."""
    deadline = due(task.deadline)
    owner = (DEAL, int(task.deals[0])) if task.deals else (3, 5)
    bound = {(DEAL, int(deal)) for deal in task.deals}
    updated, key = task.done_at or task.created_at, int(task.id)
    if key % 2:
        portal.add_activity(
            key, task.title, int(task.user), owner=owner, bound=bound, deadline=deadline, created=task.created_at,
            updated=updated, done=bool(task.done_at),
        )  # fmt: skip
        return
    portal.add_task(
        key, task.title, int(task.user), deadline=deadline, created=task.created_at, closed=task.done_at,
        status=5 if task.done_at else 2, crm=[f"D_{deal}" for deal in task.deals],
    )  # fmt: skip
    if task.deals:
        portal.add_activity(
            key + 700_000, task.title, int(task.user), owner=owner, bound=bound, kind=3, provider="CRM_TASKS_TASK",
            deadline=deadline, created=task.created_at, updated=updated, done=bool(task.done_at),
            ASSOCIATED_ENTITY_ID=str(key),
        )  # fmt: skip


def due(deadline: datetime | date | None) -> datetime | None:
    """Bitrix24's deadlines have a time; those of a day end in its evening."""
    if deadline is None or isinstance(deadline, datetime):
        return deadline
    return datetime.combine(deadline, time(23, 59), tzinfo=SERVER)
