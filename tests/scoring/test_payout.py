"""Points to money: docs/product.md §7."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.payout import MoneyTerms, payout

D = Decimal


@pytest.mark.parametrize(
    ("terms", "plus", "minus", "total"),
    [
        pytest.param(MoneyTerms(), 21, 4, "1700", id="the shipped course"),
        pytest.param(MoneyTerms(), 2, 6, "0", id="minus points lower the bonus, never below the floor"),
        pytest.param(MoneyTerms(base=D(5000)), 2, 6, "4600", id="a base"),
        pytest.param(MoneyTerms(cap=D(1500)), 21, 4, "1500", id="the cap"),
        pytest.param(MoneyTerms(floor=D(300)), 1, 0, "300", id="a floor above zero"),
        pytest.param(MoneyTerms(floor=D(-1000)), 0, 4, "-400", id="a floor below zero"),
        pytest.param(MoneyTerms(per_point=D("33.33"), per_penalty_point=D("0.01")), 3, 1, "99.98", id="exact kopecks"),
        pytest.param(MoneyTerms(), 0, 0, "0", id="nothing happened"),
        pytest.param(MoneyTerms(), 5, -2, "700", id="minus points given back from a locked month"),
        pytest.param(MoneyTerms(), -1, 0, "0", id="plus points taken back from a locked month"),
    ],
)
def test_the_payout_is_base_and_bonus_less_penalty_between_floor_and_cap(
    terms: MoneyTerms, plus: int, minus: int, total: str
) -> None:
    found = payout(terms, plus, minus)
    assert found.total == D(total)
    assert found.bonus == terms.per_point * plus
    assert found.penalty == terms.per_penalty_point * minus


def kopecks(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda amount: D(amount).scaleb(-2))


@given(
    kopecks(0, 10**8),
    kopecks(0, 10**6),
    kopecks(0, 10**6),
    kopecks(-(10**7), 10**7),
    st.none() | kopecks(0, 10**8),
    st.integers(-500, 500),
    st.integers(-500, 500),
)
def test_the_payout_is_exact_and_between_floor_and_cap(
    base: Decimal,
    per_point: Decimal,
    per_penalty: Decimal,
    floor: Decimal,
    above: Decimal | None,
    plus: int,
    minus: int,
) -> None:
    cap = None if above is None else floor + above
    found = payout(MoneyTerms("RUB", base, per_point, per_penalty, floor, cap), plus, minus)
    assert floor <= found.total
    assert cap is None or found.total <= cap
    with localcontext(prec=60):
        free = base + per_point * plus - per_penalty * minus
    if floor < free and (cap is None or free < cap):
        assert found.total == free
    else:
        assert found.total in (floor, cap, free)


@given(kopecks(0, 10**6), kopecks(0, 10**6), st.integers(0, 300), st.integers(0, 300))
def test_a_point_more_never_pays_less_and_a_minus_more_never_pays_more(
    per_point: Decimal, per_penalty: Decimal, plus: int, minus: int
) -> None:
    terms = MoneyTerms(per_point=per_point, per_penalty_point=per_penalty, cap=D(10000))
    here = payout(terms, plus, minus).total
    assert payout(terms, plus + 1, minus).total >= here
    assert payout(terms, plus, minus + 1).total <= here
