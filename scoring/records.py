"""Facts as a CRM states them, in neutral words.

Ids are strings as the CRM gives them, instants are aware, money is exact. A record says what is (`DealState`) and
since when, so that `tally` can tell what was so at the cutoff although the reading began a little later.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from scoring.frozen import frozen


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


@frozen
class Money:
    """An exact amount of one currency (ISO 4217 code, or what the CRM calls it)."""

    amount: Decimal
    currency: str


@frozen
class Deal:
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
    doubtful: frozenset[str] = frozenset()
    """KPIs for which this row may have stood otherwise at the cutoff: changed since, in a field without history."""


@frozen
class Task:
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
    doubtful: frozenset[str] = frozenset()


@frozen
class Company:
    """A company, credited to `manager` (creator or owner, as the connection's `companies_credit` says)."""

    id: str
    title: str
    manager: str
    created_at: datetime
    doubtful: frozenset[str] = frozenset()


@frozen
class Meeting:
    """A meeting that was held."""

    id: str
    title: str
    manager: str
    held_at: datetime | None = None
    """When it was completed; None where the CRM keeps no completion time (`started_at` decides then)."""
    started_at: datetime | None = None
    place: str = ""
    doubtful: frozenset[str] = frozenset()


@frozen
class Call:
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
    doubtful: frozenset[str] = frozenset()


@frozen
class Comment:
    """A human comment on a deal."""

    deal: str
    created_at: datetime | None = None
    """None: long before the cutoff, the exact time is not known."""


Record = Deal | Task | Company | Meeting | Call | Comment


@frozen
class Completed:
    """All records of a kind have been yielded. Without this mark the kind counts as not read."""

    kind: RecordKind
    started_at: datetime
    """When its reading started: lateness is measured by it."""


@frozen
class Failed:
    """A kind could not be read in full; its KPIs are absent."""

    kind: RecordKind
    reason: str
    """For people, without secrets."""


Fact = Record | Completed | Failed
