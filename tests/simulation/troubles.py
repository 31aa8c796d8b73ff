"""Draw what fails in a month, and count what was really felt."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

KINDS = (
    # name, chance on a working day, earliest and latest begin around the cutoff and longest span, in minutes
    ("crm_down", 0.12, -50, 10, 300),
    ("crm_slow", 0.06, -20, 5, 30),
    ("crm_partial", 0.1, -50, 10, 60),
    ("crm_mistake", 0.06, -50, 10, 200),
    ("crm_unreadable_rows", 0.08, -20, 5, 60),
    ("crm_empty", 0.06, -50, 10, 200),
    ("telegram_down", 0.12, -50, 10, 120),
    ("telegram_slow", 0.12, -50, 10, 60),
    ("chat_blocked", 0.1, -50, 0, 2000),
    ("service_down", 0.1, -50, 10, 3000),
    ("database_locked", 0.1, -5, 1, 15),
    ("database_full", 0.06, -5, 1, 20),
    ("database_restarted", 0.1, -5, 1, 15),
    ("clock_jump", 0.08, -120, 60, 200),
    ("replica_stalled", 0.12, -5, 1, 30),
)
RUNNING = ("killed", "answer_lost", "asked_to_wait", "late_record", "owner_changed_after_cutoff", "undecodable_update")
"""Troubles without a span of their own."""
HARMLESS = ("late_record", "owner_changed_after_cutoff", "undecodable_update", "crm_unreadable_rows")
"""Troubles that keep nobody without an answer."""


@dataclass(frozen=True)
class Trouble:
    """A span in which a part of the world fails."""

    what: str
    start: datetime
    end: datetime
    size: timedelta = timedelta(0)
    """By how much a clock is off."""

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


class Troubles:
    """All troubles of a month; `felt` counts how often each met the production code."""

    def __init__(self, dice: random.Random, cutoffs: Iterable[datetime]) -> None:
        self.felt: Counter[str] = Counter(dict.fromkeys((*(kind[0] for kind in KINDS), *RUNNING), 0))
        self._by_kind: dict[str, list[Trouble]] = {kind[0]: [] for kind in KINDS}
        for cutoff in cutoffs:
            for what, chance, low, high, longest in KINDS:
                if dice.random() < chance:
                    start = cutoff + timedelta(minutes=dice.randrange(low, high))
                    end = start + timedelta(minutes=dice.randrange(1, longest))
                    self._by_kind[what].append(Trouble(what, start, end, _size(dice)))

    def all(self) -> list[Trouble]:
        """Every trouble, by its begin."""
        return sorted((each for found in self._by_kind.values() for each in found), key=lambda each: each.start)

    def end_all(self) -> None:
        """Let nothing fail from now on."""
        self._by_kind = {what: [] for what in self._by_kind}

    def at(self, what: str, instant: datetime) -> Trouble | None:
        """The trouble of a kind that lasts then."""
        return next((each for each in self._by_kind[what] if instant in each), None)

    def strikes(self, what: str, instant: datetime) -> bool:
        """Whether a part of the world fails then; counted as felt."""
        if self.at(what, instant) is None:
            return False
        self.felt[what] += 1
        return True

    @property
    def disturbances(self) -> int:
        """Count the troubles that may keep people without an answer."""
        return sum(count for what, count in self.felt.items() if what not in HARMLESS)

    def last_end(self, kinds: Iterable[str], until: datetime) -> datetime | None:
        """When the last of the troubles of these kinds that have begun is over."""
        ends = [each.end for what in kinds for each in self._by_kind[what] if each.start <= until]
        return max(ends, default=None)


def _size(dice: random.Random) -> timedelta:
    """Minutes or hours, forth or back; often too little to matter."""
    minutes = dice.choice((0.5, 1, 3, 10, 45, 180, 600))
    return timedelta(minutes=minutes if dice.random() < 0.5 else -minutes)
