"""Live a made-up deal through: worked out at once from the seed, the manager and the first day."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from crm_clients.demo.deal_life import FIELDS, NEW, REPEAT, DealLife, Move, PlannedTask
from crm_clients.demo.department import Department
from crm_clients.demo.dice import Dice
from crm_clients.demo.names import CLIENTS, GOODS, LOSS_REASONS, NEXT_STEPS, record_id
from scoring.records import Deal, DealState, Money, Task


class DealSimulation:
    """Live a deal through from the first day to the last."""

    def __init__(self, department: Department, user: str, day: date, index: int) -> None:
        self._department = department
        self._user = user
        self._dice = Dice(department.seed, user, day, "deal", index)
        created = department.at(day, self._dice.between(560, 1020), self._dice.between(0, 59))
        abroad = self._dice.chance(0.05)
        amount = Decimal(self._dice.between(4, 240)) * (100 if abroad else 5000)
        self._client = self._dice.pick(CLIENTS)
        self.life = DealLife(
            Deal(
                id=record_id(day, user, str(index)),
                title=f"{self._dice.pick(GOODS)} — {self._client}",
                manager=user,
                state=DealState.OPEN,
                created_at=created,
                pipeline=NEW if self._dice.chance(0.75) else REPEAT,
                amount=Money(amount, "USD" if abroad else "RUB") if self._dice.chance(0.94) else None,
            ),
            [Move(created, DealState.OPEN)],
        )
        self._fill_in(created)
        end = self._work(created, self._dice.between(2, 8))
        self._close(end, won=self._dice.chance(0.45))
        if self.life.moves[-1].state is DealState.LOST and self._dice.chance(0.12):
            self._reopen(end)

    def _fill_in(self, created: datetime) -> None:
        day = self._day(created)
        for name in FIELDS:
            careful = self._department.keeps(self._user, day, "fields") or self._dice.chance(0.6)
            late = timedelta(minutes=1) if careful else timedelta(days=self._dice.between(1, 30))
            self.life.filled[name] = created + late

    def _work(self, now: datetime, steps: int) -> datetime:
        """Do task after task; return the instant at which the last task is done."""
        for _ in range(steps):
            now = self._step(now)
            if self._department.keeps(self._user, self._day(now), "comment") or self._dice.chance(0.5):
                self.life.comments.append(now)
            if self._dice.chance(0.5):
                self.life.moves.append(Move(now + timedelta(seconds=30), DealState.OPEN))
            if now - self.life.deal.created_at > timedelta(days=80):
                break
        return now + timedelta(minutes=1)

    def _step(self, now: datetime) -> datetime:
        """Plan the next task (or forget to) and do the task (in time or not); return the instant of doing."""
        created = self._planned(now)
        due = self._day(created)
        for _ in range(self._dice.between(1, 5)):
            due = self._department.next_workday(due)
        deadline: datetime | date = self._department.at(due, 30 * self._dice.between(20, 34))
        if self._dice.chance(0.15):
            deadline = due
        title = f"{self._dice.pick(NEXT_STEPS)}: {self._client}"
        number = f"{self.life.deal.id}{len(self.life.tasks):02}"
        deals = frozenset({self.life.deal.id})
        done = self._done(due)
        self.life.tasks.append(
            PlannedTask(Task(number, title, self._user, deadline, created, deals=deals), created, done)
        )
        return done

    def _planned(self, now: datetime) -> datetime:
        """Choose when the deal gets the next task: at once, or on the first later day of tidying up."""
        day = self._day(now)
        if self._department.keeps(self._user, day, "plan") or self._dice.chance(0.6):
            return now + timedelta(minutes=self._dice.between(2, 9))
        for _ in range(5):
            day = self._department.next_day(self._user, day)
            if self._department.keeps(self._user, day, "plan"):
                break
        return self._tidying(day)

    def _done(self, due: date) -> datetime:
        """Choose when a task is done: on the due day, late in the evening, or on a day of tidying up."""
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
        """Choose an instant before the evening: now and then in the half hour before six."""
        last = 1068 if self._dice.chance(0.15) else 1045
        return self._department.at(day, self._dice.between(570, last), self._dice.between(0, 59))

    def _close(self, at: datetime, *, won: bool) -> None:
        if won:
            self.life.moves.append(Move(at, DealState.WON))
            return
        named = self._department.keeps(self._user, self._day(at), "reason") or self._dice.chance(0.6)
        self.life.moves.append(Move(at, DealState.LOST, self._dice.pick(LOSS_REASONS) if named else ""))

    def _reopen(self, lost_at: datetime) -> None:
        """Let the client come back some days later."""
        day = self._day(lost_at)
        for _ in range(self._dice.between(1, 4)):
            day = self._department.next_day(self._user, day)
        again = self._tidying(day)
        self.life.moves.append(Move(again, DealState.OPEN))
        self._close(self._work(again, self._dice.between(1, 3)), won=self._dice.chance(0.7))

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._department.zone).date()
