"""What overdue tasks put at risk: the sums of the open deals they are bound to, whichever of both comes first."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from scoring.compact.id_map import IdMap
from scoring.records import Deal, Money, Task
from scoring.snapshot import Evidence

_DIGITS, _FORMS = 15, 1000
"""Digits of a sum, and forms of sums, that fit into eight bytes."""


class MoneyByDeal:
    """Money by deal, exact and small: digits and form share a number, where the digits are not too many."""

    def __init__(self) -> None:
        self._digits = IdMap()
        self._forms: dict[tuple[int, str], int] = {}
        """Exponent and currency, numbered."""
        self._odd: dict[str, Money] = {}

    def put(self, deal: str, money: Money) -> None:
        """Keep a deal's sum."""
        whole, _, fraction = str(money.amount).partition(".")
        digits = whole + fraction
        if len(digits) > _DIGITS or not digits.isdigit() or len(self._forms) == _FORMS:
            self._odd[deal] = money  # negative, long, or with an exponent
            return
        form = self._forms.setdefault((-len(fraction), money.currency), len(self._forms))
        self._digits.put(deal, int(digits) * _FORMS + form)

    def get(self, deal: str) -> Money | None:
        """The sum of a deal; None if it did not come."""
        packed = self._digits.get(deal)
        if packed is None:
            return self._odd.get(deal)
        digits, form = divmod(packed, _FORMS)
        exponent, currency = list(self._forms)[form]
        return Money(Decimal(digits).scaleb(exponent), currency)


class DealSums:
    """Finds the deal of each overdue task: the first of its open deals that has a sum."""

    def __init__(self) -> None:
        self._deals: dict[str, tuple[str, ...]] = {}
        """By overdue task: what it is bound to."""
        self._sums = MoneyByDeal()

    def task(self, task: Task) -> None:
        """An overdue task."""
        if task.deals:
            self._deals[task.id] = tuple(sorted(task.deals))

    def deal(self, deal: Deal) -> None:
        """An open deal."""
        if deal.amount is not None:
            self._sums.put(deal.id, deal.amount)

    def beside(self, item: Evidence) -> Evidence:
        """The evidence of an overdue task with its deal and the deal's sum, once all deals have come."""
        for deal in self._deals.get(item.id, ()):
            if (amount := self._sums.get(deal)) is not None:
                return msgspec.structs.replace(item, deal=deal, amount=amount)
        return item
