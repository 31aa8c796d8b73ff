"""A made-up amoCRM account with its whole past, and what each manager's KPIs must be in it.

Every field that can change keeps its history, so the expected numbers are computed from what was true at an instant,
not from what the API answers later: the oracle shares no code and no idea with the client under test.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

WON, LOST = 142, 143
UNSORTED = 1
"""`type` of the stage of incoming leads, which nobody has accepted yet."""
MEETING = 2

T = TypeVar("T")
Row = dict[str, Any]


class History(Generic[T]):
    """A value over time."""

    __slots__ = ("at", "values")

    def __init__(self, at: int, value: T) -> None:
        self.at = [at]
        self.values = [value]

    def put(self, at: int, value: T) -> None:
        assert at >= self.at[-1], "history runs forward"
        self.at.append(at)
        self.values.append(value)

    @property
    def last(self) -> T:
        return self.values[-1]

    def before(self, instant: int) -> T:
        """The value just before `instant`; the first one if there was none yet."""
        return self.values[max(bisect_left(self.at, instant) - 1, 0)]

    def steps(self, until: int) -> Iterator[tuple[int, T]]:
        for at, value in zip(self.at, self.values, strict=True):
            if at >= until:
                return
            yield at, value


@dataclass(slots=True)
class User:
    id: int
    name: str
    active: bool = True
    group: int | None = None
    admin: bool = False


@dataclass(slots=True)
class Lead:
    id: int
    name: str
    created_at: int
    created_by: int
    stage: History[tuple[int, int]]
    owner: History[int]
    price: History[int | None]
    reason: History[int | None]
    fields: History[dict[str, Any]]
    updated_at: int
    closed_at: int | None = None
    deleted: bool = False


@dataclass(slots=True)
class Task:
    id: int
    text: str
    entity_type: str | None
    entity_id: int | None
    type_id: int
    created_at: int
    created_by: int
    owner: History[int]
    due: History[int]
    done: History[bool]
    updated_at: int
    deleted: bool = False


@dataclass(slots=True)
class Company:
    id: int
    name: str
    created_at: int
    created_by: int
    owner: History[int]
    updated_at: int
    deleted: bool = False


@dataclass(slots=True)
class Note:
    id: int
    entity_type: str
    entity_id: int
    type: str
    created_by: int
    responsible: int
    created_at: int
    updated_at: int
    params: dict[str, Any]
    deleted: bool = False


@dataclass(slots=True)
class Event:
    id: str
    type: str
    entity_type: str
    entity_id: int
    created_by: int
    created_at: int
    before: list[Row]
    after: list[Row]


@dataclass(slots=True)
class Stage:
    id: int
    name: str
    type: int = 0


@dataclass(slots=True)
class Expectation:
    """What the oracle is asked."""

    start: int
    cutoff: int
    companies_credit: str = "creator"
    meeting_types: frozenset[int] = frozenset({MEETING})
    required_fields: dict[str, list[str]] = field(default_factory=dict)
    min_call_seconds: int = 30
    stale_days: int = 14
    grace_hours: int = 24
    excluded_pipelines: frozenset[int] = frozenset()


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

    # What must be counted

    def expected(self, ask: Expectation) -> dict[int, dict[str, Any]]:
        """By user: the ids behind each KPI (or its number), from what was true just before the cutoff."""
        result: dict[int, dict[str, Any]] = defaultdict(lambda: defaultdict(set))
        self._expect_leads(ask, result)
        self._expect_tasks(ask, result)
        self._expect_calls(ask, result)
        for company in self.companies.values():
            if ask.start <= company.created_at < ask.cutoff and not company.deleted:
                who = company.created_by if ask.companies_credit == "creator" else company.owner.before(ask.cutoff)
                result[who]["companies_added"].add(company.id)
        return result

    def _expect_leads(self, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
        cut = ask.cutoff
        unsorted = {stage.id for stages in self.pipelines.values() for stage in stages if stage.type == UNSORTED}
        with_task = {
            task.entity_id for task in self.tasks.values()
            if task.entity_type == "leads" and task.created_at < cut and not task.deleted and not task.done.before(cut)
        }  # fmt: skip
        commented = {
            note.entity_id for note in self.notes.values()
            if note.entity_type == "leads" and note.type == "common" and note.created_by and note.created_at < cut
            and not note.deleted
        }  # fmt: skip
        for lead in self.leads.values():
            if lead.deleted or lead.created_at >= cut:
                continue
            pipeline, status = lead.stage.before(cut)
            if pipeline in ask.excluded_pipelines or status in unsorted:
                continue
            mine = result[lead.owner.before(cut)]
            if status in (WON, LOST):
                self._expect_closed(ask, lead, mine)
                continue
            mine["deals_open"].add(lead.id)
            if lead.id not in with_task:
                mine["deals_without_task"].add(lead.id)
            if lead.id not in commented and lead.created_at < cut - ask.grace_hours * 3600:
                mine["deals_without_comment"].add(lead.id)
            needed = [*ask.required_fields.get("*", []), *ask.required_fields.get(str(pipeline), [])]
            if any(lead.fields.before(cut).get(name) in (None, "", []) for name in needed):
                mine["deals_missing_fields"].add(lead.id)
            limit = cut - ask.stale_days * 86400
            entered = max(at for at, _ in _entries(lead.stage, cut))
            if lead.created_at < limit and entered < limit:
                mine["stale_deals"].add(lead.id)

    def _expect_closed(self, ask: Expectation, lead: Lead, mine: dict[str, Any]) -> None:
        """Won or lost counts when the state (not the stage) was entered within the window."""
        states: list[tuple[int, str]] = []
        for at, (_, status) in lead.stage.steps(ask.cutoff):
            state = {WON: "won", LOST: "lost"}.get(status, "open")
            if not states or states[-1][1] != state:
                states.append((at, state))
        entered, state = states[-1]
        if not ask.start <= entered < ask.cutoff:
            return
        if state == "won":
            mine["deals_won"].add(lead.id)
            mine["won_amount"] = (mine["won_amount"] or 0) + (lead.price.before(ask.cutoff) or 0)
            return
        mine["deals_lost"].add(lead.id)
        if lead.reason.before(ask.cutoff) is None:
            mine["lost_without_reason"].add(lead.id)

    def _expect_tasks(self, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
        for task in self.tasks.values():
            if task.deleted or task.created_at >= ask.cutoff:
                continue
            mine = result[task.owner.before(ask.cutoff)]
            if not task.done.before(ask.cutoff):
                if self._is_past(task.due.before(ask.cutoff), ask.cutoff):
                    mine["overdue_tasks"].add(task.id)
                continue
            finished = [at for at, done in task.done.steps(ask.cutoff) if done]
            if task.type_id in ask.meeting_types and ask.start <= finished[-1]:
                mine["meetings_held"].add(task.id)

    def _is_past(self, due: int, cutoff: int) -> bool:
        """23:59 is shown as "all day" and lasts until midnight of the account's zone."""
        local = datetime.fromtimestamp(due, self.zone)
        if (local.hour, local.minute) == (23, 59):
            midnight = (local + timedelta(days=1)).replace(hour=0, minute=0, second=0)
            return cutoff >= int(midnight.timestamp())
        return due < cutoff

    def _expect_calls(self, ask: Expectation, result: dict[int, dict[str, Any]]) -> None:
        once: dict[str, Note] = {}
        order = {"leads": 0, "contacts": 1, "companies": 2}
        for note in sorted(self.notes.values(), key=lambda note: (order[note.entity_type], note.id)):
            if note.type in ("call_in", "call_out") and not note.deleted:
                once.setdefault(note.params.get("uniq") or f"note-{note.id}", note)
        for note in once.values():
            seconds = int(note.params.get("duration") or 0)
            if not ask.start <= min(note.created_at + seconds, note.updated_at) < ask.cutoff:
                continue
            mine = result[note.responsible]
            status = note.params.get("call_status")
            talked = status == 4 or seconds >= 60 or (seconds > 0 and status not in (1, 5, 6, 7))
            if talked and seconds >= ask.min_call_seconds:
                mine["calls_held"].add(note.id)
                mine["talk_seconds"] = (mine["talk_seconds"] or 0) + seconds
            elif not talked and note.type == "call_in":
                mine["missed_calls"].add(note.id)


def _entries(stage: History[tuple[int, int]], until: int) -> list[tuple[int, tuple[int, int]]]:
    """When each stage was entered; staying where one is enters nothing."""
    entries: list[tuple[int, tuple[int, int]]] = []
    for at, value in stage.steps(until):
        if not entries or entries[-1][1] != value:
            entries.append((at, value))
    return entries


NASTY_NAMES = (
    "", " ", "=cmd|'/c calc'!A1", "<b>Жирный & «кавычки»</b>", "Очень длинное название " * 12,
    "👩‍💻 сделка\nс переводом строки", "O'Brien \"Ltd\"", "00123", "null", "Ё" * 255,
)  # fmt: skip


@dataclass(slots=True)
class Scale:
    """How big a made-up account is, and how much of it is nasty."""

    managers: int = 12
    leads: int = 600
    seed: int = 7
    start: int = int(datetime(2026, 11, 18, 15, tzinfo=UTC).timestamp())
    cutoff: int = int(datetime(2026, 11, 19, 15, tzinfo=UTC).timestamp())
    late: int = 0
    """Seconds of ordinary life after the cutoff, before anybody reads."""


def build_world(scale: Scale) -> tuple[World, list[int]]:
    """An account with a past, and the users who are scored. Same seed, same account."""
    rnd = random.Random(scale.seed)
    world = World()
    world.add_pipeline(
        3100, [Stage(3101, "Неразобранное", UNSORTED), *(Stage(3110 + n, f"Этап {n}") for n in range(5))]
    )
    world.add_pipeline(3200, [Stage(3210 + n, f"Шаг {n}") for n in range(3)])
    world.add_pipeline(3300, [Stage(3310, "Подогрев")])
    world.loss_reasons = {501: "Дорого", 502: "Нет бюджета"}
    world.groups = {0: "Отдел продаж", 61: "Опт"}
    world.task_types.append({"id": 9001, "name": "Показ", "color": None, "icon_id": None, "code": None})
    world.lead_fields = [
        {"id": 77001, "name": "Источник", "code": None, "type": "text", "is_required": True},
        {"id": 77002, "name": "ИНН", "code": "INN", "type": "text", "is_required": False,
         "required_statuses": [{"pipeline_id": 3200, "status_id": 3211}]},
    ]  # fmt: skip
    world.add_user(User(1, "Администратор Интеграций", admin=True))
    managers = [
        world.add_user(User(100 + n, f"Менеджер {n:04d}", group=61 if n % 3 else 0)).id for n in range(scale.managers)
    ]
    world.add_user(User(99, "Уволенный Сотрудник", active=False))
    everybody = [*managers, 99, 0]
    _Builder(world, rnd, scale, managers, everybody).build()
    return world, managers


class _Builder:
    """Lets an account live from sixty days before the cutoff to `late` seconds after it."""

    def __init__(
        self, world: World, rnd: random.Random, scale: Scale, managers: list[int], everybody: list[int]
    ) -> None:
        self.world, self.rnd, self.scale, self.managers, self.everybody = world, rnd, scale, managers, everybody
        self.end = scale.cutoff + scale.late
        self.stages = [(3100, 3110 + n) for n in range(5)] + [(3200, 3210 + n) for n in range(3)]

    def who(self) -> int:
        return self.rnd.choice(self.managers if self.rnd.random() < 0.97 else self.everybody)

    def moment(self, since: int, until: int | None = None) -> int:
        """Mostly spread out, often exactly on a border: that is where off-by-one lives."""
        until = self.end if until is None else until
        if self.rnd.random() < 0.04:
            edge = self.rnd.choice([self.scale.start, self.scale.cutoff]) + self.rnd.choice([-1, 0, 1])
            if since <= edge <= until:
                return edge
        return self.rnd.randint(since, max(since, until))

    def build(self) -> None:
        for _ in range(self.scale.leads):
            self.lead()
        for _ in range(self.scale.managers * 6):
            self.loose_task()
            self.company()
        for _ in range(self.scale.managers * 25):
            self.call()

    def lead(self) -> None:
        rnd, world = self.rnd, self.world
        created = self.moment(self.scale.cutoff - 60 * 86400, self.end - 1)
        stage = (
            rnd.choice(self.stages) if rnd.random() < 0.95 else rnd.choice([(3100, 3101), (3300, 3310), (3100, LOST)])
        )
        name = f"Поставка {rnd.randint(1, 9999)}" if rnd.random() < 0.9 else rnd.choice(NASTY_NAMES)
        fields = {key: rnd.choice(["да", "", None]) for key in ("77001", "INN") if rnd.random() < 0.6}
        price = rnd.choice([None, 0, 1, rnd.randint(1, 10**7), 2**40])
        lead = world.add_lead(self.who(), created, stage, name=name, price=price, fields=fields)
        self.live(lead, created)
        for _ in range(rnd.choice([0, 0, 1, 1, 2])):
            self.lead_task(lead, created)
        if rnd.random() < 0.5:
            by = 0 if rnd.random() < 0.2 else self.who()
            kind = "common" if rnd.random() < 0.8 else "service_message"
            world.add_note(("leads", lead.id), self.moment(created), kind=kind, by=by)

    def live(self, lead: Lead, since: int) -> None:
        rnd, world = self.rnd, self.world
        recent = max(since, self.scale.start - 3600)
        for _ in range(rnd.choice([0, 0, 1, 2, 3])):
            since = self.moment(since if rnd.random() < 0.5 else max(since, min(recent, self.end)))
            chance = rnd.random()
            if chance < 0.45:
                world.move_lead(lead, since, rnd.choice(self.stages))
            elif chance < 0.6:
                world.move_lead(lead, since, (lead.stage.last[0], WON))
            elif chance < 0.75:
                reason = rnd.choice([None, 501, 502])
                world.move_lead(lead, since, (rnd.choice([3100, 3200]), LOST), reason=reason)
            elif chance < 0.9:
                world.give_lead(lead, since, self.who())
            else:
                world.price_lead(lead, since, rnd.choice([None, 0, rnd.randint(1, 10**6)]))

    def lead_task(self, lead: Lead, since: int) -> None:
        made = self.moment(since)
        self.task(self.world.add_task(self.who(), made, self.due(made), lead, type_id=self.rnd.choice([1, 1, 2, 9001])))

    def loose_task(self) -> None:
        made = self.moment(self.scale.cutoff - 20 * 86400)
        entity = self.rnd.choice([None, ("contacts", 5), ("companies", 6)])
        text = self.rnd.choice(["", "Отправить КП", "<i>Счёт</i>"])
        self.task(
            self.world.add_task(
                self.who(), made, self.due(made), text=text, entity=entity, type_id=self.rnd.choice([1, 2])
            )
        )

    def due(self, made: int) -> int:
        cut = self.scale.cutoff
        return self.rnd.choice(
            [cut - 1, cut, cut + 1, made, made + 86400, cut - 3 * 86400, cut + 5 * 86400, self.all_day()]
        )

    def all_day(self) -> int:
        local = datetime.fromtimestamp(self.scale.cutoff, self.world.zone) + timedelta(
            days=self.rnd.choice([-2, -1, 0, 1])
        )
        return int(local.replace(hour=23, minute=59, second=self.rnd.choice([0, 59])).timestamp())

    def task(self, task: Task) -> None:
        rnd, world = self.rnd, self.world
        at = task.created_at
        if rnd.random() < 0.3:
            at = self.moment(at)
            world.postpone_task(task, at, self.due(at))
        if rnd.random() < 0.15:
            at = self.moment(at)
            world.give_task(task, at, self.who())
        if rnd.random() < 0.5:
            world.finish_task(
                task, self.moment(max(at, min(self.scale.start - 7200, self.end))), by=rnd.choice([None, self.who(), 0])
            )

    def company(self) -> None:
        made = self.moment(self.scale.start - 86400)
        company = self.world.add_company(self.who(), made, by=self.rnd.choice([None, 0, self.who()]))
        if self.rnd.random() < 0.3:
            self.world.give_company(company, self.moment(made), self.who())

    def call(self) -> None:
        rnd = self.rnd
        at = self.moment(self.scale.start - 7200)
        uniq = f"call-{rnd.randint(1, 10**9)}" if rnd.random() < 0.8 else None
        entity = rnd.choice([("leads", rnd.choice(list(self.world.leads))), ("contacts", 5), ("companies", 6)])
        seconds: Any = rnd.choice([0, 0, 5, 29, 30, 31, 600, "45", None])
        status = rnd.choice([4, 4, 4, 6, 7, 8, None, 1, 2])
        if seconds is None and status not in (1, 6, 7):
            seconds = 0  # what proves nothing has tests of its own
        note = self.world.add_call(
            self.who(), at, seconds, incoming=rnd.random() < 0.5, status=status, uniq=uniq, entity=entity
        )
        if uniq and rnd.random() < 0.3:
            copy = self.world.add_note(
                ("contacts", 5), at, kind=note.type, by=note.created_by, responsible=note.responsible
            )
            copy.params = dict(note.params)
