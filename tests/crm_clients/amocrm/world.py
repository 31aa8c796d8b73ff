"""A made-up amoCRM account with its whole past."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from zoneinfo import ZoneInfo

from tests.crm_clients.amocrm.account_rows import (
    LOST,
    MEETING,
    WON,
    Company,
    Event,
    History,
    Lead,
    Note,
    Row,
    Stage,
    Task,
    User,
)


class World:
    """The account: what is in it now, and what was."""

    def __init__(self, zone: str = "Europe/Moscow", currency: str = "RUB") -> None:
        self.zone = ZoneInfo(zone)
        self.currency = currency
        self.version = 0
        self.users: dict[int, User] = {}
        self.groups: dict[int, str] = {0: "Отдел продаж"}
        self.pipelines: dict[int, list[Stage]] = {}
        self.archived: set[int] = set()
        """Funnels that amoCRM shows to nobody."""
        self.task_types: list[Row] = [
            {"id": 1, "name": "Связаться", "color": None, "icon_id": None, "code": "FOLLOW_UP"},
            {"id": MEETING, "name": "Встреча", "color": None, "icon_id": None, "code": "MEETING"},
        ]
        self.loss_reasons: dict[int, str] = {}
        self.lead_fields: list[Row] = []
        self.leads: dict[int, Lead] = {}
        self.tasks: dict[int, Task] = {}
        self.companies: dict[int, Company] = {}
        self.notes: dict[int, Note] = {}
        self.events: list[Event] = []
        self.open_tasks: dict[int, set[int]] = defaultdict(set)
        """Ids of open tasks by lead."""
        self._next = 20_000_001

    # What people do

    def next_id(self) -> int:
        self._next += 1
        return self._next

    def _event(
        self, kind: str, entity: str, entity_id: int, by: int, at: int, before: list[Row], after: list[Row]
    ) -> None:
        number = len(self.events)
        self.events.append(Event(f"01fake{number:020d}", kind, entity, entity_id, by, at, before, after))

    def add_pipeline(self, pipeline: int, stages: list[Stage]) -> None:
        self.pipelines[pipeline] = [*stages, Stage(WON, "Успешно реализовано"), Stage(LOST, "Закрыто и не реализовано")]

    def add_user(self, user: User) -> User:
        self.users[user.id] = user
        return user

    def add_lead(
        self,
        owner: int,
        at: int,
        stage: tuple[int, int],
        *,
        name: str = "Сделка",
        price: int | None = 1000,
        by: int | None = None,
        fields: dict[str, Any] | None = None,
    ) -> Lead:
        self.version += 1
        by = owner if by is None else by
        lead = Lead(
            self.next_id(), name, at, by, History(at, stage), History(at, owner), History(at, price),
            History(at, None), History(at, dict(fields or {})), at, at if stage[1] in (WON, LOST) else None,
        )  # fmt: skip
        self.leads[lead.id] = lead
        self._event("lead_added", "lead", lead.id, by, at, [], [{"note": {"id": self.next_id()}}])
        return lead

    def move_lead(self, lead: Lead, at: int, stage: tuple[int, int], *, reason: int | None = None, by: int = 0) -> None:
        self.version += 1
        was = lead.stage.last
        lead.stage.put(at, stage)
        lead.updated_at = at
        if stage[1] not in (WON, LOST):
            lead.closed_at = None
        elif was[1] != stage[1] or was[0] != stage[0]:
            lead.closed_at = at
        if stage[1] == LOST or lead.reason.last is not None:
            lead.reason.put(at, reason if stage[1] == LOST else None)
        self._event(
            "lead_status_changed", "lead", lead.id, by, at,
            [{"lead_status": {"id": was[1], "pipeline_id": was[0]}}],
            [{"lead_status": {"id": stage[1], "pipeline_id": stage[0]}}],
        )  # fmt: skip

    def give_lead(self, lead: Lead, at: int, owner: int) -> None:
        self.version += 1
        self._responsible("lead", lead, at, owner)

    def give_task(self, task: Task, at: int, owner: int) -> None:
        self.version += 1
        self._responsible("task", task, at, owner)

    def give_company(self, company: Company, at: int, owner: int) -> None:
        self.version += 1
        self._responsible("company", company, at, owner)

    def _responsible(self, kind: str, thing: Lead | Task | Company, at: int, owner: int) -> None:
        was = thing.owner.last
        thing.owner.put(at, owner)
        thing.updated_at = at
        self._event(
            "entity_responsible_changed", kind, thing.id, owner, at,
            [{"responsible_user": {"id": was}}], [{"responsible_user": {"id": owner}}],
        )  # fmt: skip

    def price_lead(self, lead: Lead, at: int, price: int | None) -> None:
        self.version += 1
        was = lead.price.last
        lead.price.put(at, price)
        lead.updated_at = at
        self._event(
            "sale_field_changed", "lead", lead.id, lead.owner.last, at,
            [{"sale_field_value": {"sale": was}}], [{"sale_field_value": {"sale": price}}],
        )  # fmt: skip

    def fill_lead(self, lead: Lead, at: int, **fields: Any) -> None:
        self.version += 1
        lead.fields.put(at, {**lead.fields.last, **fields})
        lead.updated_at = at
        for name in fields:
            kind = f"custom_field_{name if name.isdigit() else 77002}_value_changed"
            self._event(kind, "lead", lead.id, lead.owner.last, at, [], [])

    def delete_lead(self, lead: Lead, at: int, *, silently: bool = False) -> None:
        self.version += 1
        lead.deleted = True
        lead.updated_at = at
        if not silently:
            self._event("lead_deleted", "lead", lead.id, 0, at, [], [])

    def add_task(
        self,
        owner: int,
        at: int,
        due: int,
        lead: Lead | None = None,
        *,
        type_id: int = 1,
        text: str = "Позвонить",
        entity: tuple[str, int] | None = None,
        by: int | None = None,
    ) -> Task:
        self.version += 1
        bound = ("leads", lead.id) if lead else entity
        task = Task(
            self.next_id(), text, bound[0] if bound else None, bound[1] if bound else None, type_id, at,
            owner if by is None else by, History(at, owner), History(at, due), History(at, value=False), at,
        )  # fmt: skip
        self.tasks[task.id] = task
        if lead:
            self.open_tasks[lead.id].add(task.id)
        self._event("task_added", "task", task.id, task.created_by, at, [], [])
        return task

    def finish_task(self, task: Task, at: int, by: int | None = None) -> None:
        self.version += 1
        task.done.put(at, value=True)
        task.updated_at = at
        self._forget_open(task)
        self._event("task_completed", "task", task.id, task.owner.last if by is None else by, at, [], [])

    def reopen_task(self, task: Task, at: int) -> None:
        """Undone in the interface; amoCRM writes no event of it."""
        self.version += 1
        task.done.put(at, value=False)
        task.updated_at = at
        if task.entity_type == "leads" and task.entity_id is not None:
            self.open_tasks[task.entity_id].add(task.id)

    def postpone_task(self, task: Task, at: int, due: int) -> None:
        self.version += 1
        was = task.due.last
        task.due.put(at, due)
        task.updated_at = at
        self._event(
            "task_deadline_changed", "task", task.id, task.owner.last, at,
            [{"task_deadline": {"timestamp": was}}], [{"task_deadline": {"timestamp": due}}],
        )  # fmt: skip

    def delete_task(self, task: Task, at: int, *, silently: bool = False) -> None:
        self.version += 1
        task.deleted = True
        self._forget_open(task)
        if not silently:
            self._event("task_deleted", "task", task.id, 0, at, [], [])

    def _forget_open(self, task: Task) -> None:
        if task.entity_type == "leads" and task.entity_id is not None:
            self.open_tasks[task.entity_id].discard(task.id)

    def add_company(self, owner: int, at: int, *, name: str = "ООО Ромашка", by: int | None = None) -> Company:
        self.version += 1
        company = Company(self.next_id(), name, at, owner if by is None else by, History(at, owner), at)
        self.companies[company.id] = company
        self._event("company_added", "company", company.id, company.created_by, at, [], [])
        return company

    def add_note(
        self,
        entity: tuple[str, int],
        at: int,
        *,
        kind: str = "common",
        by: int = 0,
        responsible: int | None = None,
        params: dict[str, Any] | None = None,
        updated_at: int | None = None,
    ) -> Note:
        self.version += 1
        note = Note(
            self.next_id(), entity[0], entity[1], kind, by, by if responsible is None else responsible, at,
            updated_at or at, params or {"text": "Договорились"},
        )  # fmt: skip
        self.notes[note.id] = note
        singular = {"leads": "lead", "contacts": "contact", "companies": "company"}[entity[0]]
        name = {"common": "common_note_added", "call_in": "incoming_call", "call_out": "outgoing_call"}.get(kind)
        if name:
            self._event(name, singular, entity[1], by, at, [], [{"note": {"id": note.id}}])
        return note

    def add_call(
        self,
        responsible: int,
        at: int,
        seconds: int | str | None,
        *,
        incoming: bool = False,
        status: int | None = 4,
        uniq: str | None = None,
        entity: tuple[str, int] = ("contacts", 7),
        **more: Any,
    ) -> Note:
        params: dict[str, Any] = {"uniq": uniq, "duration": seconds, "source": "pbx", "phone": "+79990000000", **more}
        if status is not None:
            params["call_status"] = status
        return self.add_note(
            entity,
            at,
            kind="call_in" if incoming else "call_out",
            by=responsible,
            responsible=responsible,
            params=params,
        )
