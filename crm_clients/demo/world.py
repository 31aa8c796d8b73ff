"""Hold all that happens in the made-up company: deals, calls, meetings and companies.

Everything follows from the seed, the manager and the day, so any instant, past or future, can be asked for in any
order and always shows the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from crm_clients.demo.deal_life import DealLife
from crm_clients.demo.deal_simulation import DealSimulation
from crm_clients.demo.department import Department
from crm_clients.demo.dice import Dice
from crm_clients.demo.names import CLIENTS, number_of, record_id
from scoring.phone_numbers import last_digits
from scoring.records import Call, DealState, Meeting

LOOKBACK = timedelta(days=280)
"""No deal lives longer."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class NewCompany:
    """Hold a company with creator and owner."""

    id: str
    title: str
    creator: str
    owner: str
    created_at: datetime


class World:
    """Hold all that ever happens, by manager and day."""

    def __init__(self, department: Department) -> None:
        self.department = department
        self._seed = department.seed
        self._lives: dict[tuple[str, date], list[DealLife]] = {}
        self._calls: dict[tuple[str, date], list[Call]] = {}
        self._meetings: dict[tuple[str, date], list[tuple[str, Meeting]]] = {}
        self._companies: dict[tuple[str, date], list[NewCompany]] = {}

    # By span

    def lives(self, start: datetime, moment: datetime) -> Iterator[DealLife]:
        """Yield the deals that were in work at `start` or later, and exist at `moment`."""
        for life in self._days(self._lives, self._deals_of, start - LOOKBACK, moment):
            last = life.moves[-1]
            if life.deal.created_at < moment and (last.state is DealState.OPEN or last.at >= start):
                yield life

    def calls(self, start: datetime, moment: datetime) -> Iterator[Call]:
        """Yield the calls that ended in the span."""
        return (call for call in self._days(self._calls, self._calls_of, start, moment) if call.ended_at < moment)

    def meetings(self, start: datetime, moment: datetime) -> Iterator[tuple[str, Meeting]]:
        """Yield the meetings held in the span, each with a type."""
        for kind, meeting in self._days(self._meetings, self._meetings_of, start, moment):
            if meeting.held_at is not None and meeting.held_at < moment:
                yield kind, meeting

    def companies(self, start: datetime, moment: datetime) -> Iterator[NewCompany]:
        """Yield the companies created in the span."""
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
        """Yield the results of `make` for every manager and day of the span, worked out once."""
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
            client = dice.pick(CLIENTS)
            title = f"{'Входящий' if incoming else 'Исходящий'}: {client}, {last_digits(number_of(client))}"
            ended = self.department.at(day, dice.between(555, 1070), dice.between(0, 59))
            calls.append(Call(record_id(day, user, f"{number:02}"), title, user, ended, seconds, incoming, seconds > 0))
        return calls

    def _meetings_of(self, user: str, day: date) -> list[tuple[str, Meeting]]:
        dice = Dice(self._seed, user, day, "meetings")
        held = dice.between(1, 2) if self.department.keeps(user, day, "meetings") else int(dice.chance(0.1))
        meetings = []
        for number in range(held):
            at = self.department.at(day, dice.between(630, 1065))
            title = f"Встреча: {dice.pick(CLIENTS)}"
            kind = "meeting" if dice.chance(0.7) else "online"
            meetings.append(
                (kind, Meeting(record_id(day, user, str(number)), title, user, at, at - timedelta(minutes=45)))
            )
        return meetings

    def _companies_of(self, user: str, day: date) -> list[NewCompany]:
        dice = Dice(self._seed, user, day, "companies")
        added = dice.between(1, 3) if self.department.keeps(user, day, "companies") else int(dice.chance(0.1))
        everybody = tuple(self.department.managers())
        return [
            NewCompany(
                record_id(day, user, str(number)),
                f"{dice.pick(CLIENTS)} {dice.between(2, 99)}",
                user,
                user if dice.chance(0.9) else dice.pick(everybody),
                self.department.at(day, dice.between(550, 1070)),
            )
            for number in range(added)
        ]

    # Deals

    def _deals_of(self, user: str, day: date) -> list[DealLife]:
        dice = Dice(self._seed, user, day, "deals")
        number = 2 if dice.chance(0.1) else int(dice.chance(0.42))
        return [DealSimulation(self.department, user, day, index).life for index in range(number)]
