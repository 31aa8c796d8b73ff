"""What the company's own history proves, told without the production code's counting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from scoring.workdays import Window
from tests.simulation.history import Happened, StoryDeal
from tests.simulation.story import Story

MIN_CALL_SECONDS = 30
GRACE_MINUTES, WORK_BEGINS, WORK_ENDS = 60, 9, 18
MINUTE = timedelta(minutes=1)
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


@dataclass(frozen=True)
class RunBefore:
    """Hold what the run before saw, for late arrivals and for the grace of new owners."""

    read: frozenset[tuple[str, str]] = frozenset()
    """KPIs and users with a value."""
    read_at: Sequence[datetime] = ()
    holders: Mapping[str, str] = field(default_factory=dict)
    """By deal without a task: who had it."""


@dataclass(frozen=True)
class History:
    """Tell what an honest reading of a day's window may give, if it was read at these instants."""

    story: Story
    window: Window
    read_at: Sequence[datetime]
    before: RunBefore
    spared: frozenset[tuple[str, str]]
    """Users and deals whose day of grace is over."""

    @property
    def seen(self) -> datetime:
        """Return from when on the CRM was read: a clock that is a little fast reads before the cutoff."""
        return min((*self.read_at, self.window.cutoff))

    @property
    def read_by(self) -> datetime:
        """Return when the CRM was read for the last time."""
        return max(self.read_at, default=self.window.cutoff)

    def allowed(self, kpi: str, user: str) -> Range:
        """Return the least and the largest value."""
        if kpi in KINDS:
            return self._events(kpi, user)
        instants = {self.seen, self.window.cutoff}
        if kpi == "overdue_tasks":
            counts = [self._overdue(user, at) for at in instants]
            return Range(min(counts), max(counts))
        assert kpi == "deals_without_task"
        ranges = [self._without_task(user, at) for at in instants]
        return Range(min(each.low for each in ranges), max(each.high for each in ranges))

    def _events(self, kpi: str, user: str) -> Range:
        """Count what was certainly seen, and what may have been seen; late records count where they are seen first."""
        own = [
            event
            for event in self.story.events
            if event.kind == KINDS[kpi]
            and event.user == user
            and (kpi != "calls_held" or event.seconds >= MIN_CALL_SECONDS)
        ]
        inside = [event for event in own if event.at in self.window]
        certain = sum(event.known_at <= self.seen for event in inside)
        possible = sum(event.known_at <= self.read_by for event in inside)
        if (kpi, user) in self.before.read:
            late = [event for event in own if self.window.is_earlier(event.at)]
            first, last = min(self.before.read_at), max(self.before.read_at)
            certain += sum(last < _shown_at(event) <= self.seen for event in late)
            possible += sum(first < _shown_at(event) <= self.read_by for event in late)
        return Range(certain, possible)

    def _overdue(self, user: str, at: datetime) -> int:
        cutoff = self.window.cutoff
        return sum(
            task.user == user and task.open_at(at) and task.deadline < cutoff and task.created_at < cutoff
            for deal in self.story.deals
            for task in deal.tasks
        )

    def _without_task(self, user: str, at: datetime) -> Range:
        """Count open deals without a task; who owned a deal may be in doubt, young and inherited deals are spared."""
        low = high = 0
        for deal in self.story.deals:
            if deal.created_at >= self.window.cutoff or not deal.open_at(at):
                continue
            if any(task.open_at(at) for task in deal.tasks) or deal.created_at > self._young_after + MINUTE:
                continue
            owners = self._owners(deal, at)
            if user in owners and not self._is_inherited(deal, user):
                high += 1
                low += len(owners) == 1 and deal.created_at <= self._young_after - MINUTE
        return Range(low, high)

    def _owners(self, deal: StoryDeal, at: datetime) -> set[str]:
        if self.story.keeps_owners:
            return {deal.owner_at(at)}
        return deal.owners_between(at, self.read_by)

    def _is_inherited(self, deal: StoryDeal, user: str) -> bool:
        holder = self.before.holders.get(deal.id, user)
        return holder != user and (user, deal.id) not in self.spared

    @cached_property
    def _young_after(self) -> datetime:
        """Return the instant with an hour of working time between it and the cutoff, minute by minute."""
        instant, left = self.window.cutoff, GRACE_MINUTES
        while left > 0:
            instant -= MINUTE
            local = instant.astimezone(self.story.zone)
            working = self.story.calendar.is_workday(local.date()) and WORK_BEGINS <= local.hour < WORK_ENDS
            left -= working
        return instant


def _shown_at(event: Happened) -> datetime:
    return max(event.known_at, event.at)
