"""Decode the rows of a CRM's list into structs, at the door: a row of another form than documented is never guessed at.

A row that does not fit fails its kind of record (`typed_rows`), or, where its owner is known, the KPIs of the owner
alone (`sifted_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from crm_clients.errors import CrmNonsense, MalformedRow
from crm_clients.shared.redaction import one_line
from scoring.records import RecordKind, Unreadable

Id = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
"""A number of a record; larger numbers are no ids but faults."""
Currency = Annotated[str, msgspec.Meta(pattern=r"^\S{0,10}$")]
"""An ISO 4217 code, or what the CRM calls a currency; empty where a row names none."""
LARGEST_AMOUNT = Decimal(10) ** 15
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
"""No record of a CRM is older."""
AHEAD = timedelta(days=1)
"""How far into the future an instant of the past may lie: clocks differ, and zones are mistaken."""

LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""No deadline of a CRM is later."""

T = TypeVar("T")
Owner = Callable[[Mapping[str, Any]], str]
"""Tells whose a raw row is: a CRM user's id; empty where nobody can tell."""


class CheckedRow(msgspec.Struct, frozen=True):
    """Refuse what no row of a CRM can hold: instants, dates and sums beyond all sense."""

    def __post_init__(self) -> None:
        """Raise ValueError, which msgspec reports as a row that does not fit."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if (isinstance(value, date) and not _is_sensible(value)) or (
                isinstance(value, Decimal) and not is_amount(value)
            ):
                raise ValueError(f"`{name}` is out of range")


def _is_sensible(value: date) -> bool:
    """Tell whether a date, with a time or without, lies between EARLIEST and LATEST."""
    return EARLIEST.year <= value.year < LATEST.year


@dataclass(slots=True)
class Sifted(Generic[T]):
    """Hold the rows of a page that fit, and a fact for each row that does not."""

    rows: list[T] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)


def typed_rows(rows: Any, row_type: type[T], what: str) -> list[T]:
    """Convert decoded rows to `row_type`; `what` names the list in errors.

    Raises CrmNonsense if there is no list, MalformedRow with the id of the first row that does not fit.
    """
    return [typed_row(row, row_type, what) for row in as_list(rows, what)]


def sifted_rows(rows: Any, convert: Callable[[Any], T], what: str, kind: RecordKind, owner: Owner) -> Sifted[T]:
    """Convert decoded rows by `convert`, which raises MalformedRow; a bad row of a known owner fails that owner alone.

    Raises MalformedRow for a bad row whose owner nobody can tell: such a row may touch every member.
    """
    sifted: Sifted[T] = Sifted()
    for row in as_list(rows, what):
        try:
            sifted.rows.append(convert(row))
        except MalformedRow as error:
            sifted.unreadable.append(unreadable(error, kind, owner(row) if isinstance(row, Mapping) else ""))
    return sifted


def unreadable(error: MalformedRow, kind: RecordKind, *users: str) -> Unreadable:
    """State that a row may touch `users`. Raises `error` itself where a user is unknown."""
    if not all(users) or not users:
        raise error
    return Unreadable(kind, frozenset(users), str(error))


def typed_row(row: Any, row_type: type[T], what: str) -> T:
    """Convert a decoded row to `row_type`. Raises MalformedRow with the row's id."""
    try:
        return msgspec.convert(row, row_type)
    except msgspec.ValidationError as error:
        raise malformed(row, what, error) from None


def malformed(row: Any, what: str, problem: object) -> MalformedRow:
    """Describe a row that does not fit: the list, the row's id, the fault."""
    number = row.get("id", row.get("ID")) if isinstance(row, Mapping) else None
    name = "a row without an id" if number is None else f"row {one_line(number, 40)}"
    return MalformedRow(f"{what}: {name}: {one_line(problem, 200)}")


def as_list(rows: Any, what: str) -> Iterable[Any]:
    """Return `rows`. Raises CrmNonsense if that is no list."""
    if not isinstance(rows, list):
        raise CrmNonsense(f"{what}: the answer is not a list")
    return rows


def is_past(at: datetime, now: datetime) -> bool:
    """Tell whether an instant can be one of the past: no earlier than EARLIEST, no later than AHEAD of `now`."""
    return EARLIEST <= at <= now + AHEAD


def is_amount(amount: Decimal) -> bool:
    """Tell whether a number can be a sum of money: finite, and no larger than LARGEST_AMOUNT."""
    return amount.is_finite() and abs(amount) <= LARGEST_AMOUNT
