"""What overdue tasks put at risk does not depend on what was read first, and is exact."""

from __future__ import annotations

from decimal import Decimal
from random import Random

import pytest

from scoring.records import Fact, Money
from tests.scoring.builders import CUTOFF, SECOND, deal, money, task, value


def overdue(*deals: str) -> Fact:
    return task("9", deals=frozenset(deals), deadline=CUTOFF - SECOND)


def stake(*facts: Fact) -> tuple[str, Money | None]:
    (item,) = value("overdue_tasks", *facts).items
    return item.deal, item.amount


@pytest.mark.parametrize(
    "amount", ["0", "0.00", "10.50", "-3", "1E+3", "0.0000001", "123456789012345", "12345678901234567890.12"]
)
def test_the_sum_of_a_deal_is_the_very_one_that_the_crm_states(amount: str) -> None:
    deal_id, found = stake(overdue("1"), deal("1", amount=money(amount, "USD")), deal("2", amount=money("7")))
    assert deal_id == "1"
    assert (str(found.amount), found.currency) == (str(Decimal(amount)), "USD")


def test_of_several_deals_the_first_that_has_a_sum_counts_whatever_comes_first() -> None:
    facts = [overdue("1", "2", "3"), deal("1"), deal("2", amount=money("20")), deal("3", amount=money("30"))]
    for seed in range(10):
        Random(seed).shuffle(facts)
        assert stake(*facts) == ("2", money("20"))


def test_a_task_without_an_open_deal_puts_nothing_at_risk() -> None:
    assert stake(overdue("1"), deal("2", amount=money("20"))) == ("", None)
