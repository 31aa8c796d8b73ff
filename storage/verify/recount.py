"""Score stored days again, and compare with the points that the ledger has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from scoring.rules import Rulebook
from scoring.scorecard import Scorecard, ScoreLine
from storage.days.closed_deals import closed_in
from storage.errors import UNREADABLE
from storage.evidence.stored import keys_of
from storage.ledger.chain import states_evidence
from storage.values import StoredSnapshot
from storage.verify.day_rows import Line

_Told = tuple[Line, Any]
"""A line with the evidence: of the ledger as stored, of a recount the keys."""


@dataclass(slots=True)
class Recount:
    """Count a finished day again, snapshot after snapshot, so that each is decoded once."""

    rulebook: Rulebook | None
    """None: it cannot be read any more."""
    day: date
    lines: list[tuple[Line, list[str]]] = field(default_factory=list)
    closed: dict[tuple[str, str], datetime] = field(default_factory=dict)
    is_scored: bool = True
    """Whether every snapshot could be scored."""
    is_closed: bool = True
    """Whether the closed deals of every snapshot could be read."""

    def add(self, item: StoredSnapshot) -> None:
        """Score a snapshot and collect what it counts as closed."""
        try:
            for key, at in closed_in([item]).items():
                self.closed[key] = max(at, self.closed.get(key, at))
        except UNREADABLE:
            self.is_closed = False
        try:
            self.lines += self._lines(item)
        except UNREADABLE:
            self.is_scored = False

    def _lines(self, item: StoredSnapshot) -> Iterable[tuple[Line, list[str]]]:
        if self.rulebook is None:
            raise ValueError("the rulebook cannot be read")
        card = item.score(self.rulebook, self.day)
        return [(_line(card, line), keys_of(line.items)) for line in card.lines]

    def gives(self, written: Collection[_Told]) -> bool:
        """Tell whether the recount gives the lines that the ledger has."""
        is_as_long = self.is_scored and len(written) == len(self.lines)
        return is_as_long and all(map(_agree, _ordered(written), _ordered(self.lines)))

    def closes(self, stored: dict[tuple[str, str], datetime]) -> bool:
        """Tell whether the table of closed deals, which keeps a deal from counting twice, is as the evidence."""
        return self.is_closed and self.closed == stored


def _agree(written: _Told, counted: tuple[Line, list[str]]) -> bool:
    return written[0] == counted[0] and states_evidence(written[1], counted[1])


def _line(card: Scorecard, line: ScoreLine) -> Line:
    return card.manager.crm_user, line.rule.id, line.outcome.value, line.points, line.value, line.bound


def _ordered(told: Iterable[tuple[Line, Any]]) -> list[tuple[Line, Any]]:
    return sorted(told, key=lambda each: each[0][:2])
