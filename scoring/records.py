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
    """A kind of fact that a client reads, or fails to read, as a whole."""

    DEALS = "deals"
    """Deals that are open now, and those that entered a won or lost state since the window's start, until now."""
    TASKS = "tasks"
    """Open to-dos (also planned calls and meetings), and those done at or after the cutoff."""
    COMPANIES = "companies"
    MEETINGS = "meetings"
    CALLS = "calls"
    COMMENTS = "comments"
    """Human comments on open deals."""


class DealState(StrEnum):
    """Where a deal stands when it is read."""

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
    """The tie between a task and its deals."""
    COMPLETION = "completion"
    """The mark done of a task or a meeting."""


NOTHING: frozenset[Change] = frozenset()


class Money(msgspec.Struct, frozen=True):
    """An exact amount of one currency (ISO 4217 code, or what the CRM calls it)."""

    amount: Decimal
    currency: str


class Deal(msgspec.Struct, frozen=True):
    """A deal (lead in amoCRM, opportunity in Odoo) as it is when read."""

    id: str
    title: str
    manager: str
    """CRM id of the responsible user; empty if nobody."""
    state: DealState
    created_at: datetime
    pipeline: str = ""
    closed_at: datetime | None = None
    """When it entered its present won or lost state (not stage: moving between two failure stages changes nothing)."""
    stage_since: datetime | None = None
    """When it entered its present stage; None if the CRM does not say."""
    amount: Money | None = None
    loss_reason: str = ""
    missing_fields: tuple[str, ...] = ()
    """Required fields of the connection's settings that are empty."""
    has_task: bool | None = None
    """Whether an open to-do is bound to the deal itself, where the CRM says so; unless True, the tasks tell too."""
    has_comment: bool | None = None
    """Whether a human ever commented it, where the client knows; unless True, the comments tell too."""
    reopened: bool = False
    """Was closed before, really reopened, and closed again."""
    changed: frozenset[Change] = NOTHING
    """Changes after the cutoff of which the CRM keeps no history."""


class Task(msgspec.Struct, frozen=True):
    """Something planned that asks something of a manager: to-do, planned call or meeting, task."""

    id: str
    title: str
    manager: str
    deadline: datetime | date | None = None
    """A `date` (no time) is overdue from the next day on; None is never overdue."""
    created_at: datetime | None = None
    done_at: datetime | None = None
    """Set on those done at or after the cutoff, which were open at it."""
    deals: frozenset[str] = frozenset()
    """Ids of all deals it is bound to, as owner or by a further binding."""
    awaits_approval: bool = False
    """Done by its manager, waits for somebody else's approval: never overdue, yet the deal has a to-do."""
    place: str = ""
    """What it hangs on, in the words of its client, whose `link` makes an address of it."""
    changed: frozenset[Change] = NOTHING


class Company(msgspec.Struct, frozen=True):
    """A company, credited to `manager` (creator or owner, as the connection's `companies_credit` says)."""

    id: str
    title: str
    manager: str
    created_at: datetime
    changed: frozenset[Change] = NOTHING


class Meeting(msgspec.Struct, frozen=True):
    """A meeting that was held."""

    id: str
    title: str
    manager: str
    held_at: datetime | None = None
    """When it was completed; None where the CRM keeps no completion time (`started_at` decides then)."""
    started_at: datetime | None = None
    place: str = ""
    changed: frozenset[Change] = NOTHING


class Call(msgspec.Struct, frozen=True):
    """A telephone call."""

    id: str
    title: str
    manager: str
    ended_at: datetime
    seconds: int
    """Talk time; 0 if nobody answered."""
    incoming: bool
    answered: bool
    place: str = ""
    changed: frozenset[Change] = NOTHING


class Comment(msgspec.Struct, frozen=True):
    """A human comment on a deal."""

    deal: str
    created_at: datetime | None = None
    """None: long before the cutoff, the exact time is not known."""


Record = Deal | Task | Company | Meeting | Call | Comment


class Doubtful(msgspec.Struct, frozen=True):
    """State that a record of `kind` may have belonged to one of `users` at the cutoff, but for `change`."""

    kind: RecordKind
    users: frozenset[str]
    """Ids of CRM users."""
    change: Change
    state: DealState | None = None
    """State of the deal at the cutoff; None: not told, or no deal."""


class Unreadable(msgspec.Struct, frozen=True):
    """State that a row of `kind` has another form than the CRM documents: KPIs of `users` that count it are not read.

    KPIs that the kind only exempts from (a task exempts its deals) are read for nobody: the row may be of any deal.
    """

    kind: RecordKind
    users: frozenset[str]
    """Ids of the CRM users whom the row may touch."""
    reason: str
    """The row's id and what is wrong with it; for people, without secrets."""


class Completed(msgspec.Struct, frozen=True):
    """All records of a kind have been yielded. Without this mark the kind counts as not read."""

    kind: RecordKind
    started_at: datetime
    """When its reading started: lateness is measured by it."""


class Failed(msgspec.Struct, frozen=True):
    """A kind could not be read in full; its KPIs are absent."""

    kind: RecordKind
    reason: str
    """For people, without secrets."""
    cause: Cause = Cause.INCOMPLETE
    """RIGHTS: no further attempt is worth making; the rest is scored at once."""


Fact = Record | Doubtful | Unreadable | Completed | Failed
