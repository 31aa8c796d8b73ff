"""Who works in the made-up company, and how carefully: a pure function of the seed and the date."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

import holidays

from crm_clients.base import CrmUser
from scoring.workdays import local_instant

T = TypeVar("T")

_SURNAMES = ("Примеров", "Образцов", "Тестов", "Макетов", "Шаблонов", "Эскизов", "Моделин", "Черновиков", "Вымыслов")
_WOMEN = ("Анна", "Вера", "Мария", "Елена", "Ольга", "Ирина", "Дарья", "Нина")
_MEN = ("Пётр", "Игорь", "Павел", "Сергей", "Олег", "Дмитрий", "Роман", "Антон")

SALES = "sales"
"""The department of all managers."""


class Dice:
    """Chance that falls the same way forever: only `random()` is the same in every version of Python."""

    def __init__(self, *names: object) -> None:
        self._random = random.Random("/".join(map(str, names))).random  # noqa: S311  # a made-up world, no secret

    def chance(self, probability: float) -> bool:
        """True that often."""
        return self._random() < probability

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self._random() * (high - low + 1))

    def spread(self, reach: float) -> float:
        """A number from −reach to +reach."""
        return (self._random() * 2 - 1) * reach

    def pick(self, choices: Sequence[T]) -> T:
        """One of them."""
        return choices[self.between(0, len(choices) - 1)]


@dataclass(frozen=True, slots=True)
class Persona:
    """How often a manager keeps a habit: with the CRM in order (`care`), with enough done (`energy`)."""

    care: float
    energy: float
    drift: float
    """How far both wander in `period` days and back."""
    period: int


_PERSONAS = (
    Persona(0.95, 0.93, 0.04, 60),
    Persona(0.93, 0.88, 0.05, 75),
    Persona(0.88, 0.86, 0.08, 50),
    Persona(0.74, 0.86, 0.12, 44),
    Persona(0.66, 0.68, 0.16, 70),
    Persona(0.42, 0.60, 0.14, 52),
    Persona(0.28, 0.46, 0.10, 64),
)
_HABITS_OF_CARE = frozenset({"tasks", "plan", "comment", "fields", "reason"})


def name_of(number: int) -> str:
    """A name that is plainly made up and reads naturally; no two managers share one."""
    pair, is_man = divmod(number, 2)
    names = _MEN if is_man else _WOMEN
    block, turn = divmod(pair, len(_SURNAMES))
    generation, shift = divmod(block, len(names))
    surname = _SURNAMES[number % len(_SURNAMES)] + ("" if is_man else "а")
    name = f"{names[(turn + shift) % len(names)]} {surname}"
    return f"{name} {generation + 1}" if generation else name


@dataclass(slots=True)
class Department:
    """The managers, their working days and their habits."""

    seed: int
    size: int
    zone: ZoneInfo
    away: Mapping[str, frozenset[date]] = field(default_factory=dict)
    """Days on which a manager does nothing, by CRM user."""
    _kept: dict[tuple[str, date, str], bool] = field(default_factory=dict)
    _working: dict[date, bool] = field(default_factory=dict)
    _state: holidays.HolidayBase = field(default_factory=lambda: holidays.country_holidays("RU"))
    _personas: dict[str, Persona] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give everybody a persona, in an order that the seed decides."""
        first = Dice(self.seed, "personas").between(0, len(_PERSONAS) - 1)
        step = 3  # no divisor of 7: neighbours differ
        self._personas = {
            user: _PERSONAS[(first + step * number) % len(_PERSONAS)] for number, user in enumerate(self.managers())
        }

    def managers(self) -> Iterator[str]:
        """CRM ids of the managers."""
        return (str(11 + number) for number in range(self.size))

    def users(self) -> list[CrmUser]:
        """All accounts: the managers, one who left, and a robot."""
        here = [CrmUser(user, name_of(number), True, frozenset({SALES})) for number, user in enumerate(self.managers())]
        return [
            CrmUser("1", "Робот обмена", departments=frozenset(), human=False),
            CrmUser("2", "Семён Бывалов", active=False, departments=frozenset({SALES})),
            *here,
        ]

    def works(self, user: str, day: date) -> bool:
        """Whether the manager is at work."""
        return self.is_workday(day) and day not in self.away.get(user, ())

    def is_workday(self, day: date) -> bool:
        """Whether the office is open."""
        if day not in self._working:
            self._working[day] = self._state.is_working_day(day)
        return self._working[day]

    def next_workday(self, day: date) -> date:
        """The office's first working day after `day`."""
        day += timedelta(days=1)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day

    def next_day(self, user: str, day: date) -> date:
        """The manager's first working day after `day`."""
        day += timedelta(days=1)
        while not self.works(user, day):
            day += timedelta(days=1)
        return day

    def keeps(self, user: str, day: date, habit: str) -> bool:
        """Whether the manager keeps a habit that day."""
        key = (user, day, habit)
        if key not in self._kept:
            self._kept[key] = Dice(self.seed, user, day, habit).chance(self._level(user, day, habit))
        return self._kept[key]

    def _level(self, user: str, day: date, habit: str) -> float:
        persona = self._personas[user]
        base = persona.care if habit in _HABITS_OF_CARE else persona.energy
        phase = Dice(self.seed, user, "phase").between(0, persona.period - 1)
        turn = (day.toordinal() + phase) % persona.period / persona.period
        wander = persona.drift * (abs(4 * turn - 2) - 1)
        mood = Dice(self.seed, user, day, "mood").spread(0.06)
        return min(0.97, max(0.05, base + wander + mood))

    def at(self, day: date, minute: int, second: int = 0) -> datetime:
        """The instant of a local minute of the day."""
        return local_instant(day, time(minute // 60, minute % 60, second), self.zone)
