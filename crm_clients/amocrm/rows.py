"""Parse leads and tasks: the values that the client keeps while reading, and the rows that do not fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from crm_clients.amocrm.account import Account
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.history.changes import ChangesSinceCutoff
from crm_clients.amocrm.session import ReadSession
from crm_clients.amocrm.stages import Stage, deal_state
from crm_clients.amocrm.wire import WireField, WireLead, WireTask, encode_entity
from crm_clients.errors import MalformedRow
from crm_clients.shared.cleaning import clean_title
from crm_clients.shared.rows import malformed
from scoring.records import DealState, RecordKind, Unreadable

T = TypeVar("T")


class TaskRow(NamedTuple):
    """Hold the needed values of a task; instants are Unix seconds, 0 for none."""

    id: int
    text: str
    owner: int
    due: int
    duration: int
    created: int
    updated: int
    done: bool
    type: int
    entity: int
    """Entity that the task belongs to, encoded (`wire.encode_entity`)."""
    lead: int
    """Lead that the task belongs to; 0 for another entity."""
    deleted: bool = False

    @classmethod
    def parse(cls, session: ReadSession, raw: Row) -> TaskRow:
        """Convert a task of the API. Raises MalformedRow."""
        row = session.decode(raw, WireTask, "tasks")
        number = row.entity_id or 0
        return cls(
            id=row.id,
            text=row.text or "",
            owner=row.responsible_user_id,
            due=row.complete_till,
            duration=row.duration,
            created=row.created_at,
            updated=row.updated_at,
            done=row.is_completed,
            type=row.task_type_id,
            entity=encode_entity(row.entity_type, number),
            lead=number if row.entity_type == "leads" else 0,
            deleted=row.is_deleted,
        )

    def title(self, account: Account) -> str:
        """Return the text; without a text the name of the task's type, else the id."""
        return clean_title(self.text.strip()) or account.task_types.get(self.type, ("", ""))[0] or f"#{self.id}"


class LeadRow(NamedTuple):
    """Hold the needed values of a lead; instants are Unix seconds, 0 for none."""

    id: int
    name: str
    price: str
    """Sum as text; empty for none."""
    owner: int
    stage: Stage
    created: int
    updated: int
    closed: int
    has_task: bool
    """Whether the lead has an open task now."""
    loss_reason: str
    """Name of the loss reason, else the id; empty for none."""
    filled: tuple[str, ...]
    """Required fields of any pipeline that have a value."""
    deleted: bool = False

    @classmethod
    def parse(cls, session: ReadSession, raw: Row, required: frozenset[str]) -> LeadRow:
        """Convert a lead of the API; `required` names the fields to look at. Raises MalformedRow."""
        row = session.decode(raw, WireLead, "leads")
        if deal_state(row.status_id) is not DealState.OPEN and not row.closed_at and row.updated_at >= session.start:
            raise malformed(raw, "leads", "a closed lead without closed_at")
        return cls(
            id=row.id,
            name=clean_title((row.name or "").strip()) or f"#{row.id}",
            price="" if row.price is None else str(row.price),
            owner=row.responsible_user_id,
            stage=(row.pipeline_id, row.status_id),
            created=row.created_at,
            updated=row.updated_at,
            closed=row.closed_at or 0,
            has_task=row.closest_task_at is not None,
            loss_reason=_loss_reason(row),
            filled=_filled_fields(row, raw, required),
            deleted=row.is_deleted,
        )


def _loss_reason(row: WireLead) -> str:
    for reason in (row.parts and row.parts.loss_reason) or ():
        return clean_title(reason.name if isinstance(reason.name, str) and reason.name else reason.id)
    return str(row.loss_reason_id or "")


def _filled_fields(row: WireLead, raw: Row, required: frozenset[str]) -> tuple[str, ...]:
    """Return required fields with a value, by id and by code; sum and owner have a history and are judged apart.

    A custom field without a value is absent from the row.
    """
    if not required:
        return ()
    filled = {"name"} if _has_value(row.name) else set[str]()
    try:
        fields = msgspec.convert(row.custom_fields_values or [], list[WireField])
    except msgspec.ValidationError as error:
        raise malformed(raw, "leads", error) from None
    for custom in fields:
        if any(_has_value(value.value) for value in custom.values):
            filled |= {str(custom.field_id), str(custom.field_code)}
    return tuple(filled & required)


def _has_value(value: object) -> bool:
    return value not in (None, "", [], {}) and (not isinstance(value, str) or bool(value.strip()))


class MalformedRows:
    """Sift the rows of a kind of record; hold the rows that do not fit, with the present owner."""

    def __init__(self, kind: RecordKind, entity: str) -> None:
        self._kind, self._entity = kind, entity
        self._held: dict[int, tuple[int, MalformedRow]] = {}

    def sift(self, rows: Iterable[Row], convert: Callable[[Row], T]) -> list[T]:
        """Convert rows. Raises MalformedRow for a bad row without a readable id and owner: any member may own that."""
        fitting = []
        for row in rows:
            try:
                fitting.append(convert(row))
            except MalformedRow as error:
                key, owner = as_id(row.get("id")), as_id(row.get("responsible_user_id"))
                if not key or not owner:
                    raise
                self._held[key] = owner, error
        return fitting

    def facts(self, changes: ChangesSinceCutoff) -> Iterator[Unreadable]:
        """Yield a fact for every bad row: KPIs of the owner now and at the cutoff are not known."""
        for key, (owner, error) in self._held.items():
            users = {owner, changes.owner(self._entity, key, owner)} - {0}
            yield Unreadable(self._kind, frozenset(map(str, users)), str(error))


def as_id(value: object) -> int:
    """Return a value that is an id; 0 for any other value."""
    is_id = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53
    return value if is_id else 0  # type: ignore[return-value]  # checked above
