"""Parse leads and tasks: the values of a row that the client keeps while reading."""

from __future__ import annotations

from typing import NamedTuple

from crm_clients.amocrm.account import Account
from crm_clients.amocrm.answers import Row
from crm_clients.amocrm.changes import Stage
from crm_clients.amocrm.values import as_int, encode_entity


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
    """Entity that the task belongs to, encoded (`values.encode_entity`)."""
    lead: int
    """Lead that the task belongs to; 0 for another entity."""

    @classmethod
    def parse(cls, row: Row) -> TaskRow:
        """Convert a task of the API."""
        entity, number = row.get("entity_type"), as_int(row.get("entity_id"))
        return cls(
            id=as_int(row["id"]),
            text=str(row.get("text") or ""),
            owner=as_int(row.get("responsible_user_id")),
            due=as_int(row.get("complete_till")),
            duration=as_int(row.get("duration")),
            created=as_int(row.get("created_at")),
            updated=as_int(row.get("updated_at")),
            done=bool(row.get("is_completed")),
            type=as_int(row.get("task_type_id")),
            entity=encode_entity(entity, number),
            lead=number if entity == "leads" else 0,
        )

    def title(self, account: Account) -> str:
        """Return the text; without a text the name of the task's type, else the id."""
        return self.text.strip() or account.task_types.get(self.type, ("", ""))[0] or f"#{self.id}"


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

    @classmethod
    def parse(cls, row: Row, required: frozenset[str]) -> LeadRow:
        """Convert a lead of the API; `required` names the fields to look at."""
        return cls(
            id=as_int(row["id"]),
            name=str(row.get("name") or ""),
            price="" if row.get("price") is None else str(row["price"]),
            owner=as_int(row.get("responsible_user_id")),
            stage=(as_int(row.get("pipeline_id")), as_int(row.get("status_id"))),
            created=as_int(row.get("created_at")),
            updated=as_int(row.get("updated_at")),
            closed=as_int(row.get("closed_at")),
            has_task=row.get("closest_task_at") is not None,
            loss_reason=_loss_reason(row),
            filled=_filled_fields(row, required),
        )


def _loss_reason(row: Row) -> str:
    for reason in (row.get("_embedded") or {}).get("loss_reason") or ():
        if isinstance(reason, dict) and reason.get("id"):
            return str(reason.get("name") or reason["id"])
    return str(row.get("loss_reason_id") or "")


def _filled_fields(row: Row, required: frozenset[str]) -> tuple[str, ...]:
    """Return required fields with a value, by id and by code; sum and owner have a history and are judged apart.

    A custom field without a value is absent from the row.
    """
    if not required:
        return ()
    filled = {"name"} if _has_value(row.get("name")) else set[str]()
    for custom in row.get("custom_fields_values") or ():
        values = custom.get("values") or ()
        if any(_has_value(value.get("value") if isinstance(value, dict) else value) for value in values):
            filled |= {str(custom.get("field_id")), str(custom.get("field_code"))}
    return tuple(filled & required)


def _has_value(value: object) -> bool:
    return value not in (None, "", [], {}) and (not isinstance(value, str) or bool(value.strip()))
