"""amoCRM passes the suite that every CRM client must pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any, ClassVar

import httpx

from scoring.records import DealState, RecordKind
from scoring.snapshot import NotRead
from tests.crm_clients.amocrm.account_rows import LOST as LOST_STAGE
from tests.crm_clients.amocrm.account_rows import MEETING, Company, History, Lead, Note, Stage, Task
from tests.crm_clients.amocrm.account_rows import WON as WON_STAGE
from tests.crm_clients.amocrm.account_rows import User as AmoUser
from tests.crm_clients.amocrm.fake import FakeAmocrm
from tests.crm_clients.amocrm.world import World as AmoWorld
from tests.crm_clients.mutation import Case, MutationTests
from tests.crm_clients.world import ANNA, LONG_AGO, Move, Quirks, World, WorldDeal, WorldTask

ADMINISTRATOR = 1
FIRST, SECOND = 31, 32
"""amoCRM's one lost stage per pipeline: a second one is that of another pipeline."""
STAGES = {"new": 3110, "talks": 3111}
REASONS = {"Цена": 501}
TASK_TYPES = {"todo": 1, "call": 1, "meeting": MEETING}


class TestAmocrm(MutationTests):
    kind: ClassVar[str] = "amocrm"
    late_arrivals: ClassVar[bool] = True
    fractions: ClassVar[bool] = False
    currencies: ClassVar[bool] = False
    required_field: ClassVar[str] = "INN"

    def server(self, world: World, quirks: Quirks) -> httpx.AsyncBaseTransport:
        fake = FakeAmocrm(
            _Filled(world).account,
            token="long-lived-secret",
            viewer=ADMINISTRATOR,
            page_size=quirks.page_size,
            repeat_rows=quirks.repeat_rows,
            clock=world.now.timestamp,
        )
        return httpx.MockTransport(fake.handle)

    def settings(self) -> dict[str, Any]:
        return {"base_url": "https://example.amocrm.ru", "token": "long-lived-secret"}

    def secrets(self) -> list[str]:
        return ["long-lived-secret"]

    def host(self) -> str:
        return "example.amocrm.ru"

    def about(self, request: httpx.Request) -> str:
        return request.url.path.removeprefix("/api/v4/")

    def is_documented(self, case: Case) -> bool:
        """Fields that may be empty, and a field whose form is not documented."""
        may_be_null = ("price", "closest_task_at", "loss_reason_id", "custom_fields_values", "field_code", "value")
        name = str(case.path[-1]) if case.path else ""
        if name in may_be_null and case.form in ("null", "empty"):
            return True
        is_of_call = "params" in case.path and (case.form in ("missing", "null", "empty") or case.value == [])
        return is_of_call or "timestamp" in case.path

    async def test_an_empty_crm_reads_as_zeros(self) -> None:
        """Not here: amoCRM's 204 for every list may as well be a fault, and an account without a lead scores nobody."""
        readings = await self.readings(World())
        assert all(isinstance(readings[ANNA][key], NotRead) for key in self.available())

    def concerns(self, request: httpx.Request, kind: RecordKind) -> bool:
        path, query = request.url.path.removeprefix("/api/v4/"), request.url.query.decode()
        ways: dict[RecordKind, Callable[[], bool]] = {
            RecordKind.DEALS: lambda: path in ("leads", "leads/pipelines") or "=lead_status_changed" in query,
            RecordKind.TASKS: lambda: "=task_added" in query or (path == "tasks" and "filter[id]" not in query),
            RecordKind.MEETINGS: lambda: (
                (path == "tasks" and "filter[id]" in query)
                or ("=task_completed" in query and "=task_added" not in query)
            ),
            RecordKind.CALLS: lambda: "=call_in" in query,
            RecordKind.COMPANIES: lambda: path == "companies",
            RecordKind.COMMENTS: lambda: "=common" in query,
        }
        return ways[kind]()


class _Filled:
    """The neutral company as an amoCRM account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.account = AmoWorld()
        for pipeline in (FIRST, SECOND):
            self.account.add_pipeline(pipeline, [Stage(3101, "Неразобранное", 1), *self._stages()])
        self.account.loss_reasons = {number: name for name, number in REASONS.items()}
        self.account.lead_fields = [{"id": 77002, "name": "ИНН", "code": "INN", "type": "text", "is_required": False}]
        self.account.add_user(AmoUser(ADMINISTRATOR, "Администратор", admin=True))
        for user in world.users:
            if user.human:
                self.account.add_user(AmoUser(int(user.id), user.name, active=user.active, group=0))
        for deal in world.deals:
            if deal.visible:
                self._deal(deal)
        for task in world.tasks:
            self._task(task)
        self._rest()

    def _stages(self) -> list[Stage]:
        return [Stage(number, name) for name, number in STAGES.items()]

    def _user(self, user: str) -> int:
        return next((int(user) for known in self._world.users if known.id == user and known.human), 0)

    def _stage(self, deal: WorldDeal, move: Move) -> tuple[int, int]:
        name = self._world.stage_of(move)
        pipeline = FIRST if deal.pipeline == "1" else SECOND
        if move.state is DealState.OPEN:
            return pipeline, STAGES[name]
        if name == "lost_too":
            return (SECOND if pipeline == FIRST else FIRST), LOST_STAGE
        return pipeline, WON_STAGE if move.state is DealState.WON else LOST_STAGE

    def _deal(self, deal: WorldDeal) -> None:
        at, owner = _seconds(deal.created_at), self._user(deal.user)
        first = self._stage(deal, Move(deal.created_at, DealState.OPEN))
        price = None if deal.amount is None else int(deal.amount)
        lead = Lead(
            int(deal.id), deal.title, at, owner, History(at, first), History(at, owner), History(at, price),
            History(at, None), History(at, {"INN": "7700000000"} if deal.filled else {}), at,
        )  # fmt: skip
        self.account.leads[lead.id] = lead
        self.account._event("lead_added", "lead", lead.id, owner, at, [], [])
        for move in deal.moves:
            reason = REASONS.get(move.reason)
            self.account.move_lead(lead, _seconds(move.at), self._stage(deal, move), reason=reason, by=owner)

    def _task(self, task: WorldTask) -> None:
        made = self._plan(
            task.id, task.title, task.user, task.created_at, task.deadline, TASK_TYPES[task.kind], *task.deals
        )
        if task.done_at is not None:
            self.account.finish_task(made, _seconds(task.done_at))

    def _plan(
        self, key: str, title: str, user: str, made: datetime, due: datetime | date | None, kind: int, *deals: str
    ) -> Task:
        at, owner = _seconds(made), self._user(user)
        lead = int(deals[0]) if deals else None
        task = Task(
            int(key), title, "leads" if deals else None, lead, kind, at, owner, History(at, owner),
            History(at, self._due(due)), History(at, value=False), at,
        )  # fmt: skip
        self.account.tasks[task.id] = task
        self.account._event("task_added", "task", task.id, owner, at, [], [])
        if lead is not None:
            self.account.open_tasks[lead].add(task.id)
        return task

    def _due(self, deadline: datetime | date | None) -> int:
        if deadline is None:
            return 0
        if isinstance(deadline, datetime):
            return _seconds(deadline)
        return _seconds(datetime.combine(deadline, time(23, 59), tzinfo=self.account.zone))

    def _rest(self) -> None:
        world, account = self._world, self.account
        for meeting in world.meetings:
            made = min(meeting.started_at, meeting.held_at or meeting.started_at, LONG_AGO)
            deals = (meeting.deal,) if meeting.deal else ()
            task = self._plan(meeting.id, meeting.title, meeting.user, made, None, MEETING, *deals)
            if meeting.held_at is not None:
                account.finish_task(task, _seconds(meeting.held_at))
        for call in world.calls:
            note = account.add_call(
                self._user(call.user), _seconds(call.ended_at), call.seconds, incoming=call.incoming,
                status=4 if call.seconds else 6, entity=("leads", int(call.deal)) if call.deal else ("contacts", 5),
            )  # fmt: skip
            _renumber(account.notes, note, int(call.id))
        for company in world.companies:
            at = _seconds(company.created_at)
            creator, owner = self._user(company.creator), self._user(company.owner)
            row = Company(int(company.id), company.title, at, creator, History(at, owner), at)
            account.companies[row.id] = row
        for comment in world.comments:
            kind = "common" if comment.human else "service_message"
            by = self._user(comment.user) if comment.human else 0
            note = account.add_note(("leads", int(comment.deal)), _seconds(comment.created_at), kind=kind, by=by)
            _renumber(account.notes, note, int(comment.id))


def _renumber(notes: dict[int, Note], note: Note, key: int) -> None:
    del notes[note.id]
    note.id = key
    notes[key] = note


def _seconds(instant: datetime) -> int:
    return int(instant.timestamp())
