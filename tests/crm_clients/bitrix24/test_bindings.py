"""That a next step bound to a deal is found, though another object owns the step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from crm_clients.bitrix24.bindings import SIDE, GroupTesting
from tests.crm_clients.bitrix24.portal import COMPANY, CONTACT, DEAL, Portal, when
from tests.crm_clients.bitrix24.team import ANNA, SECOND, Reader, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO


@pytest.mark.parametrize("count", [1, 2, 51, 343, 344, 3060, 57_600, 57_601, 60_001])
def test_the_row_and_the_column_of_a_deal_are_its_own_and_neither_is_too_long(count: int) -> None:
    deals = range(1_000_000, 1_000_000 + count)
    groups = GroupTesting(deals)
    rows = {key: line for line in range(groups.lines) for key in groups.row(line)}
    columns = {key: line for line in range(groups.lines) for key in groups.column(line)}
    assert set(rows) == set(columns) == set(deals)
    assert all(groups.deal_at(rows[key], columns[key]) == key for key in deals)
    lines = [*map(groups.row, range(groups.lines)), *map(groups.column, range(groups.lines))]
    assert sum(map(len, lines)) == 2 * count
    assert max(map(len, lines)) <= SIDE


def test_a_row_and_a_column_of_different_squares_name_no_deal() -> None:
    groups = GroupTesting(range(1, SIDE**2 + 2))
    assert groups.deal_at(SIDE, 0) is None
    assert groups.deal_at(SIDE, SIDE) == SIDE**2 + 1
    assert groups.deal_at(SIDE, SIDE + 1) is None


async def test_of_many_deals_those_with_a_step_are_named_without_asking_for_each_step() -> None:
    where = portal()
    for key in range(1, 1001):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    for key in range(2, 302):
        where.add_activity(9000 + key, "У контакта", ANNA, owner=(CONTACT, 5), bound=[(DEAL, key)], created=LONG_AGO)
    where.add_activity(9999, "Общее", ANNA, owner=(COMPANY, 5), bound=[(DEAL, 400), (DEAL, 401)], created=LONG_AGO)
    reader = Reader(where)
    assert await reader.number("deals_without_task") == 1000 - 303
    assert reader.fake.commands["crm.activity.binding.list"] == 1, "of the one that is bound to two"


def many_deals(count: int, *, step_of: int) -> tuple[Portal, dict[str, Any]]:
    """The first has a step of its own, another one through its contact; the portal and the contact's step."""
    where = portal()
    for key in range(1, count + 1):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    row = where.add_activity(9001, "У контакта", ANNA, owner=(CONTACT, 5), bound=[(DEAL, step_of)], created=LONG_AGO)
    return where, row


async def test_a_step_that_is_bound_anew_between_the_questions_is_asked_for_itself() -> None:
    where, row = many_deals(200, step_of=2)
    reader = Reader(where)
    asked = 0

    def bound_anew(_method: str, params: Mapping[str, Any]) -> None:
        nonlocal asked
        asked += len((params.get("filter") or {}).get("BINDINGS") or ()) > 3
        if asked == GroupTesting(range(199)).side + 1:
            where.bindings[9001] = {(CONTACT, 5), (DEAL, 3)}
            row["LAST_UPDATED"] = when(CUTOFF + 21 * SECOND)
            reader.fake._bound_count = -1
            where.activities.changed()

    reader.fake.fault = bound_anew
    without = await reader.count("deals_without_task")
    items = {item.id for item in without["deals_without_task"].items}  # type: ignore[union-attr]
    assert "3" not in items
    assert len(items) == 198


async def test_a_step_done_before_its_deal_is_asked_about_alone_was_open_at_the_cutoff() -> None:
    where, row = many_deals(100, step_of=50)
    reader = Reader(where)

    def understands_none_of_several(_method: str, params: Mapping[str, Any]) -> None:
        bindings = (params.get("filter") or {}).get("BINDINGS") or {}
        if len(bindings) > 1:
            bindings.clear()
            bindings["0"] = {"OWNER_TYPE_ID": "2", "OWNER_ID": "999999"}
        elif bindings:
            row.update(COMPLETED="Y", LAST_UPDATED=when(CUTOFF + 25 * SECOND))
            where.activities.changed()

    reader.fake.fault = understands_none_of_several
    assert await reader.ends("deals_without_task") == (98, 99)
