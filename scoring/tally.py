"""Count the facts of a CRM and give a snapshot per manager (docs/product.md §3, §11).

`scoring.kpis` defines the KPIs; the tally loops over the KPIs of a sheet and knows no KPI by name. Records are folded
in any order, and a row that comes twice (a page shifted) counts once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from scoring.compact.evidence_store import NO_PLACE, EvidenceStore
from scoring.counting import Doubt, Kpi, KpiSettings, Listed, Scope, Subject, Unit
from scoring.doubts import Doubts, KindMarks, UnreadableRows
from scoring.kpis import CATALOGUE, Capability
from scoring.records import (
    NOTHING,
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
    Unreadable,
)
from scoring.snapshot import Cause, Evidence, Manager, NotRead, Number, Reading, Snapshot, Value
from scoring.workdays import Window


@dataclass(frozen=True, slots=True)
class TallySheet:
    """Order the counting for a team: members, window, KPIs and settings."""

    members: Mapping[str, Manager]
    """Managers by CRM user."""
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
    """Departed members: a new owner must be found for each open deal, so the deals are listed, not only counted."""


Link = Callable[[Record], str]
_Owned = Deal | Task | Call | Meeting | Company
_CLOSED = {DealState.WON: Subject.WON_DEALS, DealState.LOST: Subject.LOST_DEALS}
_STAGE_ONLY = frozenset({Change.STAGE})


class Tally:
    """Count the KPIs of all managers of a team in a single pass over the facts of the CRM."""

    def __init__(self, sheet: TallySheet, capabilities: Mapping[str, Capability], link: Link) -> None:
        self._sheet = sheet
        self._capabilities = capabilities
        self._link = link
        self._scope = Scope(sheet.window, sheet.zone, sheet.settings, sheet.held_before)
        self._kpis: tuple[Kpi[Any], ...] = tuple(CATALOGUE[key] for key in sheet.kpis)
        self._by_subject = {subject: [kpi for kpi in self._kpis if kpi.counts is subject] for subject in Subject}
        self._shows_deal_sums = any(kpi.has_deal_sum for kpi in self._kpis)
        self._users = [member.crm_user for member in sheet.members.values()]
        self._places = {user: place for place, user in enumerate(self._users)}
        self._store = EvidenceStore()
        self._totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Numbers of the KPIs without full evidence, by KPI and CRM user."""
        self._doubts = Doubts()
        self._unreadable = UnreadableRows()
        self._doubted_deals: dict[str, set[str]] = defaultdict(set)
        """Deals with an uncertain exemption, by KPI; the managers are known when all deals have come."""
        self._marks = KindMarks(sheet.window.cutoff + sheet.late_tolerance)

    def add(self, fact: Fact) -> None:
        """Fold a fact into the count."""
        match fact:
            case Deal():
                self._add_deal(fact)
            case Task():
                self._add_task(fact)
            case Call():
                if fact.ended_at in self._sheet.window:
                    self._add_event(fact, Subject.CALLS)
            case Meeting():
                self._add_event(fact, Subject.MEETINGS)
            case Company():
                if fact.created_at in self._sheet.window:
                    self._add_event(fact, Subject.COMPANIES)
            case Comment():
                self._exempt(fact, NOTHING)
            case Doubtful():
                self._add_doubt(fact)
            case Unreadable():
                users = {member.crm_user for user in fact.users if (member := self._member(user)) is not None}
                self._unreadable.add(self._kpis, users, fact, self._users)
            case Completed() | Failed():
                self._marks.add(fact)

    def snapshots(self) -> list[Snapshot]:
        """Give a snapshot per member, in the members' order. A KPI with missing or partial records is absent."""
        self._settle_doubted_deals()
        obstacles = {kpi.key: self._marks.obstacle(kpi, self._capabilities) for kpi in self._kpis}
        return [
            Snapshot(manager, {kpi.key: obstacles[kpi.key] or self._reading(kpi, user) for kpi in self._kpis})
            for user, manager in self._sheet.members.items()
        ]

    # Records

    def _add_event(self, record: Call | Meeting | Company, subject: Subject) -> None:
        user = self._credit(record, subject.record, record.changed)
        if user is not None:
            self._count(subject, user, record)

    def _add_task(self, task: Task) -> None:
        cutoff = self._sheet.window.cutoff
        if task.created_at is not None and task.created_at >= cutoff:
            return
        if task.done_at is not None and task.done_at < cutoff:
            return
        self._exempt(task, task.changed)
        user = self._credit(task, RecordKind.TASKS, task.changed)
        if user is not None:
            self._count(Subject.TASKS, user, task)

    def _add_deal(self, deal: Deal) -> None:
        window = self._sheet.window
        if deal.created_at >= window.cutoff:
            return
        is_open = deal.state is DealState.OPEN or (deal.closed_at is not None and deal.closed_at >= window.cutoff)
        subject = Subject.OPEN_DEALS if is_open else _CLOSED[deal.state]
        is_outside = not is_open and deal.closed_at is not None and deal.closed_at not in window
        is_excluded = deal.pipeline in self._sheet.settings.excluded_pipelines
        changed = deal.changed & _STAGE_ONLY if is_outside else deal.changed
        user = self._credit(deal, RecordKind.DEALS, changed, subject.state, is_found_again=is_open and not is_excluded)
        if user is None or is_excluded or is_outside:
            return
        if not is_open and deal.closed_at is None:
            self._doubt_undated(user, deal, subject)
            return
        self._count(subject, user, deal)
        if is_open and self._shows_deal_sums:
            self._store.note_sum(deal)

    def _doubt_undated(self, user: str, deal: Deal, subject: Subject) -> None:
        """Doubt a deal closed at an unknown time: in the window, before the window or, read late, after the cutoff."""
        for kpi in self._by_subject[subject]:
            if kpi.is_counted(deal, self._scope):
                self._doubts.add(kpi.key, user, Doubt.UNTOLD)
        for kpi in self._by_subject[Subject.OPEN_DEALS]:
            self._doubts.add(kpi.key, user, Doubt.MOVED_ON)

    def _credit(
        self,
        record: _Owned,
        kind: RecordKind,
        changed: frozenset[Change],
        state: DealState | None = None,
        *,
        is_found_again: bool = False,
    ) -> str | None:
        """Return the member credited with the record; None if no member, or seen before (the first row counts)."""
        member = self._member(record.manager)
        place = self._places[member.crm_user] if member is not None and is_found_again else NO_PLACE
        if not self._store.note(kind, record.id, place) or member is None:
            return None
        if changed:
            self._doubts.add_changes(self._kpis, member.crm_user, changed, kind, state)
        return member.crm_user

    def _member(self, user: str) -> Manager | None:
        return self._sheet.members.get(self._sheet.aliases.get(user, user))

    # Counting

    def _count(self, subject: Subject, user: str, record: _Owned) -> None:
        for kpi in self._by_subject[subject]:
            is_counted = kpi.is_counted(record, self._scope)
            if is_counted is True:
                self._count_for(kpi, user, record)
            elif is_counted:
                self._doubts.add(kpi.key, user, is_counted)

    def _count_for(self, kpi: Kpi[Any], user: str, record: _Owned) -> None:
        if kpi.exempted_by and self._store.is_exempt(kpi.key, record.id):
            return
        if kpi.listed is not Listed.ALL:
            self._totals[kpi.key][user] += kpi.measure(record)
        if kpi.listed is Listed.ALL or (kpi.listed is Listed.NAMED and user in self._sheet.named):
            self._store.add(kpi.key, user, self._evidence(kpi, record))
        if kpi.has_deal_sum and isinstance(record, Task):
            self._store.note_task(record)

    def _evidence(self, kpi: Kpi[Any], record: _Owned) -> Evidence:
        amount, again = (record.amount, record.reopened) if isinstance(record, Deal) else (None, False)
        since = kpi.since(record, self._scope)
        return Evidence(
            type(record).__name__.lower(), record.id, record.title, self._link(record), amount, since, again
        )

    def _exempt(self, record: Task | Comment, changed: frozenset[Change]) -> None:
        """Exempt the deals that the record speaks for; a deal counted before is left out in the end."""
        for kpi in self._by_subject[Subject.OPEN_DEALS]:
            exemption = kpi.exempted_by
            if exemption is not None and isinstance(record, exemption.by):
                deals = exemption.deals(record, self._scope)
                self._store.exempt(kpi.key, deals)
                if changed & exemption.doubted_by:
                    self._doubted_deals[kpi.key].update(deals)

    # Doubts

    def _add_doubt(self, doubt: Doubtful) -> None:
        for user in doubt.users:
            member = self._member(user)
            if member is not None:
                self._doubts.add_changes(self._kpis, member.crm_user, (doubt.change,), doubt.kind, doubt.state)

    def _settle_doubted_deals(self) -> None:
        """Doubt the KPIs of the managers of deals with an uncertain exemption."""
        for kpi, deals in self._doubted_deals.items():
            for deal in deals:
                place = self._store.place_of(RecordKind.DEALS, deal)
                if place != NO_PLACE:
                    self._doubts.add(kpi, self._users[place], Doubt.MOVED_ON)

    # Readings

    def _reading(self, kpi: Kpi[Any], user: str) -> Reading:
        if obstacle := self._unreadable.obstacle(kpi.key, user):
            return obstacle
        if self._doubts.holds(kpi.key, user, late=self._marks.is_late(kpi.needs)):
            return NotRead(Cause.CHANGED)
        items = (
            self._store.items_with_deal_sums(kpi.key, user) if kpi.has_deal_sum else self._store.items(kpi.key, user)
        )
        return Value(self._number(kpi, user, items), items)

    def _number(self, kpi: Kpi[Any], user: str, items: Sequence[Evidence]) -> Number:
        if kpi.unit is Unit.MONEY:
            return _sums(items)
        if kpi.listed is Listed.ALL:
            return len(items)
        total = self._totals[kpi.key][user]
        return total // 60 if kpi.unit is Unit.MINUTES else total


def _sums(items: Iterable[Evidence]) -> dict[str, Decimal]:
    """Add up exact sums by currency; a deal without a sum adds nothing."""
    sums: dict[str, Decimal] = {}
    for item in items:
        if item.amount is not None:
            sums[item.amount.currency] = sums.get(item.amount.currency, Decimal(0)) + item.amount.amount
    return dict(sorted(sums.items()))
