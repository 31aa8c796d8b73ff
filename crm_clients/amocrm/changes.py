"""Collect the values at the cutoff from amoCRM's events since then.

The old value of an event stands in `value_before`; the form differs by type (`docs/crm/amocrm.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm_clients.amocrm.account import deal_state
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.values import as_int
from scoring.records import DealState

Stage = tuple[int, int]
"""Pipeline and status."""
Moment = tuple[int, str]
"""Second and id of an event: ids order the events of a second, for each id begins with the time."""

STAGE_CHANGED, OWNER_CHANGED, PRICE_CHANGED = (
    "lead_status_changed",
    "entity_responsible_changed",
    "sale_field_changed",
)
TASK_DONE, DEADLINE_CHANGED, TASK_DELETED = "task_completed", "task_deadline_changed", "task_deleted"
NOTE_DELETED = "common_note_deleted"
LEAD_EVENTS = (STAGE_CHANGED, OWNER_CHANGED, PRICE_CHANGED)
TASK_EVENTS = (
    TASK_DONE,
    DEADLINE_CHANGED,
    TASK_DELETED,
    OWNER_CHANGED,
    "task_added",
    "task_text_changed",
    "task_type_changed",
    "task_result_added",
)
_SINGULAR = {"leads": "lead", "tasks": "task", "companies": "company", "contacts": "contact"}
OVERLAP_SECONDS = 120
"""How far a further refresh reaches back behind the last: clocks differ, events may come late."""
EXPLAINED_SECONDS = 2
"""Seconds between an event and the change mark of the row."""


@dataclass(slots=True)
class Checkpoint:
    """Remember up to which second changes have been read."""

    since: int

    def advance(self, now: int) -> int:
        """Return where the next refresh begins, and move the checkpoint up to `now` less the overlap."""
        begin = self.since
        self.since = max(self.since, now - OVERLAP_SECONDS)
        return begin


@dataclass(slots=True)
class ChangesSinceCutoff:
    """Collect old values from events; of several changes of a field the first holds the value of the cutoff."""

    cutoff: int
    stages: dict[int, tuple[Moment, Stage]] = field(default_factory=dict)
    owners: dict[tuple[str, int], tuple[Moment, int]] = field(default_factory=dict)
    prices: dict[int, tuple[Moment, Any]] = field(default_factory=dict)
    deadlines: dict[int, tuple[Moment, int | None]] = field(default_factory=dict)
    done: dict[int, int] = field(default_factory=dict)
    """Second of the first completion after the cutoff, by task."""
    explained: dict[int, int] = field(default_factory=dict)
    """Second of the last event, by task."""
    reopened: set[int] = field(default_factory=set)
    """Deals that were closed and have been opened."""
    task_deleted: bool = False
    """Whether any task was deleted: the event does not name the deal."""

    def add(self, events: Iterable[Row]) -> None:
        """Add events, in any order; a repeated event changes nothing."""
        for event in events:
            moment = moment_of(event)
            if moment[0] >= self.cutoff:
                self._add(str(event.get("type")), *entity_of(event), moment, event)

    def _add(self, name: str, kind: str, key: int, moment: Moment, event: Row) -> None:
        before = event.get("value_before")
        if kind == "task":
            self.explained[key] = max(moment[0], self.explained.get(key, 0))
        if name == STAGE_CHANGED and (stage := stage_in(before)) is not None:
            _keep_first(self.stages, key, moment, stage)
            self._note_reopening(key, stage, stage_in(event.get("value_after")))
        elif name == OWNER_CHANGED:
            _keep_first(self.owners, (kind, key), moment, owner_in(before))
        elif name == PRICE_CHANGED:
            _keep_first(self.prices, key, moment, price_in(before))
        elif name == DEADLINE_CHANGED:
            _keep_first(self.deadlines, key, moment, deadline_in(before))
        elif name == TASK_DONE:
            self.done[key] = min(moment[0], self.done.get(key, moment[0]))
        elif name == TASK_DELETED:
            self.task_deleted = True

    def _note_reopening(self, lead: int, before: Stage, after: Stage | None) -> None:
        was_closed = deal_state(before[1]) is not DealState.OPEN
        if was_closed and after is not None and deal_state(after[1]) is DealState.OPEN:
            self.reopened.add(lead)

    def owner(self, kind: str, key: int, present: int) -> int:
        """Return the user responsible at the cutoff, given the present user."""
        return self.owners[kind, key][1] if (kind, key) in self.owners else present

    def explain(self, task: int, updated: int) -> bool:
        """Tell whether the row of a task, updated at a second, has no change that no event tells of.

        No event tells that a completed task was opened again.
        """
        return updated < self.cutoff or self.explained.get(task, 0) + EXPLAINED_SECONDS >= updated


def entity_of(event: Row) -> tuple[str, int]:
    """Return kind (singular) and id of the entity that an event is about."""
    kind = str(event.get("entity_type") or "")
    return _SINGULAR.get(kind, kind), as_int(event.get("entity_id"))


def moment_of(event: Row) -> Moment:
    """Return the moment of an event, by which events are ordered."""
    return as_int(event.get("created_at")), str(event["id"])


def is_completion(event: Row, before: int) -> bool:
    """Tell whether an event completed a task before an instant."""
    return event.get("type") == TASK_DONE and 0 < as_int(event.get("created_at")) < before


def stage_in(value: object) -> Stage | None:
    """Extract the stage from the value of a changed stage; None if there is none."""
    part = _part(value, "lead_status")
    return (as_int(part.get("pipeline_id")), as_int(part.get("id"))) if part.get("id") else None


def owner_in(value: object) -> int:
    """Extract the responsible user from the value of a changed owner; 0 if there is none."""
    return as_int(_part(value, "responsible_user").get("id"))


def price_in(value: object) -> Any:
    """Extract the sum from the value of a changed sum; None if there is none."""
    return _part(value, "sale_field_value").get("sale")


def deadline_in(value: object) -> int | None:
    """Extract the Unix time from the value of a moved deadline; the form is not documented."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif (seconds := as_int(part)) > 100_000_000:
            return seconds
    return None


def _part(value: object, name: str) -> dict[str, Any]:
    """Extract `{…}` from `[{name: {…}}]`; empty if a part is missing."""
    first = value[0] if isinstance(value, list) and value else value
    part = first.get(name) if isinstance(first, dict) else None
    return part if isinstance(part, dict) else {}


def _keep_first(kept: dict[Any, tuple[Moment, Any]], key: Any, moment: Moment, value: Any) -> None:
    if key not in kept or moment < kept[key][0]:
        kept[key] = (moment, value)
