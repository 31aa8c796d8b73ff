"""Ledger rows for tests: a small book that hands out sequence numbers."""

from __future__ import annotations

from datetime import date
from typing import Any

from scoring.entries import Entry, EntryKind, Month, Side
from scoring.scorecard import Outcome

MONDAY = date(2025, 11, 17)
NAMES = {"7": "Анна Примерова", "12": "Борис Образцов", "15": "Вера Тестова", "20": "Глеб Макетов"}
POINTS = {Outcome.KEPT: 1, Outcome.BROKEN: -2}


class Book:
    """One team's ledger."""

    def __init__(self, team: str = "sales") -> None:
        self.team = team
        self.rows: list[Entry] = []

    def add(self, kind: EntryKind, user: str, day: date, points: int, **more: Any) -> Entry:
        plain = {"rule": "overdue_tasks", "kpi": "overdue_tasks", "outcome": None, "side": Side.of(points)}
        entry = Entry(
            seq=len(self.rows) + 1,
            team=self.team,
            kind=kind,
            crm_user=user,
            name=NAMES.get(user, user),
            day=day,
            points=points,
            **(plain | {"booked_in": Month.of(day)} | more),
        )
        self.rows.append(entry)
        return entry

    def score(self, user: str, outcome: Outcome, day: date = MONDAY, points: int | None = None) -> Entry:
        worth = POINTS.get(outcome, 0) if points is None else points
        side = Side.MINUS if outcome is Outcome.BROKEN else Side.PLUS
        return self.add(EntryKind.SCORE, user, day, worth, outcome=outcome, side=side)

    def day(self, user: str, day: date, *, kept: int = 0, broken: int = 0) -> None:
        for _ in range(kept):
            self.score(user, Outcome.KEPT, day)
        for _ in range(broken):
            self.score(user, Outcome.BROKEN, day)

    def reverse(self, row: Entry, **more: Any) -> Entry:
        plain = {"side": row.side, "reverses": row.seq, "rule": row.rule, "kpi": row.kpi, "outcome": row.outcome}
        return self.add(EntryKind.REVERSAL, row.crm_user, row.day, -row.points, **(plain | more))

    def grant_as_kept(self, row: Entry, **more: Any) -> Entry:
        """An appeal: the minus is reversed, a correction gives the reward."""
        self.reverse(row, **more)
        return self.add(EntryKind.CORRECTION, row.crm_user, row.day, 1, outcome=Outcome.KEPT, **more)

    def adjust(self, user: str, points: int, day: date = MONDAY) -> Entry:
        return self.add(EntryKind.ADJUSTMENT, user, day, points, rule="", kpi="")
