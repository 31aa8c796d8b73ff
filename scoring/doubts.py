"""Keep which values are uncertain and by how much, and which kinds of record were read in full."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from scoring.kpi import Kpi, Listed, Unit
from scoring.kpis import Capability
from scoring.records import Call, Change, Completed, Deal, Failed, Money, Owned, RecordKind, Unreadable
from scoring.snapshot import Cause, Evidence, NotAvailable, NotRead, Number, Range, Value

Size = int | Money | None
"""Part of a record in a value: a count, seconds or money; None: not known, so that no upper end is known."""


class Doubts:
    """Hold, by KPI and CRM user, the records that may count or may not (docs/product.md §19, Doubt)."""

    def __init__(self) -> None:
        self._counted: dict[tuple[str, str], dict[str, Size]] = defaultdict(dict)
        """Records that count now and may not have counted at the cutoff."""
        self._uncounted: dict[tuple[str, str], dict[str, Size]] = defaultdict(dict)
        """Records that do not count now and may have counted at the cutoff."""
        self._if_late: dict[tuple[str, str], dict[str, Size]] = defaultdict(dict)
        """Records that may have counted, in a reading that began late."""
        self._exempt: dict[str, set[str]] = defaultdict(set)
        """Deals that may have been exempt at the cutoff, by KPI."""

    def may_not_count(self, kpi: str, user: str, record: str, size: Size) -> None:
        """Note a record that counts now."""
        self._counted[kpi, user][record] = size

    def may_count(self, kpi: str, user: str, record: str, size: Size, *, if_late: bool = False) -> None:
        """Note a record that does not count now; `if_late`: the doubt holds for a late reading alone."""
        (self._if_late if if_late else self._uncounted)[kpi, user].setdefault(record, size)

    def may_be_exempt(self, kpi: str, deals: Iterable[str]) -> None:
        """Note deals with an uncertain exemption."""
        self._exempt[kpi].update(deals)

    def range_of(
        self, kpi: Kpi[Any], user: str, value: Value, total: int, is_exempt: Callable[[str], bool], *, is_late: bool
    ) -> Range | None:
        """Return the ends between which a value lies; None for a certain value.

        `total` is the exact number behind a value without full evidence (seconds of talk).
        """
        key = kpi.key, user
        counted = {record: size for record, size in self._counted[key].items() if not is_exempt(record)}
        extra = self._uncounted[key] | (self._if_late[key] if is_late else {})
        more = [size for record, size in extra.items() if not is_exempt(record)]
        open_ended = None in more or (kpi.unit is Unit.MONEY and None in counted.values())
        if kpi.listed is Listed.ALL:
            doubtful = counted.keys() | self._exempt[kpi.key]
            sure = [item for item in value.items if item.id not in doubtful] if doubtful else value.items
            if len(sure) == len(value.items) and not more:
                return None
            low = Value(number_of(kpi, sure), tuple(sure))
            high = None if open_ended else _plus(value.number, more)
            if kpi.unit is Unit.MONEY:  # a doubtful sum below zero lowers the low end
                sums = [size for size in (*counted.values(), *more) if isinstance(size, Money)]
                high = None if open_ended else _plus(low.number, [money for money in sums if money.amount > 0])
                low = replace(low, number=_plus(low.number, [money for money in sums if money.amount < 0]))
        elif counted or more:
            less = None if None in counted.values() else sum(_ints(counted.values()))
            low = Value(shown(kpi, 0 if less is None else total - less), value.items, value.ids, value.spared)
            high = None if open_ended else shown(kpi, total + sum(_ints(more)))
        else:
            return None
        return Range(low, high)


def size_of(kpi: Kpi[Any], record: Owned, changes: Collection[Change]) -> Size:
    """Return the part of a record in a value; None if a change makes the part itself uncertain, or it is not told."""
    if kpi.unit is Unit.MONEY:
        if Change.AMOUNT in changes or not isinstance(record, Deal):
            return None
        return record.amount or Money(Decimal(0), "")
    if kpi.unit is Unit.MINUTES and (not isinstance(record, Call) or record.answered is None or record.seconds is None):
        return None
    return kpi.measure(record)


def number_of(kpi: Kpi[Any], items: Sequence[Evidence]) -> Number:
    """Return the number of a KPI with full evidence: spared records are left out."""
    counted = (item for item in items if not item.spared)
    if kpi.unit is Unit.MONEY:
        return _sums(item.amount for item in counted)
    return sum(1 for _ in counted)


def shown(kpi: Kpi[Any], total: int) -> int:
    """Return the number that is shown for an exact total: whole minutes of seconds."""
    return total // 60 if kpi.unit is Unit.MINUTES else total


def _plus(number: Number, sizes: Iterable[Size]) -> Number:
    if isinstance(number, int):
        return number + sum(_ints(sizes))
    known = [Money(amount, currency) for currency, amount in number.items()]
    return _sums([*known, *(size for size in sizes if isinstance(size, Money))])


def _ints(sizes: Iterable[Size]) -> Iterable[int]:
    return (size for size in sizes if isinstance(size, int))


def _sums(amounts: Iterable[Money | None]) -> dict[str, Decimal]:
    """Add up exact sums by currency; a deal without a sum adds nothing."""
    sums: dict[str, Decimal] = {}
    for money in amounts:
        if money is not None and money.currency:
            sums[money.currency] = sums.get(money.currency, Decimal(0)) + money.amount
    return dict(sorted(sums.items()))


class UnreadableRows:
    """Hold, by KPI and CRM user, the first row that may touch the value and could not be understood."""

    def __init__(self) -> None:
        self._obstacles: dict[tuple[str, str], NotRead] = {}

    def add(self, kpis: Iterable[Kpi[Any]], users: Collection[str], row: Unreadable, every: Collection[str]) -> None:
        """Note a row: KPIs that count its kind are touched for `users`, KPIs that it exempts from for `every` user."""
        for kpi in kpis:
            if row.kind not in kpi.needs or (row.kpis and kpi.key not in row.kpis):
                continue
            for user in users if kpi.counts.record is row.kind and row.users else every:
                self._obstacles.setdefault((kpi.key, user), NotRead(row.cause, row.reason))

    def obstacle(self, kpi: str, user: str) -> NotRead | None:
        """Tell why a user's value is not known; None if no such row touches the value."""
        return self._obstacles.get((kpi, user))


class KindMarks:
    """Hold which kinds of record were read in full, and when the reading started."""

    def __init__(self, late_after: datetime) -> None:
        self._late_after = late_after
        self._completed: dict[RecordKind, datetime] = {}
        self._failed: dict[RecordKind, NotRead] = {}

    def add(self, mark: Completed | Failed) -> None:
        """Note the end of a kind; of a kind read twice the later reading counts."""
        if isinstance(mark, Failed):
            self._failed.setdefault(mark.kind, NotRead(mark.cause, mark.reason))
        else:
            self._completed[mark.kind] = max(mark.started_at, self._completed.get(mark.kind, mark.started_at))

    def is_late(self, kinds: Iterable[RecordKind]) -> bool:
        """Tell whether the reading of any of the kinds started after the tolerance."""
        return any(self._completed[kind] > self._late_after for kind in kinds)

    def obstacle(self, kpi: Kpi[Any], capabilities: Mapping[str, Capability]) -> NotAvailable | NotRead | None:
        """Tell why a KPI is known for no manager; None if nothing stands against the KPI."""
        capability = capabilities.get(kpi.key, Capability.UNAVAILABLE)
        if capability is Capability.UNAVAILABLE:
            return NotAvailable()
        for kind in sorted(kpi.needs):
            if kind in self._failed or kind not in self._completed:
                return self._failed.get(kind, NotRead(Cause.INCOMPLETE))
        if capability is not Capability.REBUILDABLE and self.is_late(kpi.needs):
            return NotRead(Cause.LATE)
        return None
