"""Hold appeals as stored, and what re-checks proved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from scoring.appeals.proofs import Proof, Verdict


class AppealCause(StrEnum):
    """Name why a manager disagrees."""

    WRONG_DATA = "wrong_data"
    DONE_BEFORE = "done_before"
    CLIENT = "client"
    """The client delayed."""
    ABSENCE = "absence"
    TECHNICAL = "technical"
    OTHER = "other"


class AppealState(StrEnum):
    """Name the states of an appeal."""

    FILED = "filed"
    KEPT = "kept"
    """Granted: the minus is reversed, and a correction gives the rule's reward."""
    EXCUSED = "excused"
    """Granted: the minus is reversed."""
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"

    @property
    def is_granted(self) -> bool:
        """Tell whether the minus was reversed."""
        return self in (AppealState.KEPT, AppealState.EXCUSED)


@dataclass(frozen=True, slots=True)
class Recheck:
    """Hold what the CRM told of the disputed records."""

    at: datetime
    proofs: tuple[Proof, ...] = ()
    """Of rules with `at_most`: a proof for each disputed record."""
    value: Decimal | None = None
    """Value by the re-check; None: the CRM does not tell."""
    additions: tuple[str, ...] = ()
    """Of rules with `at_least`: ids of events that the window gained and no other window counted."""
    problem: str = ""
    """Why nothing could be asked; empty after an answer."""

    def count(self, verdict: Verdict) -> int:
        """Count the proofs with a verdict."""
        return sum(proof.verdict is verdict for proof in self.proofs)


@dataclass(frozen=True, slots=True)
class Appeal:
    """Describe an appeal against a broken rule of a day."""

    id: int
    team: str
    connection: str
    crm_user: str
    name: str
    person_id: int | None
    day: date
    rule: str
    kpi: str
    seq: int
    """Ledger entry that took the points."""
    cause: AppealCause
    text: str
    state: AppealState
    author: str
    filed_at: datetime
    recheck: Recheck | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision: str = ""
    """Reason of the decision."""
    reminded: int = 0
    """1: the head was reminded; 2: the owner was told."""


AppealCounts = Mapping[AppealState, int]
"""Number of appeals by state."""
