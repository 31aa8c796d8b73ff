"""What overdue tasks put at risk: the sums of the open deals they are bound to, whichever of both comes first."""

from __future__ import annotations

import marshal
from collections import defaultdict
from dataclasses import dataclass, field, replace
from decimal import Decimal

from scoring.numbers import Numbers
from scoring.records import Deal, Money, Task
from scoring.snapshot import Evidence


class Sums:
    """Money by deal, for hundreds of thousands of deals: written one after another, exactly."""

    def __init__(self) -> None:
        self._places = Numbers()
        self._written = bytearray()

    def put(self, deal: str, amount: Money) -> None:
        """Keep a deal's sum."""
        self._places.put(deal, len(self._written))
        self._written += marshal.dumps((str(amount.amount), amount.currency))

    def get(self, deal: str) -> Money | None:
        """The sum of a deal; None if it did not come."""
        place = self._places.get(deal)
        if place is None:
            return None
        amount, currency = marshal.loads(memoryview(self._written)[place:])  # noqa: S302  # our own bytes
        return Money(Decimal(amount), currency)


@dataclass(slots=True)
class Stakes:
    """Finds the deal of each overdue task. Sums of all open deals are kept only until the last task has come."""

    _waiting: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Overdue tasks by deals that did not come yet."""
    _sums: Sums = field(default_factory=Sums)
    _found: dict[str, tuple[str, Money]] = field(default_factory=dict)
    """By task: its deal and the sum."""
    _more_tasks: bool = True

    def task(self, task: Task) -> None:
        """An overdue task."""
        for deal in sorted(task.deals):
            if (amount := self._sums.get(deal)) is not None:
                self._found.setdefault(task.id, (deal, amount))
            else:
                self._waiting[deal].append(task.id)

    def deal(self, deal: Deal) -> None:
        """An open deal."""
        if deal.amount is None:
            return
        for task in self._waiting.pop(deal.id, ()):
            self._found.setdefault(task, (deal.id, deal.amount))
        if self._more_tasks:
            self._sums.put(deal.id, deal.amount)

    def no_more_tasks(self) -> None:
        """All tasks have come: what was kept for them may go."""
        self._more_tasks = False
        self._sums = Sums()

    def beside(self, item: Evidence) -> Evidence:
        """The evidence of an overdue task with its deal and the deal's sum."""
        deal, amount = self._found.get(item.id, ("", None))
        return replace(item, deal=deal, amount=amount) if amount is not None else item
