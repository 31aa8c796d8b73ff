"""Describe the rows that are read from Odoo, and decode them: False is Odoo's empty value, and null is none at all.

A field with a default may be empty; every field that is asked for must be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import msgspec

from crm_clients.odoo.values import Choice, DocumentId, Id, Model, Naive, Reference, id_of
from crm_clients.shared.rows import CheckedRow, Currency, malformed, typed_row

NOBODY = "nobody"
"""Stands for the user of a row that belongs to no user; no CRM user has this id."""

_BOOLEANS = frozenset({"active"})


class OdooRow(CheckedRow, frozen=True):
    """Hold the id that pages are read by."""

    id: Id


R = TypeVar("R", bound=OdooRow)


class UserRow(OdooRow, frozen=True):
    """Describe an account."""

    login: str
    active: bool
    partner_id: Reference
    company_id: Reference
    company_ids: list[Id]
    """Companies whose records the user may see, as far as the key's user may know."""
    name: str = ""


class TeamRow(OdooRow, frozen=True):
    """Describe a sales team."""

    active: bool
    member_ids: list[Id]
    name: str = ""


class OwnCompanyRow(OdooRow, frozen=True):
    """Describe a company that works with this Odoo."""

    currency_id: tuple[Id, Currency]
    name: str = ""


class StageRow(OdooRow, frozen=True):
    """Name a stage."""


class StageOrderRow(OdooRow, frozen=True):
    """Describe a stage by its place among others, but for the field of sales teams, which differs by version."""

    sequence: int
    name: str = ""


class SubtypeRow(OdooRow, frozen=True):
    """Name a subtype of messages."""


class ActivityTypeRow(OdooRow, frozen=True):
    """Describe a type of activities."""

    name: str = ""
    category: Choice = ""


class LeadRow(OdooRow, frozen=True):
    """Describe an opportunity, but for the fields that differ from database to database."""

    active: bool
    probability: Decimal
    create_date: Naive
    write_date: Naive
    expected_revenue: Decimal
    name: str = ""
    user_id: Reference | None = None
    team_id: Reference | None = None
    stage_id: Reference | None = None
    date_conversion: Naive | None = None
    date_closed: Naive | None = None
    date_last_stage_update: Naive | None = None
    date_open: Naive | None = None
    company_currency: tuple[Id, Currency] | None = None

    def __post_init__(self) -> None:
        """Refuse a probability that is no percentage."""
        super().__post_init__()
        if not 0 <= self.probability <= 100:
            raise ValueError("`probability` is out of range")


class LeadIdRow(OdooRow, frozen=True):
    """Name a deal and its salesperson."""

    user_id: Reference | None = None


class ActivityRow(OdooRow, frozen=True):
    """Describe a planned activity."""

    date_deadline: date
    create_date: Naive
    write_date: Naive
    user_id: Reference | None = None
    summary: str = ""
    activity_type_id: Reference | None = None
    res_model: Model = ""
    res_id: DocumentId = 0


class KeptActivityRow(ActivityRow, frozen=True, kw_only=True):
    """Describe an activity where done activities are kept, archived: since Odoo 17."""

    active: bool


class DatedActivityRow(KeptActivityRow, frozen=True, kw_only=True):
    """Describe an activity with the date on which a done activity was done."""

    date_done: date | None = None


class BindingRow(OdooRow, frozen=True):
    """Tell the document of an activity."""

    res_id: DocumentId = 0


class EventRow(OdooRow, frozen=True):
    """Describe a calendar meeting of a deal."""

    create_date: Naive
    stop: Naive
    opportunity_id: Reference
    name: str = ""
    user_id: Reference | None = None


class PartnerRow(OdooRow, frozen=True):
    """Describe a company among the contacts."""

    active: bool
    create_date: Naive
    write_date: Naive
    name: str = ""
    create_uid: Reference | None = None
    user_id: Reference | None = None


class DoneActivityRow(OdooRow, frozen=True):
    """Describe the message of a done activity."""

    date: Naive
    mail_activity_type_id: Reference
    author_id: Reference | None = None
    model: Model = ""
    res_id: DocumentId = 0
    record_name: str = ""


class CommentRow(OdooRow, frozen=True):
    """Describe a message of a person on a deal."""

    date: Naive
    res_id: Id
    author_id: Reference | None = None


class MessageRow(OdooRow, frozen=True):
    """Tell the deal of a message."""

    res_id: Id


class TeamChangeRow(OdooRow, frozen=True):
    """Describe a change of a deal's sales team, as administrators see it."""

    create_date: Naive
    mail_message_id: Reference
    old_value_integer: int = 0
    """Id of the team before; 0 for none."""


class MoveRow(OdooRow, frozen=True):
    """Describe a message by which Odoo tells of a change of a deal."""

    date: Naive
    res_id: Id
    message_type: Choice
    subtype_id: Reference | None = None
    author_id: Reference | None = None
    """Contact of the user who made the change."""


def decoded(row: Any, row_type: type[R], what: str) -> R:
    """Decode a row to `row_type`; further fields are left out. Raises MalformedRow."""
    names = row_type.__struct_fields__
    filled = {name: value for name, value in fields_of(row, names, what).items() if not is_empty(name, value)}
    return typed_row(filled, row_type, what)


def fields_of(row: Any, names: tuple[str, ...], what: str) -> Mapping[str, Any]:
    """Pick fields of a row. Raises MalformedRow if a field is missing or null: Odoo's empty value is False."""
    if not isinstance(row, Mapping):
        raise malformed(row, what, "is no record")
    lacking = [name for name in names if row.get(name) is None]
    if lacking:
        raise malformed(row, what, f"Odoo does not say `{lacking[0]}`")
    return {name: row[name] for name in names}


def is_empty(name: str, value: Any) -> bool:
    """Tell whether a value is Odoo's empty value, and no False of a boolean field."""
    return value is False and name not in _BOOLEANS


def user_of(row: Mapping[str, Any], field: str = "user_id") -> str:
    """Tell whose a raw row is: a user's id, NOBODY for no user, empty where the row does not say."""
    value = row.get(field)
    if value is False:
        return NOBODY
    try:
        return id_of(msgspec.convert(value, Reference))
    except msgspec.ValidationError:
        return ""
