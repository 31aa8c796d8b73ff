"""Describe the rows and values of amoCRM as amoCRM sends them (`docs/crm/amocrm.md`).

A field without a default must be there.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from crm_clients.errors import CrmNonsense
from crm_clients.shared.rows import EARLIEST, LARGEST_AMOUNT, LATEST, Id

FIRST_SECOND = int(EARLIEST.timestamp())
LAST_SECOND = int(LATEST.timestamp())
MAYBE_DATED = ("closed_at", "closest_task_at", "complete_till")
"""Instants that may be null or 0: none."""

UserId = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
"""Id of a user; 0 for nobody, a robot or an integration."""
Second = Annotated[int, msgspec.Meta(ge=FIRST_SECOND, le=LAST_SECOND)]
"""Unix time in seconds, between the years 1990 and 2199."""
MaybeSecond = Annotated[int, msgspec.Meta(ge=0, le=LAST_SECOND)] | None
Word = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9_]{1,80}$")]
"""Name of a type, as amoCRM spells types of events, notes and entities."""
Length = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


_ENTITIES = ("leads", "contacts", "companies")
FIELD_CHANGED = "custom_field_value_changed"
_OF_FIELD = re.compile(r"custom_field_\d{1,20}_value_changed")
_WORD = re.compile(r"[a-z0-9_]{1,80}")


def plain_type(word: object) -> object:
    """Return the type of an event without the field's id, which some accounts put into the name."""
    return FIELD_CHANGED if isinstance(word, str) and _OF_FIELD.fullmatch(word) else word


def is_one_of(word: object, wanted: Collection[str]) -> bool:
    """Tell whether a row is of a wanted type; True for what is no type at all, so that decoding refuses the row.

    An account that does not heed filters gives rows of other types too, of forms that nobody needs to know.
    """
    return not isinstance(word, str) or not _WORD.fullmatch(word) or word in wanted


class WireRow(msgspec.Struct, frozen=True, kw_only=True):
    """Hold what the rows of every list share; deleted rows do not count."""

    id: Id
    is_deleted: bool = False

    def __post_init__(self) -> None:
        """Refuse instants between 0 and 1990, which msgspec cannot describe."""
        for name in MAYBE_DATED:
            if 0 < (getattr(self, name, None) or 0) < FIRST_SECOND:
                raise ValueError(f"{name} lies before the year 1990")


class WireReason(msgspec.Struct, frozen=True):
    """Describe a loss reason inside of a lead."""

    id: Id
    name: Any = None


class WireParts(msgspec.Struct, frozen=True):
    """Describe what `with=loss_reason` adds to a lead."""

    loss_reason: list[WireReason] | None = None


class WireLead(WireRow, frozen=True, kw_only=True, rename={"parts": "_embedded"}):
    """Describe a lead."""

    name: str | None
    price: int | Decimal | None
    responsible_user_id: UserId
    pipeline_id: Id
    status_id: Id
    created_at: Second
    updated_at: Second
    closed_at: MaybeSecond
    closest_task_at: MaybeSecond
    loss_reason_id: Id | None
    custom_fields_values: Any
    parts: WireParts | None = None

    def __post_init__(self) -> None:
        """Refuse absurd sums and instants."""
        super().__post_init__()
        if self.price is not None and not 0 <= self.price <= LARGEST_AMOUNT:
            raise ValueError("price is no sum of money")


class WireFieldValue(msgspec.Struct, frozen=True):
    """Describe a value of a custom field."""

    value: Any


class WireField(msgspec.Struct, frozen=True):
    """Describe a filled custom field of a lead; fields without a value are absent."""

    field_id: Id
    field_code: Annotated[str, msgspec.Meta(pattern=r"^\S{1,255}$")] | None
    values: Annotated[list[WireFieldValue], msgspec.Meta(min_length=1)]


class WireTask(WireRow, frozen=True, kw_only=True):
    """Describe a task."""

    text: str | None
    responsible_user_id: UserId
    complete_till: Annotated[int, msgspec.Meta(ge=0, le=10**12)]
    """Typing errors such as the year 20226 are deadlines."""
    duration: Length
    created_at: Second
    updated_at: Second
    is_completed: bool
    task_type_id: Id
    entity_type: Word | None
    entity_id: UserId | None

    def __post_init__(self) -> None:
        """Refuse half a binding."""
        super().__post_init__()
        if bool(self.entity_type) != bool(self.entity_id):
            raise ValueError("entity_type and entity_id contradict each other")


class WireCompany(WireRow, frozen=True, kw_only=True):
    """Describe a company."""

    name: str | None
    created_by: UserId
    responsible_user_id: UserId
    created_at: Second


class WireNote(WireRow, frozen=True, kw_only=True):
    """Describe a note: a comment or a call."""

    note_type: Word
    entity_id: Id
    created_by: UserId
    responsible_user_id: UserId
    created_at: Second
    updated_at: Second
    params: dict[str, Any] | Annotated[list[Any], msgspec.Meta(max_length=0)]
    """PHP sends an empty map as an empty list."""


class WireCall(msgspec.Struct, frozen=True, kw_only=True):
    """Describe the parameters of a note about a call; telephonies fill in what they know."""

    id: Id
    """Id of the note."""
    duration: int | str | None = None
    call_status: int | str | None = None
    phone: int | str | None = None
    uniq: int | str | None = None
    call_responsible: int | str | None = None


class WireEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Describe an event; ids are texts that begin with the time."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    type: Word
    entity_type: Word
    entity_id: Id
    created_at: Second
    value_before: Any
    value_after: Any
    created_by: Any = None
    """Checked only where somebody asks who made the change."""


class WireStage(msgspec.Struct, frozen=True):
    """Describe a stage inside of an event."""

    id: Id
    pipeline_id: Id


class WireOwner(msgspec.Struct, frozen=True):
    """Describe a responsible user inside of an event."""

    id: UserId | None


class WireSale(msgspec.Struct, frozen=True):
    """Describe a sum inside of an event."""

    sale: Any


class WireGroup(msgspec.Struct, frozen=True):
    """Describe a group of users."""

    id: UserId


class WireGroups(msgspec.Struct, frozen=True):
    """Describe what `with=group` adds to a user."""

    groups: list[WireGroup]


class WireUserRights(msgspec.Struct, frozen=True):
    """Describe the part of a user's rights that the list of users needs."""

    is_active: bool
    group_id: UserId | None


class WireUser(msgspec.Struct, frozen=True, rename={"parts": "_embedded"}):
    """Describe a user."""

    id: Id
    name: str
    rights: WireUserRights
    parts: WireGroups


class WireStatus(msgspec.Struct, frozen=True):
    """Describe a stage of a funnel."""

    id: Id
    type: Annotated[int, msgspec.Meta(ge=0, le=9)]
    name: str | None
    sort: Annotated[int, msgspec.Meta(ge=0, le=10**9)]
    """Place in the funnel's order."""


class WireStatuses(msgspec.Struct, frozen=True):
    """Describe what a funnel consists of."""

    statuses: list[Any]


class WirePipeline(msgspec.Struct, frozen=True, rename={"parts": "_embedded"}):
    """Describe a funnel; amoCRM hides archived funnels and all leads in archived funnels."""

    id: Id
    name: str | None
    is_archive: bool
    parts: WireStatuses


class WireTaskType(msgspec.Struct, frozen=True):
    """Describe a type of tasks."""

    id: Id
    name: str
    code: str | None


class WireZone(msgspec.Struct, frozen=True):
    """Describe what `with=datetime_settings` adds to the account."""

    timezone: str


class WireAccountParts(msgspec.Struct, frozen=True):
    """Describe what `with=datetime_settings,task_types` adds to the account."""

    datetime_settings: WireZone
    task_types: list[Any]


class WireAccount(msgspec.Struct, frozen=True, rename={"parts": "_embedded"}):
    """Describe the account."""

    id: Id
    name: str
    current_user_id: Id
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$")]
    parts: WireAccountParts
    is_api_filter_enabled: Any = None
    is_loss_reason_enabled: Any = None


class WireView(msgspec.Struct, frozen=True):
    """Describe a right to view: A is everything."""

    view: str


class WireStatusRight(msgspec.Struct, frozen=True):
    """Describe the rights to a stage."""

    rights: WireView


class WireViews(msgspec.Struct, frozen=True):
    """Describe the rights of a user that decide what is visible."""

    leads: WireView
    contacts: WireView
    companies: WireView
    is_admin: bool
    status_rights: list[WireStatusRight] | None = None


class WireOwnerOfToken(msgspec.Struct, frozen=True):
    """Describe the user whose rights a token has."""

    id: Id
    name: str
    rights: WireViews


def as_int(value: object) -> int:
    """Convert a value to an integer; null, empty and malformed values give 0."""
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]  # malformed values are caught below
    except (TypeError, ValueError, OverflowError):
        return 0


def as_instant(seconds: object) -> datetime:
    """Convert Unix seconds to an aware instant. Raises CrmNonsense for other values."""
    try:
        return datetime.fromtimestamp(int(seconds), UTC)  # type: ignore[call-overload]  # checked by converting
    except (TypeError, ValueError, OverflowError, OSError):
        raise CrmNonsense("amoCRM gave a date that is no Unix time") from None


def encode_entity(kind: object, number: int) -> int:
    """Encode kind and id of an entity as a single integer, to save memory; 0 for no entity."""
    return number * 4 + _ENTITIES.index(str(kind)) + 1 if kind in _ENTITIES and number else 0


def entity_path(code: int) -> str:
    """Build the page address of an encoded entity, relative to the account's host; empty for no entity."""
    return f"{_ENTITIES[code % 4 - 1]}/detail/{code // 4}" if code else ""
