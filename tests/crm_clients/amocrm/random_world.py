"""A big made-up amoCRM account that lives at random, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.crm_clients.amocrm.account_rows import LOST, UNSORTED, WON, Lead, Stage, Task, User
from tests.crm_clients.amocrm.world import World

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
