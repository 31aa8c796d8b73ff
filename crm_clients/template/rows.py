"""Describe the rows of the Template API, exactly as documented by the vendor.

A row that lacks a field, or has a field of another type, fails the kind of record instead of being guessed at.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from scoring.records import DealState

Instant = Annotated[datetime, msgspec.Meta(tz=True)]
"""An instant with an offset; an instant without would be ambiguous."""


class Row(msgspec.Struct, frozen=True):
    """Hold the id that pages are read by."""

    id: int


class Account(Row, frozen=True):
    """Describe the owner of the key."""

    is_admin: bool
    """False: the key sees a part of the records, with HTTP 200 and no warning."""


class UserRow(Row, frozen=True):
    """Describe a user."""

    name: str
    active: bool
    robot: bool


class DealRow(Row, frozen=True):
    """Describe a deal."""

    title: str
    owner: int | None
    pipeline: int
    state: DealState
    created_at: Instant
    updated_at: Instant
    stage_since: Instant
    closed_at: Instant | None
    reopened: bool
    amount: Decimal | None
    currency: str
    loss_reason: str
    fields: dict[str, str]
    """Custom fields by name."""


class TaskRow(Row, frozen=True):
    """Describe a task."""

    title: str
    owner: int | None
    due_at: Instant | None
    due_on: date | None
    """Instead of `due_at`, where the task has no time of day."""
    created_at: Instant
    done_at: Instant | None
    deals: list[int]


class CompanyRow(Row, frozen=True):
    """Describe a company."""

    title: str
    creator: int
    owner: int | None
    created_at: Instant


class MeetingRow(Row, frozen=True):
    """Describe a meeting that was held."""

    title: str
    owner: int
    held_at: Instant


class CallRow(Row, frozen=True):
    """Describe a call."""

    title: str
    owner: int
    ended_at: Instant
    seconds: int
    incoming: bool
    answered: bool


class CommentRow(Row, frozen=True):
    """Describe a comment on a deal."""

    deal: int
    created_at: Instant
    robot: bool
