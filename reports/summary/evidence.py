"""Collect figures beside the points: won deals of a stretch, open problems at the last finished run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from reports.summary.stretches import Stretch
from scoring.kpis import DEALS_WITHOUT_TASK, DEALS_WON, OVERDUE_TASKS, WON_AMOUNT
from scoring.snapshot import Evidence, Snapshot, Value


@dataclass(frozen=True, slots=True)
class WonDay:
    """Hold the deals that one manager won on one day."""

    crm_user: str
    day: date
    deals: int
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    """Sums by currency."""


@dataclass(frozen=True, slots=True)
class PricedDeals:
    """Hold a number of deals and the sums by currency."""

    deals: int = 0
    amounts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenItems:
    """Hold records behind an open problem, each counted once, with sums by currency."""

    items: tuple[Evidence, ...] = ()
    amounts: Mapping[str, Decimal] = field(default_factory=dict)
    read: bool = True
    """False where the KPI was read for no manager, or is not available in the CRM."""


@dataclass(frozen=True, slots=True)
class Now:
    """Hold the open problems at the last finished run, of all or of a past period."""

    day: date
    overdue: OpenItems
    without_task: OpenItems
    snapshots: Mapping[str, Snapshot] = field(default_factory=dict)
    """Snapshots by CRM user, for the drill-down."""
    is_latest: bool = True
    """False: of the last run of a past period, with newer runs since."""

    @property
    def at_risk(self) -> PricedDeals:
        """Count the deals with an overdue task or without a task, each deal once, and add up the sums by currency."""
        overdue = {item.deal: item.amount for item in self.overdue.items if item.deal}
        found = overdue | {item.id: item.amount for item in self.without_task.items}
        return PricedDeals(len(found), add_up({each.currency: each.amount} for each in found.values() if each))


def won_in(days: Iterable[WonDay] | None, part: Stretch) -> PricedDeals | None:
    """Add up won deals of a stretch; None where the CRM states no won deals."""
    if days is None:
        return None
    found = [day for day in days if day.day in part]
    return PricedDeals(sum(day.deals for day in found), add_up(day.amounts for day in found))


def add_up(sums: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Add up money by currency, exactly."""
    result: dict[str, Decimal] = defaultdict(Decimal)
    for amounts in sums:
        for currency, amount in amounts.items():
            result[currency] += amount
    return dict(sorted(result.items()))


def won_days(snapshots: Iterable[tuple[date, Snapshot]]) -> tuple[WonDay, ...] | None:
    """Extract won deals from stored snapshots, day by day; None where no snapshot states any."""
    found = []
    for day, snapshot in snapshots:
        deals = snapshot.readings.get(DEALS_WON)
        amount = snapshot.readings.get(WON_AMOUNT)
        count = deals.number if isinstance(deals, Value) and isinstance(deals.number, int) else None
        sums = amount.number if isinstance(amount, Value) and not isinstance(amount.number, int) else None
        if count is not None or sums is not None:
            found.append(WonDay(snapshot.manager.crm_user, day, count or 0, sums or {}))
    return tuple(found) or None


def state_now(day: date, snapshots: Iterable[Snapshot], *, is_latest: bool = True) -> Now:
    """Collect overdue tasks and deals without a task at a finished run, on `day`."""
    by_user = {snapshot.manager.crm_user: snapshot for snapshot in snapshots}
    return Now(
        day,
        _open_items(by_user.values(), OVERDUE_TASKS),
        _open_items(by_user.values(), DEALS_WITHOUT_TASK),
        by_user,
        is_latest,
    )


def _open_items(snapshots: Iterable[Snapshot], key: str) -> OpenItems:
    values = [reading for each in snapshots if isinstance(reading := each.readings.get(key), Value)]
    items = {item.key: item for value in values for item in value.items}
    # Two overdue tasks of one deal put its sum at risk once.
    priced = {item.deal or item.key: item.amount for item in items.values() if item.amount}
    sums = ({amount.currency: amount.amount} for amount in priced.values())
    return OpenItems(tuple(items.values()), add_up(sums), read=bool(values))
