"""Hold the whole life of a made-up deal, so that the deal can be shown at every instant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from scoring.records import Comment, Deal, DealState, Task

FIELDS = ("source", "budget")
"""The fields that the made-up CRM requires of a deal."""
NEW, REPEAT = "new", "repeat"
"""Pipelines, without named stages."""


@dataclass(frozen=True, slots=True)
class Move:
    """Record that a deal moved: to another stage, to won or lost, or back to work."""

    at: datetime
    state: DealState
    loss_reason: str = ""


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """Hold a task of a deal, with the instants of planning and doing."""

    task: Task
    created_at: datetime
    done_at: datetime


@dataclass(slots=True)
class DealLife:
    """Hold a deal's whole life."""

    deal: Deal
    """The deal when created."""
    moves: list[Move] = field(default_factory=list)
    tasks: list[PlannedTask] = field(default_factory=list)
    comments: list[datetime] = field(default_factory=list)
    filled: dict[str, datetime] = field(default_factory=dict)
    """When a required field was filled, by name."""

    def deal_at(self, moment: datetime, required: Iterable[str], *, tells_mover: bool = False) -> Deal | None:
        """Show the deal as the CRM does just before `moment`; None before the creation."""
        past = [move for move in self.moves if move.at < moment]
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
            reopened=closed and sum(move.state is not DealState.OPEN for move in past) > 1,
            moved_by=self.deal.manager if closed and tells_mover else "",
        )

    def _has(self, name: str, moment: datetime) -> bool:
        return name in self.filled and self.filled[name] < moment

    def tasks_at(self, moment: datetime) -> Iterator[Task]:
        """Show the deal's tasks that are open just before `moment`."""
        return (planned.task for planned in self.tasks if planned.created_at < moment <= planned.done_at)

    def comments_at(self, moment: datetime) -> Iterator[Comment]:
        """Show the deal's comments up to `moment`."""
        return (Comment(self.deal.id, at) for at in self.comments if at < moment)
