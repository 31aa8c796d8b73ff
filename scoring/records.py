"""Define the facts that a CRM states, in neutral words.

Ids are strings as the CRM gives them, instants are aware, money is exact. A record states the present and since when
it holds, so that `scoring.tally` derives the state at the cutoff from a reading that began a little later.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

import msgspec

from scoring.causes import Cause


class RecordKind(StrEnum):
    """Name a kind of record that a client reads, or fails to read, as a whole."""

    DEALS = "deals"
    """Deals open now, and deals that entered a won or lost state since the window's start, until now."""
    TASKS = "tasks"
    """Open to-dos (also planned calls and meetings), and to-dos done at or after the cutoff."""
    COMPANIES = "companies"
    MEETINGS = "meetings"
    CALLS = "calls"
    COMMENTS = "comments"
    """Human comments on open deals."""


class DealState(StrEnum):
    """Name the state of a deal at the reading."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


class Change(StrEnum):
    """Name a change after the cutoff that a CRM shows without its earlier value."""

    OWNER = "owner"
    """The responsible user."""
    AMOUNT = "amount"
    """The sum of a deal."""
    FIELD = "field"
    """A required field of a deal."""
    LOSS_REASON = "loss_reason"
    """The loss reason of a deal."""
    STAGE = "stage"
    """The stage of a deal, so that even open, won or lost is uncertain."""
    DEADLINE = "deadline"
    """The deadline of a task."""
    BINDING = "binding"
    """The tie between a task and a deal."""
    COMPLETION = "completion"
    """The mark done of a task or a meeting."""


NOTHING: frozenset[Change] = frozenset()


class Money(msgspec.Struct, frozen=True):
    """Hold an exact amount of a currency (ISO 4217 code, or the CRM's own name)."""

    amount: Decimal
    currency: str


class Deal(msgspec.Struct, frozen=True):
    """Describe a deal (lead in amoCRM, opportunity in Odoo) as read."""

    id: str
    title: str
    manager: str
    """CRM id of the responsible user; empty without a responsible."""
    state: DealState
    created_at: datetime
    pipeline: str = ""
    closed_at: datetime | None = None
    """Instant of entering the present won or lost state (not stage: a move between failure stages changes no state)."""
    stage_since: datetime | None = None
    """Instant of entering the present stage; None if the CRM does not say."""
    amount: Money | None = None
    loss_reason: str = ""
    missing_fields: tuple[str, ...] = ()
    """Required fields that are empty, as the CRM names them for people; else as the settings do."""
    has_task: bool | None = None
    """Whether an open to-do is bound to the deal, where the CRM says so; unless True, the tasks tell too."""
    has_comment: bool | None = None
    """Whether a human ever commented the deal, where the client knows; unless True, the comments tell too."""
    reopened: bool = False
    """Whether the deal was closed, really reopened, and closed again."""
    moved_by: str = ""
    """CRM id of the user who moved the deal into the present won or lost state; given with `deals_credit = "mover"`."""
    lost_at: datetime | None = None
    """Instant of the last loss of a deal that stands open in another funnel now, where the CRM keeps stage history."""
    lost_from: str = ""
    """Pipeline in which that loss happened."""
    changed: frozenset[Change] = NOTHING
    """Changes after the cutoff of which the CRM keeps no history."""


class Task(msgspec.Struct, frozen=True):
    """Describe planned work that a manager must do: to-do, planned call or meeting, task."""

    id: str
    title: str
    manager: str
    deadline: datetime | date | None = None
    """A `date` (no time) is overdue from the next day on; None is never overdue."""
    created_at: datetime | None = None
    done_at: datetime | None = None
    """Set on tasks done at or after the cutoff, and thus open at the cutoff."""
    deals: frozenset[str] = frozenset()
    """Ids of all deals that the task is bound to, as owner or by a further binding."""
    awaits_approval: bool = False
    """Whether the task is done and waits for another person's approval: never overdue, yet a to-do of the deal."""
    place: str = ""
    """Object that the task hangs on, in the words of the client, whose `link` makes an address of the words."""
    changed: frozenset[Change] = NOTHING


class Company(msgspec.Struct, frozen=True):
    """Describe a company, credited to `manager` (creator or owner, by the connection's `companies_credit`)."""

    id: str
    title: str
    manager: str
    created_at: datetime
    changed: frozenset[Change] = NOTHING


class Meeting(msgspec.Struct, frozen=True):
    """Describe a meeting that was held."""

    id: str
    title: str
    manager: str
    held_at: datetime | None = None
    """Instant of completion; None where the CRM keeps none (`started_at` decides then)."""
    started_at: datetime | None = None
    place: str = ""
    changed: frozenset[Change] = NOTHING


class Call(msgspec.Struct, frozen=True):
    """Describe a telephone call."""

    id: str
    title: str
    manager: str
    ended_at: datetime
    seconds: int | None
    """Talk time; 0 without an answer, None if the CRM does not tell the length of an answered call."""
    incoming: bool
    answered: bool | None
    """None: the CRM tells neither an answer nor a missing answer."""
    place: str = ""
    changed: frozenset[Change] = NOTHING


class Comment(msgspec.Struct, frozen=True):
    """Describe a human comment on a deal."""

    deal: str
    created_at: datetime | None = None
    """None: long before the cutoff, the exact time is not known."""


Owned = Deal | Task | Company | Meeting | Call
"""Records that belong to a user."""

Record = Owned | Comment


class Doubtful(msgspec.Struct, frozen=True):
    """State that a record of `kind` may have belonged to any of `users` before `change`."""

    kind: RecordKind
    users: frozenset[str]
    """Ids of CRM users."""
    change: Change
    state: DealState | None = None
    """State of the deal at the cutoff; None: not told, or no deal."""
    record: Owned | None = None
    """The record as read, if only the owner at the cutoff is uncertain: users who own no such record are untouched."""


class Unreadable(msgspec.Struct, frozen=True):
    """State that a row of `kind` could not be understood, or not in full: KPIs of `users` that count it are not read.

    KPIs that the kind only exempts from (a task exempts its deals) are read for nobody: the row may be of any deal.
    """

    kind: RecordKind
    users: frozenset[str]
    """Ids of the CRM users whom the row may touch; empty: every member."""
    reason: str
    """The row's id and what is wrong with it; for people, without secrets."""
    kpis: frozenset[str] = frozenset()
    """The KPIs that are not read; empty: all that need the kind."""
    cause: Cause = Cause.MALFORMED


class Completed(msgspec.Struct, frozen=True):
    """State that all records of a kind have been yielded. Without the mark the kind counts as not read."""

    kind: RecordKind
    started_at: datetime
    """Start of the reading of the kind: lateness is measured from there."""


class Failed(msgspec.Struct, frozen=True):
    """State that a kind could not be read in full; the KPIs that need the kind are absent."""

    kind: RecordKind
    reason: str
    """For people, without secrets."""
    cause: Cause = Cause.INCOMPLETE
    """RIGHTS: no further attempt is worth making; the rest is scored at once."""


Fact = Record | Doubtful | Unreadable | Completed | Failed
