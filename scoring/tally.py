"""Count the facts of a CRM and give a snapshot per manager (docs/product.md §3, §11).

`scoring.kpis` defines the KPIs; the tally loops over the KPIs of a sheet and knows no KPI by name. Records are folded
in any order, and a row that comes twice (a page shifted) counts once.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from scoring.arrivals import Arrival, Arrivals
from scoring.compact.evidence_store import EvidenceStore
from scoring.doubts import Doubts, KindMarks, Size, UnreadableRows, number_of, shown, size_of
from scoring.kpi import Kpi, KpiKind, Listed, Scope, Subject, Unit
from scoring.kpis import CATALOGUE, Capability
from scoring.records import (
    NOTHING,
    Call,
    Change,
    Comment,
    Company,
    Deal,
    DealState,
    Doubtful,
    Fact,
    Meeting,
    Owned,
    Record,
    RecordKind,
    Task,
    Unreadable,
)
from scoring.snapshot import Cause, Evidence, Manager, NotRead, Reading, Snapshot, Spared, Value
from scoring.tally_sheet import TallySheet

Link = Callable[[Record], str]
_CLOSED = {DealState.WON: Subject.WON_DEALS, DealState.LOST: Subject.LOST_DEALS}
_SUBJECTS: Mapping[type[Record], Subject] = {
    Task: Subject.TASKS,
    Call: Subject.CALLS,
    Meeting: Subject.MEETINGS,
    Company: Subject.COMPANIES,
}
_STAGE_ONLY = frozenset({Change.STAGE})
_WHOSE = frozenset({Change.OWNER, Change.STAGE})
"""Changes of whose a deal is, or of open, won and lost: with the same owner and state the deal counts as now."""


class Tally:
    """Count the KPIs of all managers of a team in a single pass over the facts of the CRM."""

    def __init__(self, sheet: TallySheet, capabilities: Mapping[str, Capability], link: Link) -> None:
        self._sheet = sheet
        self._capabilities = capabilities
        self._link = link
        self._scope = Scope(sheet.window, sheet.zone, sheet.settings, sheet.calendar)
        own = sheet.calendars.items()
        self._scopes = {user: Scope(sheet.window, sheet.zone, sheet.settings, calendar) for user, calendar in own}
        """Scopes of the users who work otherwise than the team."""
        self._arrivals = Arrivals(sheet, self._scope)
        self._kpis: tuple[Kpi[Any], ...] = tuple(CATALOGUE[key] for key in sheet.kpis)
        self._by_subject = {subject: [kpi for kpi in self._kpis if kpi.counts is subject] for subject in Subject}
        self._shows_deal_sums = any(kpi.has_deal_sum for kpi in self._kpis)
        self._users = [member.crm_user for member in sheet.members.values()]
        self._store = EvidenceStore()
        self._totals: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Numbers of the KPIs without full evidence, by KPI and CRM user."""
        self._left_out: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        """Spared records in those numbers."""
        self._ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        """Ids that the evidence lacks, by KPI and CRM user: counted events of KPIs without evidence, and wins and
        losses seen without being counted, lest a reason emptied tomorrow counts them then."""
        self._spares: set[tuple[str, str]] = set()
        """KPIs and CRM users with a spared record among the evidence."""
        self._doubts = Doubts()
        self._unnamed = itertools.count()
        """Numbers for doubtful records that the client does not name."""
        self._unreadable = UnreadableRows()
        self._marks = KindMarks(sheet.window.cutoff + sheet.late_tolerance)

    def add(self, fact: Fact) -> None:
        """Fold a fact into the count."""
        match fact:
            case Deal():
                self._add_deal(fact)
            case Task():
                self._add_task(fact)
            case Call():
                self._add_event(fact, Subject.CALLS, fact.ended_at)
            case Meeting():
                self._add_event(fact, Subject.MEETINGS, fact.held_at or fact.started_at)
            case Company():
                self._add_event(fact, Subject.COMPANIES, fact.created_at)
            case Comment():
                self._exempt(fact, NOTHING)
            case Doubtful():
                self._add_doubt(fact)
            case Unreadable():
                users = {member.crm_user for user in fact.users if (member := self._member(user)) is not None}
                self._unreadable.add(self._kpis, users, fact, self._users)
            case _:  # Completed, Failed
                self._marks.add(fact)

    def snapshots(self) -> list[Snapshot]:
        """Give a snapshot per member, in the members' order. A KPI with missing or partial records is absent."""
        obstacles = {kpi.key: self._marks.obstacle(kpi, self._capabilities) for kpi in self._kpis}
        return [
            Snapshot(manager, {kpi.key: obstacles[kpi.key] or self._reading(kpi, user) for kpi in self._kpis})
            for user, manager in self._sheet.members.items()
        ]

    # Records

    def _add_event(self, record: Call | Meeting | Company, subject: Subject, at: datetime | None) -> None:
        if at is not None and not self._arrivals.is_near(at) and not record.changed:
            return
        if self._store.note(subject.record, record.id) and (member := self._member(record.manager)) is not None:
            self._count(subject, member.crm_user, record, record.changed)

    def _add_task(self, task: Task) -> None:
        cutoff = self._sheet.window.cutoff
        if task.created_at is not None and task.created_at >= cutoff:
            return
        if task.done_at is not None and task.done_at < cutoff:
            return
        self._exempt(task, task.changed)
        if self._store.note(RecordKind.TASKS, task.id) and (member := self._member(task.manager)) is not None:
            self._count(Subject.TASKS, member.crm_user, task, task.changed)

    def _add_deal(self, deal: Deal) -> None:
        if deal.created_at >= self._sheet.window.cutoff or not self._store.note(RecordKind.DEALS, deal.id):
            return
        placed = self._placed(deal)
        if placed is None:
            self._doubt_excluded(deal)
            return
        subject, deal = placed
        member = self._owner(deal, subject)
        if member is None:
            return
        user = member.crm_user
        if subject is not Subject.OPEN_DEALS and deal.closed_at is None:
            self._doubt_undated(user, deal, subject)
            return
        is_outside = subject is not Subject.OPEN_DEALS and not self._arrivals.is_near(deal.closed_at)
        changed = deal.changed - {Change.OWNER} if self._is_moved_by_member(deal, subject) else deal.changed
        self._count(subject, user, deal, changed & _STAGE_ONLY if is_outside else changed)
        if subject is Subject.OPEN_DEALS and self._shows_deal_sums:
            self._store.note_sum(deal)

    def _placed(self, deal: Deal) -> tuple[Subject, Deal] | None:
        """Tell as what a deal counts at the cutoff; None in an excluded funnel.

        A deal that was lost elsewhere and then moved into an excluded funnel is lost (docs/product.md §19).
        """
        excluded = self._sheet.settings.excluded_pipelines
        if deal.pipeline in excluded:
            if deal.lost_at is None or deal.lost_from in excluded or not self._arrivals.is_near(deal.lost_at):
                return None
            return Subject.LOST_DEALS, msgspec.structs.replace(deal, state=DealState.LOST, closed_at=deal.lost_at)
        is_open = deal.state is DealState.OPEN or (
            deal.closed_at is not None and deal.closed_at >= self._sheet.window.cutoff
        )
        return (Subject.OPEN_DEALS if is_open else _CLOSED[deal.state]), deal

    def _doubt_excluded(self, deal: Deal) -> None:
        """Doubt a deal of an excluded funnel that may have been moved there after the cutoff."""
        member = self._member(deal.manager)
        moved = deal.changed - {Change.OWNER}
        if member is None:
            return
        scope = self._scope_of(member.crm_user)
        for kpi in self._by_subject[Subject.OPEN_DEALS]:
            if self._matters(kpi, Subject.OPEN_DEALS, moved) and kpi.is_counted(deal, scope) is not False:
                self._doubts.may_count(kpi.key, member.crm_user, deal.id, size_of(kpi, deal, moved))

    def _owner(self, deal: Deal, subject: Subject) -> Manager | None:
        """Return the credited member: the responsible, or of a closed deal the member who moved it, where told."""
        mover = self._member(deal.moved_by) if deal.moved_by and subject is not Subject.OPEN_DEALS else None
        return mover or self._member(deal.manager)

    def _is_moved_by_member(self, deal: Deal, subject: Subject) -> bool:
        """Tell whether a closed deal is credited to the member who moved it, whoever the responsible was."""
        return subject is not Subject.OPEN_DEALS and bool(deal.moved_by) and self._member(deal.moved_by) is not None

    def _doubt_undated(self, user: str, deal: Deal, subject: Subject) -> None:
        """Doubt a deal closed at an unknown time: in the window, before the window or, read late, after the cutoff."""
        for kpi in self._by_subject[subject]:
            if kpi.is_counted(deal, self._scope) is not False:
                self._doubts.may_count(kpi.key, user, deal.id, size_of(kpi, deal, deal.changed))
        for kpi in self._by_subject[Subject.OPEN_DEALS]:
            self._doubts.may_count(kpi.key, user, deal.id, 1, if_late=True)

    def _member(self, user: str) -> Manager | None:
        return self._sheet.members.get(self._sheet.aliases.get(user, user))

    # Counting

    def _count(self, subject: Subject, user: str, record: Owned, changed: frozenset[Change]) -> None:
        """Count a record for the KPIs of its subject, and doubt the KPIs that a change of the record touches.

        An overdue task with a deadline moved after the cutoff counts, and may not have counted: the value is a range.
        """
        for kpi in self._by_subject[subject]:
            arrival = self._arrivals.of(kpi, user, record)
            is_counted = arrival is not Arrival.ELSEWHERE and kpi.is_counted(record, self._scope_of(user))
            doubt = changed and self._matters(kpi, subject, changed)
            if is_counted:
                self._count_for(kpi, user, record, arrival)
                if doubt:
                    self._doubts.may_not_count(kpi.key, user, record.id, size_of(kpi, record, changed))
            elif is_counted is None or (doubt and not changed <= _WHOSE):
                self._may_count(kpi, user, record, changed)
            elif arrival is Arrival.IN_TIME and subject in _CLOSED.values():
                self._ids[kpi.key, user].add(record.id)
        if Change.STAGE in changed:
            self._doubt_states(subject, (user,), record, changed)

    def _count_for(self, kpi: Kpi[Any], user: str, record: Owned, arrival: Arrival) -> None:
        if kpi.exempted_by and self._store.is_exempt(kpi.key, record.id):
            return
        if kpi.listed is not Listed.ALL:
            self._totals[kpi.key][user] += kpi.measure(record)
            self._left_out[kpi.key][user] += bool(self._spared(kpi, user, record))
        if kpi.listed is Listed.NONE:
            self._ids[kpi.key, user].add(record.id)
        if kpi.listed is Listed.ALL or (kpi.listed is Listed.NAMED and self._is_wanted(kpi, user)):
            item = self._evidence(kpi, user, record, is_late=arrival is Arrival.LATE)
            self._store.add(kpi.key, user, item)
            if item.spared:
                self._spares.add((kpi.key, user))
        if kpi.has_deal_sum and isinstance(record, Task):
            self._store.note_task(record)

    def _is_wanted(self, kpi: Kpi[Any], user: str) -> bool:
        """Tell whether the sheet wants the evidence of a KPI whose number is enough elsewhere."""
        return kpi.key in self._sheet.listed or user in self._sheet.named

    def _evidence(self, kpi: Kpi[Any], user: str, record: Owned, *, is_late: bool) -> Evidence:
        amount, again = (record.amount, record.reopened) if isinstance(record, Deal) else (None, False)
        return Evidence(
            type(record).__name__.lower(),
            record.id,
            record.title,
            self._link(record),
            amount,
            kpi.since(record, self._scope),
            again,
            late=is_late,
            spared=self._spared(kpi, user, record),
            missing_fields=kpi.missing_fields(record),
            loss_reason=kpi.loss_reason(record),
        )

    def _spared(self, kpi: Kpi[Any], user: str, record: Owned) -> str:
        """Tell why a record of a state is shown without being counted; empty for a counted record."""
        if user in self._sheet.named:
            return ""  # nobody is judged by what a departed member left
        is_listed_state = kpi.kind is KpiKind.STATE and kpi.listed is Listed.ALL
        if is_listed_state and self._sheet.backlog.is_ignored(kpi.key, user, record.id, self._dated(kpi, record)):
            return Spared.IGNORED
        if kpi.spares_young and isinstance(record, Deal) and record.created_at > self._scope_of(user).young_after:
            return Spared.YOUNG
        if is_listed_state and self._sheet.earlier_runs.is_inherited(kpi.key, user, record.id, self._sheet.aliases):
            return Spared.INHERITED
        return ""

    def _dated(self, kpi: Kpi[Any], record: Owned) -> datetime | None:
        """Return the instant that tells whether a record is older than the launch."""
        if isinstance(record, Deal) and not kpi.is_dated_by_state:
            return record.created_at
        return kpi.since(record, self._scope)

    def _scope_of(self, user: str) -> Scope:
        return self._scopes.get(user, self._scope)

    def _exempt(self, record: Task | Comment, changed: frozenset[Change]) -> None:
        """Exempt the deals that the record speaks for; a deal counted before is left out in the end."""
        for kpi in self._by_subject[Subject.OPEN_DEALS]:
            exemption = kpi.exempted_by
            if exemption is not None and isinstance(record, exemption.by):
                deals = exemption.deals(record, self._scope)
                if changed & exemption.doubted_by:
                    self._doubts.may_be_exempt(kpi.key, deals)
                else:
                    self._store.exempt(kpi.key, deals)

    # Doubts

    def _may_count(self, kpi: Kpi[Any], user: str, record: Owned, changed: frozenset[Change]) -> None:
        """Doubt a value by a record, unless the record counted before or would only be shown."""
        at = kpi.since(record, self._scope)
        is_counted_before = kpi.kind is KpiKind.EVENT and self._sheet.earlier_runs.has_counted(kpi.key, record, at)
        is_only_shown = kpi.listed is Listed.ALL and self._spared(kpi, user, record)
        if not is_counted_before and not is_only_shown:
            self._doubts.may_count(kpi.key, user, record.id, size_of(kpi, record, changed))

    def _matters(self, kpi: Kpi[Any], subject: Subject, changes: Iterable[Change]) -> bool:
        return any(kpi.is_doubted(change, subject.record, subject.state) for change in changes)

    def _doubt_states(self, subject: Subject, users: Iterable[str], record: Owned, changed: frozenset[Change]) -> None:
        """Doubt the KPIs of the states that a deal may have had: a deal won now may have been open at the cutoff."""
        for kpi in self._kpis:
            if kpi.counts is subject or not self._matters(kpi, subject, _STAGE_ONLY):
                continue
            if kpi.is_counted(record, self._scope) is not False or not changed <= _WHOSE:
                for user in users:
                    self._may_count(kpi, user, record, changed)

    def _add_doubt(self, doubt: Doubtful) -> None:
        """Doubt what a record may have added to the values of further users."""
        members = {member.crm_user for user in doubt.users if (member := self._member(user)) is not None}
        if doubt.record is not None:
            owner = self._member(doubt.record.manager)
            self._doubt_owner(doubt.record, members - {owner.crm_user if owner else ""})
            return
        for kpi in self._kpis:
            if kpi.is_doubted(doubt.change, doubt.kind, doubt.state):
                size: Size = 1 if kpi.unit is Unit.COUNT else None
                for user in members:
                    self._doubts.may_count(kpi.key, user, f"{doubt.kind} {next(self._unnamed)}", size)

    def _doubt_owner(self, record: Owned, users: Collection[str]) -> None:
        """Doubt the KPIs for which a record would count if it belonged to `users`."""
        if isinstance(record, Deal):
            placed = self._placed(record) if record.created_at < self._sheet.window.cutoff else None
            if placed is None:
                return
            subject, record = placed
            if self._is_moved_by_member(record, subject):
                return
        else:
            subject = _SUBJECTS[type(record)]
        changed = record.changed | {Change.OWNER}
        for kpi in self._by_subject[subject]:
            if kpi.is_counted(record, self._scope) is False and changed <= _WHOSE:
                continue
            for user in users:
                if self._arrivals.of(kpi, user, record) is not Arrival.ELSEWHERE:
                    self._may_count(kpi, user, record, changed)
        if Change.STAGE in changed:
            self._doubt_states(subject, users, record, changed)

    # Readings

    def _reading(self, kpi: Kpi[Any], user: str) -> Reading:
        if obstacle := self._unreadable.obstacle(kpi.key, user):
            return obstacle
        value = self._value(kpi, user)
        total, is_late = self._totals[kpi.key][user], self._marks.is_late(kpi.needs)
        found = self._doubts.range_of(
            kpi, user, value, total, lambda record: self._store.is_exempt(kpi.key, record), is_late=is_late
        )
        if found is None or found.low.number == found.high:
            return value
        return NotRead(Cause.CHANGED, range=found)

    def _value(self, kpi: Kpi[Any], user: str) -> Value:
        store = self._store
        items = store.items_with_deal_sums(kpi.key, user) if kpi.has_deal_sum else store.items(kpi.key, user)
        if kpi.listed is Listed.ALL:
            is_plain = kpi.unit is Unit.COUNT and (kpi.key, user) not in self._spares
            number = len(items) if is_plain else number_of(kpi, items)
            return Value(number, items, frozenset(self._ids.get((kpi.key, user), ())))
        ids = frozenset(self._ids[kpi.key, user])
        return Value(shown(kpi, self._totals[kpi.key][user]), items, ids, self._left_out[kpi.key][user])
