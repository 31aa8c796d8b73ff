"""Facts are values: equal by their fields, and never changed."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.records import Comment, Money
from scoring.snapshot import Evidence
from tests.scoring.builders import CUTOFF, LONG_AGO, call, company, deal, meeting, money, task


@pytest.mark.parametrize(
    ("fact", "field"),
    [
        (deal(), "manager"),
        (task(), "deadline"),
        (call(), "seconds"),
        (meeting(), "held_at"),
        (company(), "title"),
        (Comment("1"), "deal"),
        (money("5"), "amount"),
        (Evidence("deal", "1", "", ""), "title"),
    ],
)
def test_no_field_of_a_fact_can_be_set_or_added(fact: Any, field: str) -> None:
    for name in (field, "author"):
        with pytest.raises(AttributeError):
            setattr(fact, name, None)


def test_facts_are_equal_by_their_fields() -> None:
    assert Comment("1", CUTOFF) == Comment("1", CUTOFF) != Comment("1", LONG_AGO)
    assert len({money("5"), money("5"), Money(money("5").amount, "USD")}) == 2
