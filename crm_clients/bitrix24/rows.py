"""Describe the rows of Bitrix24's lists as documented, and decode them at the door (docs/crm/bitrix24.md).

Bitrix24 sends numbers as strings or numbers, an empty value as an empty text or null, and a flag as `Y` or `true`. A
row of another form is never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, TypeVar

import msgspec

from crm_clients.bitrix24.values import instant, number
from crm_clients.errors import CrmNonsense, MalformedRow
from crm_clients.shared.rows import CheckedRow, Currency, Id, is_past, malformed

LARGEST_ID = 2**53
Link = Annotated[int, msgspec.Meta(ge=0, le=LARGEST_ID)]
"""The id of another record; 0 for none."""
Flag = Literal["Y", "N"]
_CODE = r"[A-Za-z0-9_:.\-]{1,100}"
Code = Annotated[str, msgspec.Meta(pattern=f"^{_CODE}$")]
"""A word of the portal's: a stage, a provider, a directory."""
Semantics = Literal["P", "S", "F"]
"""In work, won, lost."""
_CALL_CODE = re.compile(r"\d{3}(-S)?|OTHER", re.IGNORECASE)
_BOUND = re.compile(r"[A-Za-z0-9]{1,12}_\d{1,16}")
_DEAL = "D_"
_SEMANTICS = {None, "P", "S", "F"}
_WORDS = {"", "process", "success", "failure", "apology"}

R = TypeVar("R", bound="PortalRow")


class PortalRow(CheckedRow, frozen=True):
    """Hold what the rows of all lists share."""

    past: ClassVar[tuple[str, ...]] = ()
    """Fields that hold an instant of the past."""
    planned: ClassVar[tuple[str, ...]] = ()
    """Fields that hold any other instant."""
    is_endless_none: ClassVar[bool] = True
    """Whether the year 9999 in a planned field means none, as in activities."""
    owner: ClassVar[str] = ""
    """Field that holds the responsible user; empty where a row tells none."""

    @property
    def manager(self) -> str:
        """Give the responsible user; empty for nobody. Only for rows with an `owner`."""
        return str(getattr(self, self.owner) or "")

    @classmethod
    def select(cls) -> list[str]:
        """List the fields to ask for, where the portal spells the fields alike in questions and answers."""
        return list(cls.__struct_fields__)


class DealRow(PortalRow, frozen=True):
    """Describe a deal."""

    past = ("createdTime", "movedTime", "updatedTime")
    owner = "assignedById"

    id: Id
    assignedById: Link | None  # noqa: N815  # the portal's spelling, here and below
    stageId: Code  # noqa: N815
    categoryId: Link  # noqa: N815
    createdTime: datetime  # noqa: N815
    movedTime: datetime | None  # noqa: N815
    updatedTime: datetime  # noqa: N815
    closed: Flag
    opportunity: Decimal | None
    title: str | None = None
    stageSemanticId: Semantics | None = None  # noqa: N815
    currencyId: Currency | None = None  # noqa: N815
    isRecurring: Flag | None = None  # noqa: N815
    movedBy: Link | None = None  # noqa: N815
    raw: Mapping[str, Any] = {}
    """The row as sent, for the fields that the settings name."""


class MoveRow(PortalRow, frozen=True):
    """Describe a row of the stage history of deals."""

    past = ("CREATED_TIME",)

    ID: Id
    OWNER_ID: Id
    CREATED_TIME: datetime
    STAGE_ID: Code
    CATEGORY_ID: Link
    STAGE_SEMANTIC_ID: Semantics | None = None


class ActivityRow(PortalRow, frozen=True):
    """Describe an activity."""

    past = ("CREATED", "LAST_UPDATED")
    planned = ("DEADLINE",)
    owner = "RESPONSIBLE_ID"

    ID: Id
    OWNER_ID: Link
    OWNER_TYPE_ID: Annotated[int, msgspec.Meta(ge=0, le=2000)]
    TYPE_ID: Annotated[int, msgspec.Meta(ge=0, le=99)]
    RESPONSIBLE_ID: Link | None
    COMPLETED: Flag
    CREATED: datetime
    LAST_UPDATED: datetime
    PROVIDER_ID: Code | None
    DEADLINE: datetime | None
    DIRECTION: Literal["0", "1", "2", 0, 1, 2] | None
    ASSOCIATED_ENTITY_ID: Link | None = None
    SUBJECT: str | None = None
    ORIGIN_ID: str | None = None
    IS_INCOMING_CHANNEL: Flag | None = None


class MeetingRow(PortalRow, frozen=True, kw_only=True):
    """Describe an activity that may be a meeting."""

    past = ("LAST_UPDATED",)
    planned: ClassVar[tuple[str, ...]] = ("START_TIME",)
    owner = "RESPONSIBLE_ID"

    ID: Id
    TYPE_ID: Annotated[int, msgspec.Meta(ge=0, le=99)]
    RESPONSIBLE_ID: Link | None
    COMPLETED: Flag
    LAST_UPDATED: datetime
    START_TIME: datetime
    PROVIDER_ID: Code | None
    OWNER_ID: Link | None = None
    OWNER_TYPE_ID: Link | None = None
    SUBJECT: str | None = None


class TodoRow(MeetingRow, frozen=True, kw_only=True):
    """Describe a universal activity that may be a meeting."""

    planned: ClassVar[tuple[str, ...]] = ("START_TIME", "END_TIME")

    END_TIME: datetime | None
    SETTINGS: dict[str, Any] | list[None] | None = None
    """An empty list where PHP sends an empty map."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Give what the editor of to-dos keeps: colour, attendees, room, calendar."""
        return self.SETTINGS if isinstance(self.SETTINGS, dict) else {}


FINISHED, DECLINED = 5, 7
CLOSED_TASK = frozenset({FINISHED, DECLINED})
"""Status of a closed task; in all other states a task is open."""


class TaskRow(PortalRow, frozen=True):
    """Describe a task of the tasks module."""

    past = ("createdDate", "closedDate", "changedDate")
    planned = ("deadline",)
    is_endless_none = False
    owner = "responsibleId"

    id: Id
    responsibleId: Link | None  # noqa: N815
    status: Annotated[int, msgspec.Meta(ge=-3, le=7)]
    """Negative where the portal tells by it that an open task is overdue or new."""
    deadline: datetime | None
    createdDate: datetime  # noqa: N815
    closedDate: datetime | None  # noqa: N815
    changedDate: datetime | None  # noqa: N815
    ufCrmTask: list[str] | dict[str, str] | bool | None  # noqa: N815
    """What the task is bound to, as `D_1001` for a deal; false for nothing."""
    title: str | None = None

    def __post_init__(self) -> None:
        """Refuse bindings of another form."""
        super().__post_init__()
        if self.ufCrmTask is True or not all(map(_BOUND.fullmatch, self._bound())):
            raise ValueError("`ufCrmTask` is not a list of bindings")

    @property
    def deals(self) -> frozenset[str]:
        """List the deals that the task is bound to."""
        return frozenset(name.removeprefix(_DEAL) for name in self._bound() if name.startswith(_DEAL))

    def _bound(self) -> Sequence[str]:
        bound = self.ufCrmTask or ()
        return list(bound.values()) if isinstance(bound, dict) else bound if isinstance(bound, list) else ()


class CallRow(PortalRow, frozen=True):
    """Describe a call of the call statistics."""

    past = ("CALL_START_DATE",)
    owner = "PORTAL_USER_ID"

    ID: Id
    PORTAL_USER_ID: Link | None
    CALL_TYPE: Annotated[int, msgspec.Meta(ge=1, le=5)]
    CALL_DURATION: Annotated[int, msgspec.Meta(ge=0, le=7 * 86_400)]
    CALL_START_DATE: datetime
    CALL_FAILED_CODE: str | int | None = None
    PHONE_NUMBER: str | None = None
    CRM_ENTITY_TYPE: str | None = None
    CRM_ENTITY_ID: Link | None = None

    def __post_init__(self) -> None:
        """Refuse a result that is no code."""
        super().__post_init__()
        if self.CALL_FAILED_CODE is not None and not _CALL_CODE.fullmatch(str(self.CALL_FAILED_CODE)):
            raise ValueError("`CALL_FAILED_CODE` is no code")


class CompanyRow(PortalRow, frozen=True, kw_only=True):
    """Describe a company."""

    past: ClassVar[tuple[str, ...]] = ("createdTime",)

    id: Id
    createdTime: datetime  # noqa: N815
    createdBy: Link | None  # noqa: N815
    assignedById: Link | None  # noqa: N815
    isMyCompany: Flag | None = None  # noqa: N815
    title: str | None = None


class OwnedCompanyRow(CompanyRow, frozen=True, kw_only=True):
    """Describe a company that counts for its responsible user, who may have changed."""

    past = ("createdTime", "updatedTime")

    updatedTime: datetime  # noqa: N815


class CommentRow(PortalRow, frozen=True):
    """Describe a comment in a deal's timeline."""

    past = ("CREATED",)

    ID: Id
    CREATED: datetime
    AUTHOR_ID: Link
    ENTITY_ID: Id | None = None
    """The deal; None where the portal does not repeat what was asked."""


class BindingRow(PortalRow, frozen=True):
    """Describe an object to which an activity is bound."""

    entityTypeId: Id  # noqa: N815
    entityId: Id  # noqa: N815


class StageExtra(msgspec.Struct, frozen=True):
    """Hold the word for won, lost or in work that some portals send beside the letter."""

    SEMANTICS: str | None = None


class StatusRow(PortalRow, frozen=True):
    """Describe an entry of a directory: a stage, a source, an industry."""

    ID: Id
    ENTITY_ID: Code
    STATUS_ID: str
    NAME: str | None = None
    SEMANTICS: str | None = None
    SORT: int | None = None
    """Place among the entries of the directory; equal places are in the order of ids."""
    EXTRA: StageExtra | list[None] | None = None
    """An empty list where PHP sends an empty map."""

    @property
    def is_stage(self) -> bool:
        """Tell whether the entry is a stage of deals; other directories have forms of their own."""
        return self.ENTITY_ID.startswith("DEAL_STAGE")

    @property
    def word(self) -> str:
        """Give the word for won, lost or in work; empty for none."""
        return (self.EXTRA.SEMANTICS or "") if isinstance(self.EXTRA, StageExtra) else ""

    def __post_init__(self) -> None:
        """Refuse a stage without a usable name, or of an unknown meaning."""
        super().__post_init__()
        if self.is_stage and not re.fullmatch(_CODE, self.STATUS_ID):
            raise ValueError("`STATUS_ID` is no name")
        if self.is_stage and (self.SEMANTICS not in _SEMANTICS or self.word not in _WORDS):
            raise ValueError("`SEMANTICS` is no meaning of a stage")


class FunnelRow(PortalRow, frozen=True):
    """Describe a funnel of deals; the first has the id 0."""

    id: Link
    name: object = None
    """As people read the funnel; decides nothing."""


class UserRow(PortalRow, frozen=True):
    """Describe an account."""

    ID: Id
    ACTIVE: bool | Flag
    UF_DEPARTMENT: list[Link] | dict[str, Link] | bool | None = None
    USER_TYPE: Annotated[str, msgspec.Meta(pattern=r"^[a-z_]{1,30}$")] | None = None
    NAME: str | None = None
    LAST_NAME: str | None = None
    EMAIL: str | None = None

    def __post_init__(self) -> None:
        """Refuse departments of another form."""
        super().__post_init__()
        if self.UF_DEPARTMENT is True:
            raise ValueError("`UF_DEPARTMENT` is no list")

    @property
    def departments(self) -> Iterator[int]:
        """List the account's own departments."""
        own = self.UF_DEPARTMENT or ()
        yield from own.values() if isinstance(own, dict) else own if isinstance(own, list) else ()


class DepartmentRow(PortalRow, frozen=True):
    """Describe a department."""

    ID: Id
    PARENT: Link | None = None
    """The department above; missing at the top."""


class ProfileRow(PortalRow, frozen=True):
    """Describe the webhook's own user."""

    ID: Id


def portal_row(raw: Any, row_type: type[R], what: str, now: datetime) -> R:
    """Decode a row. Raises MalformedRow with the row's id; an instant of the past later than `now` fits no row."""
    if not isinstance(raw, Mapping):
        raise malformed(raw, what, "is no row")
    row = {name: None if value == "" else value for name, value in raw.items()}
    try:
        for name in row_type.past:
            row[name] = at = instant(raw[name])
            if at is not None and not is_past(at, now):
                raise ValueError(f"`{name}` is out of range")
        for name in row_type.planned:
            row[name] = instant(raw[name], endless=row_type.is_endless_none)
        row["raw"] = raw  # for the rows that keep it
        return msgspec.convert(row, row_type, strict=False)
    except KeyError as error:
        raise malformed(raw, what, f"lacks `{error.args[0]}`") from None
    except (CrmNonsense, ValueError, OverflowError) as error:  # msgspec's ValidationError is a ValueError
        raise malformed(raw, what, error) from None


def owner_of(name: str) -> Callable[[Mapping[str, Any]], str]:
    """Read whose a raw row is by a field; empty where the field names no user."""

    def owner(raw: Mapping[str, Any]) -> str:
        try:
            user = number(raw.get(name))
        except CrmNonsense:
            return ""
        return str(user) if 0 < user <= LARGEST_ID else ""

    return owner


def single_row(value: Any, row_type: type[R], what: str, now: datetime) -> R:
    """Decode the answer of a single call. Raises MalformedRow."""
    if not isinstance(value, Mapping):
        raise MalformedRow(f"{what}: the answer is no row")
    return portal_row(value, row_type, what, now)
