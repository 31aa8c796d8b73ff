"""Collect the values at the cutoff from amoCRM's events since then.

The old value of an event stands in `value_before`; the form differs by type (`docs/crm/amocrm.md`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from crm_clients.amocrm.stages import Stage, deal_state
from crm_clients.amocrm.wire import (
    FIELD_CHANGED,
    FIRST_SECOND,
    LAST_SECOND,
    UserId,
    WireEvent,
    WireOwner,
    WireSale,
    WireStage,
    as_int,
    plain_type,
)
from crm_clients.errors import MalformedRow
from crm_clients.shared.rows import LARGEST_AMOUNT, malformed
from scoring.records import DealState

Moment = tuple[int, str]
"""Second and id of an event: ids order the events of a second, for each id begins with the time."""

STAGE_CHANGED, OWNER_CHANGED, PRICE_CHANGED = (
    "lead_status_changed",
    "entity_responsible_changed",
    "sale_field_changed",
)
TASK_DONE, DEADLINE_CHANGED, TASK_DELETED = "task_completed", "task_deadline_changed", "task_deleted"
TASK_ADDED = "task_added"
NOTE_DELETED = "common_note_deleted"
FIELD_EVENTS = (FIELD_CHANGED, "name_field_changed")
"""Events that tell of a changed field of a lead; the values are of too many forms to be read."""
LEAD_EVENTS = (STAGE_CHANGED, OWNER_CHANGED, PRICE_CHANGED)
TASK_EVENTS = (
    TASK_DONE,
    DEADLINE_CHANGED,
    TASK_DELETED,
    OWNER_CHANGED,
    TASK_ADDED,
    "task_text_changed",
    "task_type_changed",
    "task_result_added",
)
T = TypeVar("T")
_ANY_KIND = frozenset({"lead", "contact", "company", "customer", "task"})
_KINDS = {
    STAGE_CHANGED: frozenset({"lead"}),
    PRICE_CHANGED: frozenset({"lead", "customer"}),
    **dict.fromkeys(TASK_EVENTS, frozenset({"task"})),
    OWNER_CHANGED: _ANY_KIND,
}
_SINGULAR = {"leads": "lead", "tasks": "task", "companies": "company", "contacts": "contact", "customers": "customer"}
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
    explained: dict[tuple[str, int], int] = field(default_factory=dict)
    """Second of the last event, by kind and id of the task or lead."""
    fields: set[int] = field(default_factory=set)
    """Leads with a changed field."""
    tells_fields: bool = True
    """Whether the account tells of changed fields."""
    reopened: set[int] = field(default_factory=set)
    """Deals that were closed and have been opened."""
    deleted_tasks: set[int] = field(default_factory=set)
    """Tasks that were deleted: the event does not name the deal."""
    added_tasks: set[int] = field(default_factory=set)

    def add(self, events: Iterable[WireEvent]) -> None:
        """Add events, in any order; a repeated event changes nothing. Raises MalformedRow."""
        for event in events:
            moment = moment_of(event)
            if moment[0] >= self.cutoff:
                self._add(str(plain_type(event.type)), *entity_of(event), moment, event)

    def _add(self, name: str, kind: str, key: int, moment: Moment, event: WireEvent) -> None:
        if kind in ("task", "lead"):
            self.explained[kind, key] = max(moment[0], self.explained.get((kind, key), 0))
        if name in FIELD_EVENTS and kind == "lead":
            self.fields.add(key)
        elif name == STAGE_CHANGED:
            before, after = stages_of(event)
            _keep_first(self.stages, key, moment, before)
            self._note_reopening(key, before, after)
        elif name == OWNER_CHANGED:
            _keep_first(self.owners, (kind, key), moment, owner_before(event))
        elif name == PRICE_CHANGED:
            _keep_first(self.prices, key, moment, price_before(event))
        elif name == DEADLINE_CHANGED:
            _keep_first(self.deadlines, key, moment, deadline_in(event.value_before))
        elif name == TASK_DONE:
            self.done[key] = min(moment[0], self.done.get(key, moment[0]))
        elif name == TASK_DELETED:
            self.deleted_tasks.add(key)
        elif name == TASK_ADDED:
            self.added_tasks.add(key)

    def _note_reopening(self, lead: int, before: Stage, after: Stage) -> None:
        if deal_state(before[1]) is not DealState.OPEN and deal_state(after[1]) is DealState.OPEN:
            self.reopened.add(lead)

    def owner(self, kind: str, key: int, present: int) -> int:
        """Return the user responsible at the cutoff, given the present user."""
        return self.owners[kind, key][1] if (kind, key) in self.owners else present

    @property
    def lost_tasks(self) -> int:
        """Return how many tasks existed at the cutoff and were deleted since."""
        return len(self.deleted_tasks - self.added_tasks)

    def explain(self, kind: str, key: int, updated: int) -> bool:
        """Tell whether the row of a task or lead, updated at a second, has no change that no event tells of.

        No event tells that a completed task was opened again, or that a loss reason was set.
        """
        return updated < self.cutoff or self.explained.get((kind, key), 0) + EXPLAINED_SECONDS >= updated


def entity_of(event: WireEvent) -> tuple[str, int]:
    """Return kind (singular) and id of the entity that an event is about. Raises MalformedRow for an unknown kind."""
    kind = _SINGULAR.get(event.entity_type, event.entity_type)
    if kind not in _KINDS.get(event.type, _ANY_KIND):
        raise malformed_event(event, f"an entity_type that no {event.type} has")
    return kind, event.entity_id


def moment_of(event: WireEvent) -> Moment:
    """Return the moment of an event, by which events are ordered."""
    return event.created_at, event.id


def is_completion(event: WireEvent, before: int) -> bool:
    """Tell whether an event completed a task before an instant."""
    return event.type == TASK_DONE and event.created_at < before


def stages_of(event: WireEvent) -> tuple[Stage, Stage]:
    """Return the stages before and after a change of stage. Raises MalformedRow."""
    before, after = (_part(event, value, "lead_status", WireStage) for value in (event.value_before, event.value_after))
    return (before.pipeline_id, before.id), (after.pipeline_id, after.id)


def author_of(event: WireEvent) -> int:
    """Return the user who made a change; 0 for a robot or an integration. Raises MalformedRow."""
    try:
        return msgspec.convert(event.created_by, UserId)
    except msgspec.ValidationError as error:
        raise malformed_event(event, f"created_by: {error}") from None


def owner_before(event: WireEvent) -> int:
    """Return the responsible user before a change of owner; 0 for nobody. Raises MalformedRow."""
    return _part(event, event.value_before, "responsible_user", WireOwner).id or 0


def price_before(event: WireEvent) -> Decimal | None:
    """Return the sum before a change of the sum; None for none. Raises MalformedRow."""
    sale = _part(event, event.value_before, "sale_field_value", WireSale).sale
    if sale is None or sale == "":
        return None
    with suppress(ArithmeticError, ValueError):
        if isinstance(sale, int | str | Decimal) and 0 <= (amount := Decimal(sale)) <= LARGEST_AMOUNT:
            return amount
    raise malformed_event(event, "a sum that is no number")


def malformed_event(event: WireEvent, problem: object) -> MalformedRow:
    """Describe an event that does not fit."""
    return malformed({"id": event.id}, event.type, problem)


def deadline_in(value: object) -> int | None:
    """Extract the Unix time from the value of a moved deadline; the form is not documented."""
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif FIRST_SECOND <= (seconds := as_int(part)) <= LAST_SECOND:
            return seconds
    return None


def _part(event: WireEvent, value: object, name: str, part_type: type[T]) -> T:
    """Extract `{…}` from `[{name: {…}}]`. Raises MalformedRow."""
    first = value[0] if isinstance(value, list) and value else value
    part = first.get(name) if isinstance(first, dict) else None
    try:
        return msgspec.convert(part, part_type)
    except msgspec.ValidationError as error:
        detail = f" {part['id']}" if isinstance(part, dict) and "id" in part else ""
        raise malformed_event(event, f"{name}{detail}: {error}") from None


def _keep_first(kept: dict[Any, tuple[Moment, Any]], key: Any, moment: Moment, value: Any) -> None:
    if key not in kept or moment < kept[key][0]:
        kept[key] = (moment, value)
