"""Describe who works in the made-up company, and how carefully: a pure function of the seed and the date."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from crm_clients.base import CrmUser
from crm_clients.demo.dice import Dice
from scoring.workdays import local_instant

_SURNAMES = ("Примеров", "Образцов", "Тестов", "Макетов", "Шаблонов", "Эскизов", "Моделин", "Черновиков", "Вымыслов")
_WOMEN = ("Анна", "Вера", "Мария", "Елена", "Ольга", "Ирина", "Дарья", "Нина")
_MEN = ("Пётр", "Игорь", "Павел", "Сергей", "Олег", "Дмитрий", "Роман", "Антон")

SALES = "sales"
"""The department of all managers."""


@dataclass(frozen=True, slots=True)
class Persona:
    """Describe how often a manager keeps a habit: keeps the CRM in order (`care`), does enough (`energy`)."""

    care: float
    energy: float
    drift: float
    """Reach of the drift of both, there and back in `period` days."""
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
    """Make a name that is plainly made up and reads naturally; no two managers share a name."""
    pair, is_man = divmod(number, 2)
    names = _MEN if is_man else _WOMEN
    block, turn = divmod(pair, len(_SURNAMES))
    generation, shift = divmod(block, len(names))
    surname = _SURNAMES[number % len(_SURNAMES)] + ("" if is_man else "а")
    name = f"{names[(turn + shift) % len(names)]} {surname}"
    return f"{name} {generation + 1}" if generation else name


@dataclass(slots=True)
class Department:
    """Hold the managers, the working days and the habits of the managers."""

    seed: int
    size: int
    zone: ZoneInfo
    away: Mapping[str, frozenset[date]] = field(default_factory=dict)
    """Days on which a manager does nothing, by CRM user."""
    _kept: dict[tuple[str, date, str], bool] = field(default_factory=dict)
    _phases: dict[str, int] = field(default_factory=dict)
    """Where in the drift a manager begins: dice are costly to throw."""
    _moods: dict[tuple[str, date], float] = field(default_factory=dict)
    _working: dict[date, bool] = field(default_factory=dict)
    _state: holidays.HolidayBase = field(default_factory=lambda: holidays.country_holidays("RU"))
    _personas: dict[str, Persona] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Give every manager a persona, in an order that the seed decides."""
        first = Dice(self.seed, "personas").between(0, len(_PERSONAS) - 1)
        step = 3  # no divisor of 7: neighbours differ
        self._personas = {
            user: _PERSONAS[(first + step * number) % len(_PERSONAS)] for number, user in enumerate(self.managers())
        }

    def managers(self) -> Iterator[str]:
        """List the CRM ids of the managers."""
        return (str(11 + number) for number in range(self.size))

    def users(self) -> list[CrmUser]:
        """List all accounts: the managers, a dismissed manager, and a robot."""
        here = [CrmUser(user, name_of(number), True, frozenset({SALES})) for number, user in enumerate(self.managers())]
        return [
            CrmUser("1", "Робот обмена", departments=frozenset(), human=False),
            CrmUser("2", "Семён Бывалов", active=False, departments=frozenset({SALES})),
            *here,
        ]

    def works(self, user: str, day: date) -> bool:
        """Tell whether the manager is at work."""
        return self.is_workday(day) and day not in self.away.get(user, ())

    def is_workday(self, day: date) -> bool:
        """Tell whether the office is open."""
        if day not in self._working:
            self._working[day] = self._state.is_working_day(day)
        return self._working[day]

    def next_workday(self, day: date) -> date:
        """Find the office's first working day after `day`."""
        day += timedelta(days=1)
        while not self.is_workday(day):
            day += timedelta(days=1)
        return day

    def next_day(self, user: str, day: date) -> date:
        """Find the manager's first working day after `day`."""
        day += timedelta(days=1)
        while not self.works(user, day):
            day += timedelta(days=1)
        return day

    def keeps(self, user: str, day: date, habit: str) -> bool:
        """Tell whether the manager keeps a habit on `day`."""
        key = (user, day, habit)
        if key not in self._kept:
            self._kept[key] = Dice(self.seed, user, day, habit).chance(self._level(user, day, habit))
        return self._kept[key]

    def _level(self, user: str, day: date, habit: str) -> float:
        persona = self._personas[user]
        base = persona.care if habit in _HABITS_OF_CARE else persona.energy
        if user not in self._phases:
            self._phases[user] = Dice(self.seed, user, "phase").between(0, persona.period - 1)
        turn = (day.toordinal() + self._phases[user]) % persona.period / persona.period
        wander = persona.drift * (abs(4 * turn - 2) - 1)
        if (user, day) not in self._moods:
            self._moods[user, day] = Dice(self.seed, user, day, "mood").spread(0.06)
        return min(0.97, max(0.05, base + wander + self._moods[user, day]))

    def at(self, day: date, minute: int, second: int = 0) -> datetime:
        """Compute the instant of a local minute of the day."""
        return local_instant(day, time(minute // 60, minute % 60, second), self.zone)
