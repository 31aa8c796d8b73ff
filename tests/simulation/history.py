"""What really happened in a made-up company, apart from what its CRM shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from scoring.records import DealState


@dataclass(frozen=True)
class Happened:
    """A company, a call or a meeting."""

    kind: str
    id: str
    user: str
    at: datetime
    """The instant that decides its window; of a call its end."""
    known_at: datetime
    """When the CRM shows it."""
    seconds: int = 0


@dataclass
class StoryTask:
    """A to-do on a deal."""

    id: str
    deal: str
    user: str
    created_at: datetime
    deadline: datetime
    done_at: datetime | None = None

    def open_at(self, instant: datetime) -> bool:
        """Whether it asks something of the manager then."""
        return self.created_at <= instant and (self.done_at is None or self.done_at > instant)


@dataclass
class StoryDeal:
    """A deal with its owners and its end."""

    id: str
    created_at: datetime
    owners: list[tuple[datetime, str]]
    closed_at: datetime | None = None
    state: DealState = DealState.OPEN
    tasks: list[StoryTask] = field(default_factory=list)

    def owner_at(self, instant: datetime) -> str:
        """Who was responsible."""
        return [user for at, user in self.owners if at <= instant][-1]

    def owners_between(self, start: datetime, end: datetime) -> set[str]:
        """Who was responsible at any moment of a span."""
        return {self.owner_at(max(start, self.created_at))} | {user for at, user in self.owners if start < at <= end}

    def open_at(self, instant: datetime) -> bool:
        """Whether it was in work."""
        return self.created_at <= instant and (self.closed_at is None or self.closed_at > instant)
