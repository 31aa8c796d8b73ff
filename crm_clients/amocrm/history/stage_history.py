"""Read the stage history of leads: when deals entered stages and states before the cutoff."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from crm_clients.amocrm.history.changes import STAGE_CHANGED, Moment, author_of, entity_of, moment_of, stages_of
from crm_clients.amocrm.session import ReadSession, of_entities
from crm_clients.amocrm.stages import Stages, deal_state
from crm_clients.amocrm.wire import WireEvent
from crm_clients.errors import CrmUnavailable, DeadlineExceeded
from crm_clients.shared.pacing import Deadline
from scoring.records import DealState

DAY = 86_400


class StateChange(NamedTuple):
    """Describe how a deal went from open, won or lost to another of these states."""

    before: DealState
    after: DealState
    pipeline: int
    """Pipeline in which the deal stood afterwards."""
    mover: int
    """User who moved the deal; 0 for a robot, or if nobody asks."""


class Loss(NamedTuple):
    """Describe the last loss of a deal."""

    second: int
    pipeline: int
    mover: int


@dataclass(slots=True)
class StageHistory:
    """Collect changes of stages before the cutoff, back to a horizon."""

    horizon: int
    cutoff: int
    """Changes are known in `[horizon, cutoff)`, in seconds."""
    keep_stages: bool
    """Whether to keep the last change of every deal, or changes of state only."""
    credits_mover: bool = False
    """Whether to keep who moved the deals."""
    closings_since: int = field(init=False)
    """First second of which all wins and losses are known; the cutoff if none are asked for."""
    last_change: dict[int, int] = field(default_factory=dict)
    """Second of the last change of stage, by deal."""
    states: dict[int, dict[Moment, StateChange]] = field(default_factory=dict)
    """Changes between open, won and lost, by deal."""
    moved_while_closed: set[int] = field(default_factory=set)
    """Closed deals that changed the closing stage without being reopened: no new win or loss."""

    def __post_init__(self) -> None:
        """Begin without any known change."""
        self.closings_since = self.cutoff

    def add(self, events: Iterable[WireEvent]) -> None:
        """Add events, in any order; a repeated event changes nothing. Raises MalformedRow."""
        for event in events:
            moment = moment_of(event)
            before, after = stages_of(event)
            if moment[0] >= self.cutoff or before == after:
                continue
            lead = entity_of(event)[1]
            if self.keep_stages:
                self.last_change[lead] = max(moment[0], self.last_change.get(lead, 0))
            old, new = deal_state(before[1]), deal_state(after[1])
            if old is not new:
                mover = author_of(event) if self.credits_mover else 0
                self.states.setdefault(lead, {})[moment] = StateChange(old, new, after[0], mover)
            elif new is not DealState.OPEN:
                self.moved_while_closed.add(lead)

    def is_unmoved(self, lead: int, updated: int, closed: int) -> bool:
        """Tell whether a deal was updated or closed at a second of which all changes are known, without an event."""
        is_in_time = (self.keep_stages and updated >= self.horizon) or self.closings_since <= closed < self.cutoff
        return is_in_time and not self._knows(lead)

    def _knows(self, lead: int) -> bool:
        return lead in self.last_change or lead in self.states or lead in self.moved_while_closed

    async def ensure_whole(self, session: ReadSession, leads: Sequence[int]) -> None:
        """Ask for the events of some deals by id. Raises CrmUnavailable for a change of stage that is not known."""

        async def compare(events: list[WireEvent]) -> None:
            for event in events:
                before, after = stages_of(event)
                is_closing = deal_state(after[1]) is not DealState.OPEN and event.created_at >= self.closings_since
                is_asked = (self.keep_stages or is_closing) and event.created_at < session.settled
                if before != after and is_asked and not self._knows(event.entity_id):
                    raise CrmUnavailable(f"changes of stages: amoCRM's list lacks a change of deal {event.entity_id}")

        if leads:
            chosen = of_entities("lead", leads)
            what = "changes of the latest deals"
            await session.read_events((STAGE_CHANGED,), self.horizon, self.cutoff, what, compare, filters=chosen)

    def entered(self, lead: int, state: DealState) -> int | None:
        """Return the second of the last entry into `state`; None if not since the horizon."""
        moment = self._last_entry(lead, state)
        return moment[0] if moment else None

    def mover(self, lead: int, state: DealState) -> int:
        """Return the user who last moved a deal into `state`; 0 if amoCRM or nobody tells."""
        moment = self._last_entry(lead, state)
        return self.states[lead][moment].mover if moment else 0

    def last_loss(self, lead: int, since: int) -> Loss | None:
        """Return the last loss of a deal; None without a loss at second `since` or later."""
        moment = self._last_entry(lead, DealState.LOST)
        if moment is None or moment[0] < since:
            return None
        change = self.states[lead][moment]
        return Loss(moment[0], change.pipeline, change.mover)

    def _last_entry(self, lead: int, state: DealState) -> Moment | None:
        changes = self.states.get(lead, {}).items()
        return max((moment for moment, change in changes if change.after is state), default=None)

    def was_reopened(self, lead: int, until: int) -> bool:
        """Tell whether a deal had been closed and reopened up to second `until`."""
        changes = self.states.get(lead, {}).items()
        return any(change.after is DealState.OPEN and moment[0] <= until for moment, change in changes)

    def closed_since(self, start: int) -> set[int]:
        """Return deals that were won or lost at second `start` or later."""
        return {
            lead
            for lead, changes in self.states.items()
            if any(moment[0] >= start and change.after is not DealState.OPEN for moment, change in changes.items())
        }


async def read_stage_history(session: ReadSession, stages: Stages) -> StageHistory:
    """Read the changes of stages that the requested KPIs need. Raises CrmError.

    If all changes take more than half of the read's time, changes of state alone are read: this costs the KPI of stale
    deals, not all others.
    """
    horizon = min(session.cutoff - session.request.stale_days * DAY, session.start)
    by_mover = session.config.deals_credit == "mover"
    if session.wants("stale_deals"):
        history = StageHistory(horizon, session.cutoff, keep_stages=True, credits_mover=by_mover)
        seconds = session.deadline.remaining("changes of stages") / 2
        with suppress(DeadlineExceeded):
            await _read(session, history, horizon, "", Deadline(seconds, session.api.http.clock))
            history.closings_since = session.start
            return history
    history = StageHistory(horizon, session.cutoff, keep_stages=False, credits_mover=by_mover)
    if session.wants("deals_won", "won_amount", "deals_lost", "lost_without_reason"):
        await _read(session, history, session.start, _closed_filter(stages, "value_after"), session.deadline)
        await _read(session, history, horizon, _closed_filter(stages, "value_before"), session.deadline)
        history.closings_since = session.start
    return history


async def _read(session: ReadSession, history: StageHistory, since: int, filters: str, deadline: Deadline) -> None:
    async def take(events: list[WireEvent]) -> None:
        history.add(events)

    what = "changes of stages"
    await session.read_events((STAGE_CHANGED,), since, session.cutoff, what, take, filters=filters, deadline=deadline)


def _closed_filter(stages: Stages, side: str) -> str:
    """Filter changes from or to a closing stage."""
    return "&".join(
        f"filter[{side}][leads_statuses][{n}][pipeline_id]={pipeline}"
        f"&filter[{side}][leads_statuses][{n}][status_id]={status}"
        for n, (pipeline, status) in enumerate(stages.closed)
    )
