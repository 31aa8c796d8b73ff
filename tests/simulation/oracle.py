"""What the company's own history proves, told without the production code's counting."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from scoring.workdays import Window
from tests.simulation.history import Happened, StoryDeal
from tests.simulation.story import Story

MIN_CALL_SECONDS = 30
GRACE = timedelta(minutes=60)
KINDS = {"companies_added": "company", "meetings_held": "meeting", "calls_held": "call"}


@dataclass(frozen=True)
class Range:
    """Hold the values that the history allows for a KPI."""

    low: int
    high: int

    def __contains__(self, value: Decimal | None) -> bool:
        return value is not None and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low}–{self.high}"


class History:
    """Tell what an honest reading of a day's window may give, if it was read at these instants."""

    def __init__(self, story: Story, window: Window, read_at: Sequence[datetime], unread: Collection[str]) -> None:
        """Take the window, the instants of its readings, and the keys `KPI of user` that the run before lacked."""
        self.story, self.window, self.unread = story, window, unread
        cutoff = window.cutoff
        self.seen = min(min(read_at, default=cutoff), cutoff)
        """From when on the CRM was read: a clock that is a little fast reads before the cutoff."""
        self.read_by = max(read_at, default=cutoff)

    def allowed(self, kpi: str, user: str) -> Range:
        """Return the least and the largest value."""
        if kpi in KINDS:
            return self._events(KINDS[kpi], user, was_unread=f"{kpi} of {user}" in self.unread)
        instants = {self.seen, self.window.cutoff}
        if kpi == "overdue_tasks":
            counts = [self._overdue(user, at) for at in instants]
            return Range(min(counts), max(counts))
        assert kpi == "deals_without_task"
        ranges = [self._without_task(user, at) for at in instants]
        return Range(min(each.low for each in ranges), max(each.high for each in ranges))

    def _events(self, kind: str, user: str, *, was_unread: bool) -> Range:
        """Count what was certainly seen, and what may have been seen: late records count where they are seen first."""
        window = self.window
        own = [
            event
            for event in self.story.events
            if event.kind == kind and event.user == user and (kind != "call" or event.seconds >= MIN_CALL_SECONDS)
        ]
        inside = [event for event in own if event.at in window]
        before = [event for event in own if window.is_earlier(event.at) and (was_unread or self._may_be_new(event))]
        certain = sum(event.known_at <= self.seen for event in inside)
        possible = sum(event.known_at <= self.read_by for event in (*inside, *before))
        return Range(certain, possible)

    def _may_be_new(self, event: Happened) -> bool:
        """Whether an event of the window before may not have been seen by that window's reading."""
        slack = timedelta(minutes=3)  # the reading before was early by a clock's error
        return event.known_at > event.at or event.at >= self.window.start - slack

    def _overdue(self, user: str, at: datetime) -> int:
        cutoff = self.window.cutoff
        return sum(
            task.user == user and task.open_at(at) and task.deadline < cutoff and task.created_at < cutoff
            for deal in self.story.deals
            for task in deal.tasks
        )

    def _without_task(self, user: str, at: datetime) -> Range:
        """Count open deals without a task; who owned a deal may be in doubt, and young deals have a grace."""
        low = high = 0
        for deal in self.story.deals:
            if deal.created_at >= self.window.cutoff or not deal.open_at(at):
                continue
            if any(task.open_at(at) for task in deal.tasks):
                continue
            owners = self._owners(deal, at)
            if user in owners:
                high += 1
                low += len(owners) == 1 and not self._has_grace(deal)
        return Range(low, high)

    def _owners(self, deal: StoryDeal, at: datetime) -> set[str]:
        if self.story.keeps_owners:
            return {deal.owner_at(at)}
        return deal.owners_between(at, self.read_by)

    def _has_grace(self, deal: StoryDeal) -> bool:
        """Whether a deal is young, or new in its owner's hands."""
        if deal.created_at > self.window.cutoff - GRACE:
            return True
        recent = self.window.earlier or self.window.start
        return any(recent < at <= self.window.cutoff for at, _ in deal.owners[1:])
