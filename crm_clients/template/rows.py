"""Describe the rows of the Template API, exactly as documented by the vendor.

A row that lacks a field, or has a field of another type, fails the kind of record instead of being guessed at.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from crm_clients.shared.rows import CheckedRow, Currency, Id
from scoring.records import DealState

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant with an offset; an instant without would be ambiguous."""


class Row(CheckedRow, frozen=True):
    """Hold the id that pages are read by."""

    id: Id


class Account(Row, frozen=True):
    """Describe the owner of the key."""

    is_admin: bool
    """False: the key sees a part of the records, with HTTP 200 and no warning."""


class UserRow(Row, frozen=True):
    """Describe a user."""

    name: str
    active: bool
    robot: bool


class StageRow(Row, frozen=True):
    """Describe a stage of a pipeline."""

    pipeline: Id
    place: int
    """Place in the pipeline's order."""


class DealRow(Row, frozen=True):
    """Describe a deal."""

    title: str
    owner: Id | None
    pipeline: Id
    stage: Id
    state: DealState
    moved_by: Id | None
    """The user who moved the deal into its state."""
    created_at: Instant
    updated_at: Instant
    stage_since: Instant
    closed_at: Instant | None
    reopened: bool
    amount: Decimal | None
    currency: Currency
    loss_reason: str
    fields: dict[str, str]
    """Custom fields by name."""

    def __post_init__(self) -> None:
        """Refuse a closed deal without its date, and a sum without its currency."""
        super().__post_init__()
        if self.state is not DealState.OPEN and self.closed_at is None:
            raise ValueError("`closed_at` is missing")
        if self.amount is not None and not self.currency:
            raise ValueError("`currency` is missing")


class TaskRow(Row, frozen=True):
    """Describe a task."""

    title: str
    owner: Id | None
    due_at: Instant | None
    due_on: date | None
    """Instead of `due_at`, where the task has no time of day."""
    created_at: Instant
    done_at: Instant | None
    deals: list[Id]


class CompanyRow(Row, frozen=True):
    """Describe a company."""

    title: str
    creator: Id
    owner: Id | None
    created_at: Instant


class MeetingRow(Row, frozen=True):
    """Describe a meeting that was held."""

    title: str
    owner: Id
    held_at: Instant


class CallRow(Row, frozen=True):
    """Describe a call."""

    title: str
    owner: Id
    ended_at: Instant
    seconds: Annotated[int, msgspec.Meta(ge=0, le=86_400)]
    incoming: bool
    answered: bool


class CommentRow(Row, frozen=True):
    """Describe a comment on a deal."""

    deal: Id
    created_at: Instant
    robot: bool
