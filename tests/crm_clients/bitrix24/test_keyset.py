"""That a list read by ids is read to the end, wherever the portal says that the end is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from crm_clients.bitrix24.api import COMMANDS, PAGE, Reply
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.errors import RightsMissing
from tests.crm_clients.bitrix24.team import Reader, a_list, deal, portal


def _read(progress: QueryProgress, ids: Sequence[int], end: Reply, pages: int = COMMANDS) -> None:
    names = progress.commands("q", pages)
    full = (Reply([{"ID": key} for key in ids[start : start + PAGE]]) for start in range(0, len(ids), PAGE))
    list(progress.accept({name: end if name == "qend" else next(full, Reply([])) for name in names}))


def test_a_long_list_asks_where_it_ends_and_then_for_as_much_as_is_left() -> None:
    progress = a_list("x", 500)
    assert "qend" in progress.commands("q", COMMANDS)
    _read(progress, range(5_000_000, 5_000_000 + 49 * PAGE), Reply([{"ID": str(5_000_000 + 60 * PAGE)}]))
    assert progress.open
    assert 11 < progress.want < 16
    assert "qend" not in progress.commands("q", COMMANDS), "once is enough"


@pytest.mark.parametrize("end", [Reply(error=RightsMissing("no")), Reply(known=False), Reply([])])
def test_an_end_that_is_not_told_stops_nothing(end: Reply) -> None:
    progress = a_list("x", 500)
    _read(progress, range(1, 1 + 49 * PAGE), end)
    assert progress.open
    assert progress.want == COMMANDS
    assert "qend" not in progress.commands("q", COMMANDS)


def test_a_short_list_is_not_asked_for_its_end() -> None:
    assert not any(name.endswith("end") for name in a_list("x", 9).commands("q", 9))
    assert len(a_list("x", 20).commands("q", 20)) == 20, "in the place of a page"


async def test_rows_beyond_a_told_end_are_read_too() -> None:
    where = portal()
    for key in range(1, 6000):
        deal(where, key)
    reader = Reader(where)

    def an_old_end(method: str, params: Mapping[str, Any]) -> None:
        if method == "crm.item.list" and "DESC" in (params.get("order") or {}).values():
            params["filter"]["<id"] = "2000"

    reader.fake.fault = an_old_end
    assert await reader.number("deals_open") == 5999
    assert reader.fake.requests < 8
