"""Counting: neutral records in, one snapshot per manager out (docs/product.md §3, §11).

The meaning of every KPI lives here, once, for all CRMs. Records are folded as they come; what stays in memory are the
counted things and the ids of what was seen, packed. Order is free, and a row that comes twice (a page shifted) counts
once.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from scoring.compact.deal_sums import DealSums
from scoring.compact.evidence_store import EvidenceEncoder, EvidenceSequence
from scoring.compact.id_map import IdMap
from scoring.kpis import CATALOGUE, Capability, KpiSettings, Subject, Unit
from scoring.records import (
    Call,
    Change,
    Comment,
    Company,
    Completed,
    Deal,
    DealState,
    Doubtful,
    Fact,
    Failed,
    Meeting,
    Record,
    RecordKind,
    Task,
)
from scoring.snapshot import Cause, Evidence, Manager, NotAvailable, NotRead, Number, Reading, Snapshot, Value
from scoring.workdays import Window, local_instant


@dataclass(frozen=True, slots=True)
class TallySheet:
    """What one team wants counted: whose facts, in which window, how."""

    members: Mapping[str, Manager]
    """By CRM user."""
    window: Window
    zone: ZoneInfo
    kpis: tuple[str, ...]
    settings: KpiSettings = field(default_factory=KpiSettings)
    aliases: Mapping[str, str] = field(default_factory=dict)
    """Facts of the first CRM user are credited to the second."""
    late_tolerance: timedelta = timedelta(minutes=15)
    held_before: frozenset[str] = frozenset()
    """Ids of the meetings in the evidence of the window before."""
    named: frozenset[str] = frozenset()
    """Members whose open deals are evidence one by one, not a number alone: who left, and whose deals need others."""


Link = Callable[[Record], str]
_Owned = Deal | Task | Call | Meeting | Company
_OPEN_DEAL_KPIS = frozenset(key for key, kpi in CATALOGUE.items() if kpi.counts is Subject.OPEN_DEALS)
_NOT_OPEN = -1
_BARE = frozenset({"deals_without_task", "deals_without_comment"})
"""Counted for what a deal lacks, until a task or a comment shows that it does not."""
_KINDS: Mapping[type[_Owned], RecordKind] = {
    Deal: RecordKind.DEALS,
    Task: RecordKind.TASKS,
    Call: RecordKind.CALLS,
    Meeting: RecordKind.MEETINGS,
    Company: RecordKind.COMPANIES,
}
_NAMES: Mapping[type[_Owned], str] = {kind: kind.__name__.lower() for kind in _KINDS}


class Tally:
    """Counts one team's KPIs for all its managers in one pass over the facts of its CRM."""

    def __init__(self, sheet: TallySheet, capabilities: Mapping[str, Capability], link: Link) -> None:
        self._sheet = sheet
        self._capabilities = capabilities
        self._link = link
        self._wanted = frozenset(sheet.kpis)
        self._cutoff_day = sheet.window.cutoff.astimezone(sheet.zone).date()
        self._press = EvidenceEncoder()
        self._items: dict[str, dict[str, array[int]]] = defaultdict(lambda: defaultdict(lambda: array("I")))
        """By KPI and CRM user: where the press has what counts."""
        self._places = {member.crm_user: place for place, member in enumerate(sheet.members.values())}
        self._open_count: dict[str, int] = defaultdict(int)
        self._talk: dict[str, int] = defaultdict(int)
        self._seen: dict[type[_Owned], IdMap] = {kind: IdMap() for kind in _KINDS}
        """Ids of all that came; open deals with their member's place."""
        cutoff, settings = sheet.window.cutoff, sheet.settings
        self._stale_before = cutoff - timedelta(days=settings.stale_days)
        self._comment_before = cutoff - timedelta(hours=settings.comment_grace_hours)
        self._covered: dict[str, IdMap] = {key: IdMap() for key in _BARE & self._wanted}
        """By KPI: deals that have what it misses."""
        self._stakes = DealSums()
        self._doubts: dict[str, set[str]] = defaultdict(set)
        self._late_doubts: dict[str, set[str]] = defaultdict(set)
        self._doubtful_deals: set[str] = set()
        self._completed: dict[RecordKind, datetime] = {}
        self._failed: dict[RecordKind, str] = {}

    def add(self, fact: Fact) -> None:
        """Fold one fact."""
        match fact:
            case Deal():
                self._deal(fact)
            case Task():
                self._task(fact)
            case Call():
                self._call(fact)
            case Meeting():
                self._meeting(fact)
            case Company():
                self._company(fact)
            case Comment():
                self._comment(fact)
            case Doubtful():
                self._doubtful(fact)
            case Completed():
                self._completed[fact.kind] = max(fact.started_at, self._completed.get(fact.kind, fact.started_at))
            case Failed():
                self._failed.setdefault(fact.kind, fact.reason)

    def snapshots(self) -> list[Snapshot]:
        """One snapshot per member, in the members' order. A KPI whose records are missing or partial is absent."""
        self._settle_doubts()
        general = {key: self._obstacle(key) for key in self._sheet.kpis}
        return [
            Snapshot(manager, {key: general[key] or self._reading(key, user) for key in self._sheet.kpis})
            for user, manager in self._sheet.members.items()
        ]

    # What every record passes

    def _owner(self, record: _Owned, state: DealState | None = None, *, is_open: bool = False) -> str | None:
        """The member it is credited to; None if nobody's or seen already (the first row of an id counts)."""
        member = self._sheet.members.get(self._sheet.aliases.get(record.manager, record.manager))
        place = self._places[member.crm_user] if member is not None and is_open else _NOT_OPEN
        if not self._seen[type(record)].put(record.id, place) or member is None:
            return None
        user = member.crm_user  # one string for all his records
        if record.changed:
            self._doubt(user, record.changed, _KINDS[type(record)], state)
        return user

    def _doubt(self, user: str, changes: Iterable[Change], kind: RecordKind, state: DealState | None) -> None:
        for key in self._wanted:
            if any(CATALOGUE[key].is_doubted(change, kind, state) for change in changes):
                self._late_doubts[key].add(user)

    def _doubtful(self, doubt: Doubtful) -> None:
        for user in doubt.users:
            member = self._sheet.members.get(self._sheet.aliases.get(user, user))
            if member is not None:
                self._doubt(member.crm_user, (doubt.change,), doubt.kind, doubt.state)

    def _count(self, key: str, user: str, record: _Owned, since: datetime | None) -> None:
        if key not in self._wanted:
            return
        amount, again = (record.amount, record.reopened) if isinstance(record, Deal) else (None, False)
        item = Evidence(_NAMES[type(record)], record.id, record.title, self._link(record), amount, since, again)
        self._items[key][user].append(self._press.put(item))

    # Deals

    def _deal(self, deal: Deal) -> None:
        window = self._sheet.window
        if deal.created_at >= window.cutoff:
            return
        is_excluded = deal.pipeline in self._sheet.settings.excluded_pipelines
        is_open = deal.state is DealState.OPEN or (deal.closed_at is not None and deal.closed_at >= window.cutoff)
        state = DealState.OPEN if is_open else deal.state
        user = self._owner(deal, state, is_open=is_open and not is_excluded)
        if user is None or is_excluded:
            return
        if is_open:
            self._open_deal(user, deal)
        elif deal.closed_at is None:
            self._closed_at_some_time(user, deal)
        elif deal.closed_at in window:
            self._closed_deal(user, deal, deal.closed_at)

    def _closed_at_some_time(self, user: str, deal: Deal) -> None:
        """It may have been closed in the window, before it or, read late, after it."""
        keys = {"deals_won", "won_amount"} if deal.state is DealState.WON else {"deals_lost"}
        if deal.state is DealState.LOST and not deal.loss_reason.strip():
            keys.add("lost_without_reason")
        for key in keys:
            self._doubts[key].add(user)
        for key in _OPEN_DEAL_KPIS:
            self._late_doubts[key].add(user)

    def _closed_deal(self, user: str, deal: Deal, closed_at: datetime) -> None:
        if deal.state is DealState.WON:
            self._count("deals_won", user, deal, closed_at)
            self._count("won_amount", user, deal, closed_at)
            return
        self._count("deals_lost", user, deal, closed_at)
        if not deal.loss_reason.strip():
            self._count("lost_without_reason", user, deal, closed_at)

    def _open_deal(self, user: str, deal: Deal) -> None:
        self._open_count[user] += 1
        if user in self._sheet.named:
            self._count("deals_open", user, deal, deal.created_at)
        if not deal.has_task and not self._is_covered(deal.id, "deals_without_task"):
            self._count("deals_without_task", user, deal, deal.stage_since)
        is_old = deal.created_at < self._comment_before
        if not deal.has_comment and is_old and not self._is_covered(deal.id, "deals_without_comment"):
            self._count("deals_without_comment", user, deal, deal.created_at)
        if deal.missing_fields:
            self._count("deals_missing_fields", user, deal, deal.created_at)
        self._stale_deal(user, deal)
        if "overdue_tasks" in self._wanted:
            self._stakes.deal(deal)

    def _stale_deal(self, user: str, deal: Deal) -> None:
        if deal.created_at >= self._stale_before:
            return
        if deal.stage_since is None:
            self._doubts["stale_deals"].add(user)
        elif deal.stage_since >= self._sheet.window.cutoff:
            self._late_doubts["stale_deals"].add(user)
        elif deal.stage_since < self._stale_before:
            self._count("stale_deals", user, deal, deal.stage_since)

    # What is bound to deals

    def _task(self, task: Task) -> None:
        cutoff = self._sheet.window.cutoff
        if task.created_at is not None and task.created_at >= cutoff:
            return
        if task.done_at is not None and task.done_at < cutoff:
            return
        self._cover(task.deals, "deals_without_task")
        if Change.BINDING in task.changed:
            self._doubtful_deals |= task.deals
        deadline = self._deadline(task.deadline)
        user = self._owner(task)
        if user is not None and deadline is not None and not task.awaits_approval and self._is_past(task.deadline):
            self._count("overdue_tasks", user, task, deadline)
            self._stakes.task(task)

    def _is_past(self, deadline: datetime | date | None) -> bool:
        """Strictly before the cutoff; a date without a time is past from the next day on."""
        if isinstance(deadline, datetime):
            return deadline < self._sheet.window.cutoff
        return deadline is not None and deadline < self._cutoff_day

    def _deadline(self, deadline: datetime | date | None) -> datetime | None:
        if deadline is None or isinstance(deadline, datetime):
            return deadline
        return local_instant(deadline, time(0), self._sheet.zone).astimezone(UTC)

    def _comment(self, comment: Comment) -> None:
        if comment.created_at is None or comment.created_at < self._sheet.window.cutoff:
            self._cover({comment.deal}, "deals_without_comment")

    def _cover(self, deals: Iterable[str], key: str) -> None:
        """Note that deals have what the KPI misses; where they were counted before, they are left out in the end."""
        if key in self._covered:
            for deal in deals:
                self._covered[key].put(deal, 1)

    def _is_covered(self, deal: str, key: str) -> bool:
        return key in self._covered and deal in self._covered[key]

    # What happened in the window

    def _call(self, call: Call) -> None:
        if call.ended_at not in self._sheet.window:
            return
        user = self._owner(call)
        if user is None:
            return
        if call.answered and call.seconds >= self._sheet.settings.min_call_seconds:
            self._count("calls_held", user, call, call.ended_at)
            self._talk[user] += call.seconds
        elif call.incoming and not call.answered:
            self._count("missed_calls", user, call, call.ended_at)

    def _meeting(self, meeting: Meeting) -> None:
        user = self._owner(meeting)
        if user is not None and self._was_held(meeting):
            self._count("meetings_held", user, meeting, meeting.held_at or meeting.started_at)

    def _was_held(self, meeting: Meeting) -> bool:
        """In this window; without a completion time also one of the window before that was not counted then."""
        window = self._sheet.window
        if meeting.held_at is not None:
            return meeting.held_at in window
        if meeting.started_at is None:
            return False
        if meeting.started_at in window:
            return True
        return window.is_earlier(meeting.started_at) and meeting.id not in self._sheet.held_before

    def _company(self, company: Company) -> None:
        if company.created_at not in self._sheet.window:
            return
        user = self._owner(company)
        if user is not None:
            self._count("companies_added", user, company, company.created_at)

    # Readings

    def _settle_doubts(self) -> None:
        """A doubtful task touches the managers of the deals it is bound to, not its own alone."""
        users = list(self._places)
        for deal in self._doubtful_deals:
            place = self._seen[Deal].get(deal)
            if place is not None and place != _NOT_OPEN:
                self._late_doubts["deals_without_task"].add(users[place])

    def _obstacle(self, key: str) -> NotAvailable | NotRead | None:
        """What keeps a KPI from being known for anybody."""
        capability = self._capabilities.get(key, Capability.UNAVAILABLE)
        if capability is Capability.UNAVAILABLE:
            return NotAvailable()
        needs = CATALOGUE[key].needs
        for kind in sorted(needs):
            if kind in self._failed or kind not in self._completed:
                return NotRead(Cause.INCOMPLETE, self._failed.get(kind, ""))
        if capability is not Capability.REBUILDABLE and self._is_late(needs):
            return NotRead(Cause.LATE)
        return None

    def _is_late(self, kinds: Iterable[RecordKind]) -> bool:
        limit = self._sheet.window.cutoff + self._sheet.late_tolerance
        return any(self._completed[kind] > limit for kind in kinds)

    def _reading(self, key: str, user: str) -> Reading:
        if user in self._doubts[key]:
            return NotRead(Cause.CHANGED)
        if user in self._late_doubts[key] and self._is_late(CATALOGUE[key].needs):
            return NotRead(Cause.CHANGED)
        items = self._evidence(key, user)
        return Value(self._number(key, user, items), items)

    def _evidence(self, key: str, user: str) -> Sequence[Evidence]:
        """What counts for the KPI, once everything is known."""
        press, places = self._press, self._items[key].get(user)
        if not places:
            return ()
        if key == "overdue_tasks":
            return EvidenceSequence(press, (press.put(self._stakes.beside(press.get(place))) for place in places))
        if key in self._covered:
            return EvidenceSequence(
                press, (place for place in places if press.identity(place) not in self._covered[key])
            )
        return EvidenceSequence(press, places)

    def _number(self, key: str, user: str, items: Sequence[Evidence]) -> Number:
        if key == "deals_open":
            return self._open_count[user]
        if key == "talk_minutes":
            return self._talk[user] // 60
        if CATALOGUE[key].unit is Unit.MONEY:
            return _sums(items)
        return len(items)


def _sums(items: Iterable[Evidence]) -> dict[str, Decimal]:
    """Exact sums by currency; a deal without a sum adds nothing."""
    sums: dict[str, Decimal] = {}
    for item in items:
        if item.amount is not None:
            sums[item.amount.currency] = sums.get(item.amount.currency, Decimal(0)) + item.amount.amount
    return dict(sorted(sums.items()))
