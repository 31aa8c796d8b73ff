"""What happens in the made-up company: every deal, task, call and meeting with its whole history.

A deal's life is worked out at once from the seed, the manager and the day it began, so any instant, past or future,
can be asked for in any order and always shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from crm_clients.demo.department import Department, Dice
from scoring.records import Call, Comment, Deal, DealState, Meeting, Money, Task

LOOKBACK = timedelta(days=280)
"""No deal lives longer."""

FIELDS = ("source", "budget")
"""What the made-up CRM itself requires of a deal."""

_CLIENTS = (
    "Ромашка-Пример", "Василёк-Образец", "Тест-Снаб", "Пример-Строй", "Образец-Торг", "Берёзка-Пример", "Макет-Сервис",
    "Учебный завод", "Эскиз и сыновья", "Пробная верфь", "Модель-Агро", "Шаблон-Логистик", "Черновик-Мебель",
    "Вымысел-Пласт", "Незабудка-Тест", "Сказка-Фарм",
)  # fmt: skip
_GOODS = (
    "Поставка фильтров", "Монтаж вентиляции", "Насосы <5 кВт", "Договор на обслуживание", "Складские стеллажи",
    "Кабель и щиты", "Спецодежда на год", "Упаковочная линия", "Пусконаладка", "Аренда погрузчика", "Замена котла",
    "Партия подшипников",
)  # fmt: skip
_NEXT_STEPS = (
    "Позвонить", "Отправить предложение", "Согласовать договор", "Уточнить сроки", "Напомнить об оплате",
    "Подготовить смету", "Договориться о встрече", "Выслать образцы",
)  # fmt: skip
_REASONS = ("Дорого", "Выбрали другого", "Нет потребности", "Отложили на год", "Не выходит на связь")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Change:
    """A deal moved: to another stage, to won or lost, or back to work."""

    at: datetime
    state: DealState
    loss_reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """A task of a deal."""

    task: Task
    created_at: datetime
    done_at: datetime


@dataclass(slots=True)
class Story:
    """A deal's whole life."""

    deal: Deal
    """As it was created."""
    changes: list[Change] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    comments: list[datetime] = field(default_factory=list)
    filled: dict[str, datetime] = field(default_factory=dict)
    """When a required field was filled."""

    def deal_at(self, moment: datetime, required: Iterable[str]) -> Deal | None:
        """The deal as the CRM shows it just before `moment`; None if it does not exist yet."""
        past = [change for change in self.changes if change.at < moment]
        if not past:
            return None
        last = past[-1]
        closed = last.state is not DealState.OPEN
        return Deal(
            id=self.deal.id,
            title=self.deal.title,
            manager=self.deal.manager,
            state=last.state,
            created_at=self.deal.created_at,
            pipeline=self.deal.pipeline,
            closed_at=last.at if closed else None,
            stage_since=last.at,
            amount=self.deal.amount,
            loss_reason=last.loss_reason,
            missing_fields=tuple(name for name in required if name in FIELDS and not self._has(name, moment)),
            reopened=closed and sum(change.state is not DealState.OPEN for change in past) > 1,
        )

    def _has(self, name: str, moment: datetime) -> bool:
        return name in self.filled and self.filled[name] < moment

    def tasks_at(self, moment: datetime) -> Iterator[Task]:
        """Its tasks that are open just before `moment`."""
        return (step.task for step in self.steps if step.created_at < moment <= step.done_at)

    def comments_at(self, moment: datetime) -> Iterator[Comment]:
        """Its comments up to `moment`."""
        return (Comment(self.deal.id, at) for at in self.comments if at < moment)


@dataclass(frozen=True, slots=True)
class NewCompany:
    """A company, with who entered it and whose it is."""

    id: str
    title: str
    creator: str
    owner: str
    created_at: datetime


class World:
    """All that ever happens, by manager and day."""

    def __init__(self, department: Department) -> None:
        self.department = department
        self._seed = department.seed
        self._stories: dict[tuple[str, date], list[Story]] = {}
        self._calls: dict[tuple[str, date], list[Call]] = {}
        self._meetings: dict[tuple[str, date], list[tuple[str, Meeting]]] = {}
        self._companies: dict[tuple[str, date], list[NewCompany]] = {}

    # By span

    def stories(self, start: datetime, moment: datetime) -> Iterator[Story]:
        """Deals that were in work at `start` or later, and exist at `moment`."""
        for story in self._days(self._stories, self._deals_of, start - LOOKBACK, moment):
            last = story.changes[-1]
            if story.deal.created_at < moment and (last.state is DealState.OPEN or last.at >= start):
                yield story

    def calls(self, start: datetime, moment: datetime) -> Iterator[Call]:
        """Calls that ended in the span."""
        return (call for call in self._days(self._calls, self._calls_of, start, moment) if call.ended_at < moment)

    def meetings(self, start: datetime, moment: datetime) -> Iterator[tuple[str, Meeting]]:
        """Meetings held in the span, with their type."""
        for kind, meeting in self._days(self._meetings, self._meetings_of, start, moment):
            if meeting.held_at is not None and meeting.held_at < moment:
                yield kind, meeting

    def companies(self, start: datetime, moment: datetime) -> Iterator[NewCompany]:
        """Companies created in the span."""
        return (
            row for row in self._days(self._companies, self._companies_of, start, moment) if row.created_at < moment
        )

    def _days(
        self,
        kept: dict[tuple[str, date], list[T]],
        make: Callable[[str, date], list[T]],
        start: datetime,
        moment: datetime,
    ) -> Iterator[T]:
        """What `make` gives for every manager and day of the span, worked out once."""
        zone = self.department.zone
        day, last = start.astimezone(zone).date(), moment.astimezone(zone).date()
        while day <= last:
            for user in self.department.managers():
                if (user, day) not in kept:
                    kept[user, day] = make(user, day) if self.department.works(user, day) else []
                yield from kept[user, day]
            day += timedelta(days=1)

    # Events

    def _calls_of(self, user: str, day: date) -> list[Call]:
        dice = Dice(self._seed, user, day, "calls")
        held = dice.between(11, 22) if self.department.keeps(user, day, "calls") else dice.between(3, 9)
        talks = [dice.between(31, 600) for _ in range(held)]
        talks += [dice.between(5, 29) for _ in range(dice.between(0, 2))]
        unanswered = [0] * dice.between(1, 5)
        calls = []
        for number, seconds in enumerate(talks + unanswered):
            incoming = dice.chance(0.3) if seconds else dice.chance(0.2)
            title = f"{'Входящий' if incoming else 'Исходящий'}: {dice.pick(_CLIENTS)}"
            ended = self.department.at(day, dice.between(555, 1070), dice.between(0, 59))
            calls.append(Call(_id(day, user, f"{number:02}"), title, user, ended, seconds, incoming, seconds > 0))
        return calls

    def _meetings_of(self, user: str, day: date) -> list[tuple[str, Meeting]]:
        dice = Dice(self._seed, user, day, "meetings")
        held = dice.between(1, 2) if self.department.keeps(user, day, "meetings") else int(dice.chance(0.1))
        meetings = []
        for number in range(held):
            at = self.department.at(day, dice.between(630, 1065))
            title = f"Встреча: {dice.pick(_CLIENTS)}"
            kind = "meeting" if dice.chance(0.7) else "online"
            meetings.append((kind, Meeting(_id(day, user, str(number)), title, user, at, at - timedelta(minutes=45))))
        return meetings

    def _companies_of(self, user: str, day: date) -> list[NewCompany]:
        dice = Dice(self._seed, user, day, "companies")
        added = dice.between(1, 3) if self.department.keeps(user, day, "companies") else int(dice.chance(0.1))
        everybody = tuple(self.department.managers())
        return [
            NewCompany(
                _id(day, user, str(number)),
                f"{dice.pick(_CLIENTS)} {dice.between(2, 99)}",
                user,
                user if dice.chance(0.9) else dice.pick(everybody),
                self.department.at(day, dice.between(550, 1070)),
            )
            for number in range(added)
        ]

    # Deals

    def _deals_of(self, user: str, day: date) -> list[Story]:
        dice = Dice(self._seed, user, day, "deals")
        number = 2 if dice.chance(0.1) else int(dice.chance(0.42))
        return [_Life(self.department, user, day, index).story for index in range(number)]


class _Life:
    """Lives a deal through from its first day to its last."""

    def __init__(self, department: Department, user: str, day: date, index: int) -> None:
        self._department = department
        self._user = user
        self._dice = Dice(department.seed, user, day, "deal", index)
        created = department.at(day, self._dice.between(560, 1020), self._dice.between(0, 59))
        abroad = self._dice.chance(0.05)
        amount = Decimal(self._dice.between(4, 240)) * (100 if abroad else 5000)
        self.client = self._dice.pick(_CLIENTS)
        self.story = Story(
            Deal(
                id=_id(day, user, str(index)),
                title=f"{self._dice.pick(_GOODS)} — {self.client}",
                manager=user,
                state=DealState.OPEN,
                created_at=created,
                pipeline="new" if self._dice.chance(0.75) else "repeat",
                amount=Money(amount, "USD" if abroad else "RUB") if self._dice.chance(0.94) else None,
            ),
            [Change(created, DealState.OPEN)],
        )
        self._fill_in(created)
        end = self._work(created, self._dice.between(2, 8))
        self._close(end, won=self._dice.chance(0.45))
        if self.story.changes[-1].state is DealState.LOST and self._dice.chance(0.12):
            self._reopen(end)

    def _fill_in(self, created: datetime) -> None:
        day = self._day(created)
        for name in FIELDS:
            careful = self._department.keeps(self._user, day, "fields") or self._dice.chance(0.6)
            late = timedelta(minutes=1) if careful else timedelta(days=self._dice.between(1, 30))
            self.story.filled[name] = created + late

    def _work(self, now: datetime, steps: int) -> datetime:
        """Task after task; the instant the last one is done."""
        for _ in range(steps):
            now = self._step(now)
            if self._department.keeps(self._user, self._day(now), "comment") or self._dice.chance(0.5):
                self.story.comments.append(now)
            if self._dice.chance(0.5):
                self.story.changes.append(Change(now + timedelta(seconds=30), DealState.OPEN))
            if now - self.story.deal.created_at > timedelta(days=80):
                break
        return now + timedelta(minutes=1)

    def _step(self, now: datetime) -> datetime:
        """Plan the next task (or forget to), then do it (in time or not); the instant it is done."""
        created = self._planned(now)
        due = self._day(created)
        for _ in range(self._dice.between(1, 5)):
            due = self._department.next_workday(due)
        deadline: datetime | date = self._department.at(due, 30 * self._dice.between(20, 34))
        if self._dice.chance(0.15):
            deadline = due
        title = f"{self._dice.pick(_NEXT_STEPS)}: {self.client}"
        number = f"{self.story.deal.id}{len(self.story.steps):02}"
        deals = frozenset({self.story.deal.id})
        done = self._done(due)
        self.story.steps.append(Step(Task(number, title, self._user, deadline, created, deals=deals), created, done))
        return done

    def _planned(self, now: datetime) -> datetime:
        """When the deal gets its next task: at once, or on the first later day on which the manager tidies up."""
        day = self._day(now)
        if self._department.keeps(self._user, day, "plan") or self._dice.chance(0.6):
            return now + timedelta(minutes=self._dice.between(2, 9))
        for _ in range(5):
            day = self._department.next_day(self._user, day)
            if self._department.keeps(self._user, day, "plan"):
                break
        return self._tidying(day)

    def _done(self, due: date) -> datetime:
        """When a task is done: on its day, late in the evening of it, or when the manager tidies up."""
        works = self._department.works(self._user, due)
        day = due if works else self._department.next_day(self._user, due)
        for _ in range(6):
            if self._department.keeps(self._user, day, "tasks"):
                return self._tidying(day)
            if day == due and self._dice.chance(0.5):
                return self._tidying(day)
            if day == due and self._dice.chance(0.2):
                return self._department.at(day, self._dice.between(1085, 1180))
            day = self._department.next_day(self._user, day)
        return self._tidying(day)

    def _tidying(self, day: date) -> datetime:
        """Some time before the evening: now and then in the half hour before six."""
        last = 1068 if self._dice.chance(0.15) else 1045
        return self._department.at(day, self._dice.between(570, last), self._dice.between(0, 59))

    def _close(self, at: datetime, *, won: bool) -> None:
        if won:
            self.story.changes.append(Change(at, DealState.WON))
            return
        named = self._department.keeps(self._user, self._day(at), "reason") or self._dice.chance(0.6)
        self.story.changes.append(Change(at, DealState.LOST, self._dice.pick(_REASONS) if named else ""))

    def _reopen(self, lost_at: datetime) -> None:
        """The client came back some days later."""
        day = self._day(lost_at)
        for _ in range(self._dice.between(1, 4)):
            day = self._department.next_day(self._user, day)
        again = self._tidying(day)
        self.story.changes.append(Change(again, DealState.OPEN))
        self._close(self._work(again, self._dice.between(1, 3)), won=self._dice.chance(0.7))

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._department.zone).date()


def _id(day: date, user: str, number: str) -> str:
    """Digits only, as CRMs give them; unique within a kind."""
    return f"{day:%y%m%d}{user.zfill(4)}{number}"
