"""What amoCRM's events tell: how things stood at the cutoff, and when deals entered their stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm_clients.amocrm.account import state_of, whole
from crm_clients.amocrm.answers import Row
from scoring.records import DealState

Stage = tuple[int, int]
"""Pipeline and status."""
Moment = tuple[int, str]
"""Second and event id: events of one second are ordered by their ids, which begin with the time."""

STATUS, OWNER, SALE = "lead_status_changed", "entity_responsible_changed", "sale_field_changed"
DONE, DEADLINE, DELETED = "task_completed", "task_deadline_changed", "task_deleted"
LEAD_EVENTS = (STATUS, OWNER, SALE)
TASK_EVENTS = (
    DONE,
    DEADLINE,
    DELETED,
    OWNER,
    "task_added",
    "task_text_changed",
    "task_type_changed",
    "task_result_added",
)
_SINGULAR = {"leads": "lead", "tasks": "task", "companies": "company", "contacts": "contact"}


def entity_of(event: Row) -> tuple[str, int]:
    """What an event is about."""
    kind = str(event.get("entity_type") or "")
    return _SINGULAR.get(kind, kind), whole(event.get("entity_id"))


def is_completion(event: Row, before: int) -> bool:
    """Whether it tells that a task was completed before an instant."""
    return event.get("type") == DONE and 0 < whole(event.get("created_at")) < before


def _moment(event: Row) -> Moment:
    return whole(event.get("created_at")), str(event["id"])


def _part(value: object, name: str) -> dict[str, Any]:
    """`[{name: {...}}]`, however little of it is there."""
    first = value[0] if isinstance(value, list) and value else value
    part = first.get(name) if isinstance(first, dict) else None
    return part if isinstance(part, dict) else {}


def stage_in(value: object) -> Stage | None:
    """The stage that an event's `value_before` or `value_after` names."""
    part = _part(value, "lead_status")
    return (whole(part.get("pipeline_id")), whole(part.get("id"))) if part.get("id") else None


def _deadline_in(value: object) -> int | None:
    """The Unix time in the value of a moved deadline, under whatever name."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif (seconds := whole(part)) > 100_000_000:
            return seconds
    return None


@dataclass(slots=True)
class ChangesSinceCutoff:
    """Changes since the cutoff; of several to one field the first counts, for its old value is that of the cutoff."""

    cutoff: int
    stages: dict[int, tuple[Moment, Stage]] = field(default_factory=dict)
    owners: dict[tuple[str, int], tuple[Moment, int]] = field(default_factory=dict)
    sales: dict[int, tuple[Moment, Any]] = field(default_factory=dict)
    deadlines: dict[int, tuple[Moment, int | None]] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    """When tasks were first completed after the cutoff."""
    touched: dict[int, int] = field(default_factory=dict)
    """When an event last explained a change of a task."""
    opened: set[int] = field(default_factory=set)
    """Deals that were closed and have been opened."""
    deleted: bool = False
    """Whether a task was deleted: which deal it belonged to is not told."""

    def add(self, events: Iterable[Row]) -> None:
        """Take events in any order; the same one may come again."""
        for event in events:
            moment = _moment(event)
            if moment[0] >= self.cutoff:
                self._add(str(event.get("type")), *entity_of(event), moment, event)

    def _add(self, name: str, kind: str, key: int, moment: Moment, event: Row) -> None:
        before = event.get("value_before")
        if kind == "task":
            self.touched[key] = max(moment[0], self.touched.get(key, 0))
        if name == STATUS and (stage := stage_in(before)) is not None:
            _first(self.stages, key, moment, stage)
            self._note_opening(key, stage, stage_in(event.get("value_after")))
        elif name == OWNER:
            _first(self.owners, (kind, key), moment, whole(_part(before, "responsible_user").get("id")))
        elif name == SALE:
            _first(self.sales, key, moment, _part(before, "sale_field_value").get("sale"))
        elif name == DEADLINE:
            _first(self.deadlines, key, moment, _deadline_in(before))
        elif name == DONE:
            self.done[key] = min(moment[0], self.done.get(key, moment[0]))
        elif name == DELETED:
            self.deleted = True

    def _note_opening(self, lead: int, before: Stage, after: Stage | None) -> None:
        if after is not None and state_of(before[1]) is not DealState.OPEN and state_of(after[1]) is DealState.OPEN:
            self.opened.add(lead)

    def owner(self, kind: str, key: int, now: int) -> int:
        """Who was responsible at the cutoff."""
        return self.owners[kind, key][1] if (kind, key) in self.owners else now


def _first(kept: dict[Any, tuple[Moment, Any]], key: Any, moment: Moment, value: Any) -> None:
    if key not in kept or moment < kept[key][0]:
        kept[key] = (moment, value)


@dataclass(slots=True)
class StageHistory:
    """When deals changed stages before the cutoff, back to a horizon."""

    cutoff: int
    keep_stages: bool
    """Whether the last change of every deal is wanted, or closings only."""
    last: dict[int, int] = field(default_factory=dict)
    """Second of the last change of stage."""
    states: dict[int, dict[Moment, tuple[DealState, DealState]]] = field(default_factory=dict)
    """Changes between open, won and lost."""
    shifted: set[int] = field(default_factory=set)
    """Closed deals that moved on without being opened: no new loss."""

    def add(self, events: Iterable[Row]) -> None:
        """Take events in any order; the same one may come again."""
        for event in events:
            moment = _moment(event)
            before, after = stage_in(event.get("value_before")), stage_in(event.get("value_after"))
            if event.get("type") != STATUS or moment[0] >= self.cutoff or after is None or before == after:
                continue
            lead = entity_of(event)[1]
            if self.keep_stages:
                self.last[lead] = max(moment[0], self.last.get(lead, 0))
            was, now = (None if before is None else state_of(before[1])), state_of(after[1])
            if was is not None and was is not now:
                self.states.setdefault(lead, {})[moment] = (was, now)
            elif now is not DealState.OPEN:
                self.shifted.add(lead)

    def entered(self, lead: int, state: DealState) -> int | None:
        """When it last came into `state`; None if not since the horizon."""
        turns = [moment for moment, (_, now) in self.states.get(lead, {}).items() if now is state]
        return max(turns)[0] if turns else None

    def reopened(self, lead: int, before: int) -> bool:
        """Whether it had been closed and opened again before."""
        turns = self.states.get(lead, {}).items()
        return any(now is DealState.OPEN and moment[0] <= before for moment, (_, now) in turns)

    def closed(self) -> set[int]:
        """Deals that were closed within the horizon."""
        return {
            lead for lead, turns in self.states.items() if any(now is not DealState.OPEN for _, now in turns.values())
        }
