"""Find the sum of the open deal that an overdue task is bound to, whichever of both comes first."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from scoring.compact.id_map import IdMap
from scoring.records import Deal, Money, Task
from scoring.snapshot import Evidence

_DIGITS, _FORMS = 15, 1000
"""Digits of a sum, and forms of sums, that fit into eight bytes."""


class MoneyByDeal:
    """Hold money by deal, exact: digits and form share one number of eight bytes, where the digits fit."""

    def __init__(self) -> None:
        self._digits = IdMap()
        self._forms: dict[tuple[int, str], int] = {}
        """Exponent and currency, numbered."""
        self._odd: dict[str, Money] = {}

    def put(self, deal: str, money: Money) -> None:
        """Keep the sum of a deal."""
        whole, _, fraction = str(money.amount).partition(".")
        digits = whole + fraction
        if len(digits) > _DIGITS or not digits.isdigit() or len(self._forms) == _FORMS:
            self._odd[deal] = money  # negative, long, or with an exponent
            return
        form = self._forms.setdefault((-len(fraction), money.currency), len(self._forms))
        self._digits.put(deal, int(digits) * _FORMS + form)

    def get(self, deal: str) -> Money | None:
        """Return the sum of a deal; None if unknown."""
        packed = self._digits.get(deal)
        if packed is None:
            return self._odd.get(deal)
        digits, form = divmod(packed, _FORMS)
        exponent, currency = list(self._forms)[form]
        return Money(Decimal(digits).scaleb(exponent), currency)


class DealSums:
    """Find the deal of each overdue task: the first open deal that has a sum."""

    def __init__(self) -> None:
        self._deals: dict[str, tuple[str, ...]] = {}
        """Ids of deals by overdue task."""
        self._sums = MoneyByDeal()

    def task(self, task: Task) -> None:
        """Note the deals of an overdue task."""
        if task.deals:
            self._deals[task.id] = tuple(sorted(task.deals))

    def deal(self, deal: Deal) -> None:
        """Note the sum of an open deal."""
        if deal.amount is not None:
            self._sums.put(deal.id, deal.amount)

    def with_sum(self, item: Evidence) -> Evidence:
        """Add the deal and the sum of the deal to the evidence of an overdue task, once all deals have come."""
        for deal in self._deals.get(item.id, ()):
            if (amount := self._sums.get(deal)) is not None:
                return msgspec.structs.replace(item, deal=deal, amount=amount)
        return item
