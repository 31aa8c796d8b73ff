"""What the company's own history proves, told without the production code's counting."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from tests.simulation.story import Story

MIN_CALL_SECONDS = 30


@dataclass(frozen=True)
class Range:
    """The values that the history allows for a KPI."""

    low: int
    high: int


def allowed(
    story: Story, kpi: str, user: str, start: datetime, cutoff: datetime, read_by: datetime, earlier: datetime | None
) -> Range:
    """The least and the largest value that an honest reading may give."""
    if kpi in ("companies_added", "meetings_held", "calls_held"):
        return _events(story, kpi, user, start, cutoff, read_by, earlier)
    if kpi == "overdue_tasks":
        return _exactly(
            sum(
                task.user == user and task.open_at(cutoff) and task.deadline < cutoff and task.created_at < cutoff
                for deal in story.deals
                for task in deal.tasks
            )
        )
    assert kpi == "deals_without_task"
    return _exactly(
        sum(
            deal.created_at < cutoff
            and deal.open_at(cutoff)
            and deal.owner_at(cutoff) == user
            and not any(task.open_at(cutoff) for task in deal.tasks)
            for deal in story.deals
        )
    )


def _events(
    story: Story, kpi: str, user: str, start: datetime, cutoff: datetime, read_by: datetime, earlier: datetime | None
) -> Range:
    kind = {"companies_added": "company", "meetings_held": "meeting", "calls_held": "call"}[kpi]
    own = [
        event
        for event in story.events
        if event.kind == kind and event.user == user and (kind != "call" or event.seconds >= MIN_CALL_SECONDS)
    ]
    in_window = [event for event in own if start <= event.at < cutoff]
    before = [
        event for event in own if earlier is not None and earlier <= event.at < start and event.known_at > event.at
    ]
    certain = sum(event.known_at <= cutoff for event in in_window)
    possible = sum(event.known_at <= read_by for event in in_window) + len(before)
    return Range(certain, possible)


def _exactly(value: int) -> Range:
    return Range(value, value)


def proves(value: Decimal | None, found: Range) -> bool:
    """Whether the value that was judged is one that the history allows."""
    return value is not None and found.low <= value <= found.high
