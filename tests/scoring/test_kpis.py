"""A KPI is one object; while a part of its meaning is missing it cannot be made."""

from __future__ import annotations

from typing import Any

import pytest

from scoring.kpi import Kpi, Listed, Subject, Unit
from scoring.kpis import CATALOGUE
from scoring.records import Change

COMPLETE: dict[str, Any] = {
    "key": "long_calls",
    "counts": Subject.CALLS,
    "is_counted": lambda _call, _scope: True,
    "since": lambda call, _scope: call.ended_at,
    "doubted_by": frozenset({Change.OWNER}),
}


@pytest.mark.parametrize("part", COMPLETE)
def test_a_kpi_without_a_part_that_decides_the_number_cannot_be_made(part: str) -> None:
    assert Kpi(**COMPLETE).kind == "event"
    with pytest.raises(TypeError, match=part):
        Kpi(**{name: value for name, value in COMPLETE.items() if name != part})


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"unit": Unit.MONEY, "listed": Listed.NONE}, "needs all deals"),
        ({"unit": Unit.MINUTES, "listed": Listed.NONE}, "seconds"),
        ({"unit": Unit.MINUTES, "measure": lambda call: call.seconds}, "listed=Listed.NONE"),
        ({"measure": lambda call: call.seconds}, "no other unit"),
    ],
)
def test_a_unit_that_the_other_parts_do_not_give_is_refused(parts: dict[str, Any], problem: str) -> None:
    with pytest.raises(TypeError, match=f"long_calls: .*{problem}"):
        Kpi(**COMPLETE | parts)


def test_every_kpi_may_be_another_managers() -> None:
    assert all(Change.OWNER in kpi.doubted_by for kpi in CATALOGUE.values())


def test_the_title_of_a_kpi_is_found_by_its_key() -> None:
    assert CATALOGUE["calls_held"].locale_key == "kpi-calls_held"
