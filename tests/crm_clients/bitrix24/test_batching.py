"""How few requests Bitrix24 is read with, and that nothing is lost for it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from crm_clients.base import ReadStats
from crm_clients.bitrix24.api import COMMANDS, PAGE, Bitrix24Api, OperationLimit, Reply
from crm_clients.bitrix24.batching import BatchScheduler
from crm_clients.bitrix24.bindings import SIDE, GroupTesting
from crm_clients.bitrix24.keyset import KeysetQuery
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.values import Row
from crm_clients.errors import CrmUnavailable, DeadlineExceeded, RightsMissing
from crm_clients.shared.http import Deadline
from crm_clients.shared.id_set import IdSet
from scoring.records import Deal
from tests.crm_clients.bitrix24.fake import COMPANY, CONTACT, DEAL, Portal, when
from tests.crm_clients.bitrix24.team import ANNA, HOUR, SECOND, Reader, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START, FakeClock


def _list(name: str, pages: int = COMMANDS, *, group: str = "", ask_last: bool = False) -> QueryProgress:
    return KeysetQuery(
        method=name,
        params={"filter": {}, "select": ["ID", "SUBJECT"]},
        fold=lambda _: (),
        what=name,
        group=group,
        expected_pages=pages,
        ask_last=ask_last,
    ).start()


# Requests


async def test_what_happened_fills_the_requests_of_what_is_read_one_after_another() -> None:
    where = portal()
    for key in range(1, 100):
        deal(where, key)
    where.add_activity(9000, "Своё", ANNA, owner=(DEAL, 1), created=LONG_AGO)
    for key in range(1, 600):
        where.add_call(1000 + key, ANNA, START + HOUR, 60)
        where.add_company(2000 + key, f"Компания {key}", ANNA, ANNA, START + HOUR)
    reader = Reader(where)
    kpis = ("deals_open", "deals_without_task", "calls_held", "companies_added")
    readings = await reader.count(*kpis)
    assert [getattr(readings[kpi], "number", None) for kpi in kpis] == [99, 98, 599, 599]
    assert reader.fake.requests == 3


async def test_a_request_for_a_blocked_method_leaves_what_happened_its_place() -> None:
    where = portal()
    deal(where, 1)
    for key in range(1, 200):
        where.add_call(1000 + key, ANNA, START + HOUR, 60)
    reader = Reader(where)
    reader.fake.operation_limits["crm.item.list"] = reader.clock.now().timestamp() + 100_000
    readings = await reader.count("deals_open", "calls_held")
    assert getattr(readings["calls_held"], "number", None) == 199
    assert not hasattr(readings["deals_open"], "number")


class SlowPortal:
    """Takes ten seconds for a request; there is no end of deals, and 3,010 calls."""

    def __init__(self) -> None:
        self.clock = FakeClock(CUTOFF)
        self.http = SimpleNamespace(stats=ReadStats())
        self._told = {"deals": 0, "calls": 0}

    async def batch(self, commands: Mapping[str, str], *, deadline: Deadline, what: str, **_: Any) -> dict[str, Reply]:
        deadline.remaining(what)
        await self.clock.sleep(10)
        return {
            name: Reply([]) if name.endswith("end") else self._page(asked.partition("?")[0])
            for name, asked in commands.items()
        }

    def _page(self, method: str) -> Reply:
        begin = self._told[method]
        end = begin + PAGE if method == "deals" else min(begin + PAGE, 3010)
        self._told[method] = end
        return Reply([{"ID": key + 1} for key in range(begin, end)])


async def test_a_slow_portals_endless_deals_do_not_take_what_happened_with_them() -> None:
    portal = SlowPortal()
    rows: Counter[str] = Counter()

    async def take(progress: QueryProgress, page: Sequence[Row]) -> None:
        rows[progress.query.method] += len(page)

    deals, calls = _list("deals"), _list("calls")
    scheduler = BatchScheduler(cast(Bitrix24Api, portal), Deadline(300, portal.clock), take)
    scheduler.add_filler([calls])
    await scheduler.read([deals])
    await scheduler.finish()
    assert isinstance(deals.problem, DeadlineExceeded)
    assert (calls.problem, calls.is_over, rows["calls"]) == (None, True, 3010)


# The ends of long lists


def _long() -> QueryProgress:
    return _list("x", 500)


def _read(progress: QueryProgress, ids: Sequence[int], end: Reply, pages: int = COMMANDS) -> None:
    names = progress.commands("q", pages)
    full = (Reply([{"ID": key} for key in ids[start : start + PAGE]]) for start in range(0, len(ids), PAGE))
    list(progress.accept({name: end if name == "qend" else next(full, Reply([])) for name in names}))


def test_a_long_list_asks_where_it_ends_and_then_for_as_much_as_is_left() -> None:
    progress = _long()
    assert "qend" in progress.commands("q", COMMANDS)
    _read(progress, range(5_000_000, 5_000_000 + 49 * PAGE), Reply([{"ID": str(5_000_000 + 60 * PAGE)}]))
    assert progress.open
    assert 11 < progress.want < 16
    assert "qend" not in progress.commands("q", COMMANDS), "once is enough"


@pytest.mark.parametrize("end", [Reply(error=RightsMissing("no")), Reply(known=False), Reply([])])
def test_an_end_that_is_not_told_stops_nothing(end: Reply) -> None:
    progress = _long()
    _read(progress, range(1, 1 + 49 * PAGE), end)
    assert progress.open
    assert progress.want == COMMANDS
    assert "qend" not in progress.commands("q", COMMANDS)


def test_a_list_that_ends_where_it_was_expected_is_not_asked_for_its_end() -> None:
    progress = _list("x", 20)
    assert "qend" not in progress.commands("q", 20)


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


# Two requests at a time


class BusyPortal:
    """Every list has so many rows; it knows what was on its way at once."""

    def __init__(self, rows: int) -> None:
        self.clock = FakeClock(CUTOFF)
        self.http = SimpleNamespace(stats=ReadStats())
        self.requests = 0
        self.together: list[set[str]] = []
        self.failing = range(0)
        """Behind which ids nothing is told."""
        self.blocked: dict[str, OperationLimit] = {}
        """What is said of a method, once."""
        self.asked: list[str] = []
        self._rows = rows
        self._flying: list[set[str]] = []

    async def batch(self, commands: Mapping[str, str], *, deadline: Deadline, what: str, **_: Any) -> dict[str, Reply]:
        self.requests += 1
        mine = {command.partition("?")[0] for command in commands.values()}
        self._flying.append(mine)
        self.together.append(set().union(*self._flying) if len(self._flying) > 1 else set())
        for _turn in range(10):
            await asyncio.sleep(0)
        self._flying.remove(mine)
        return self._answers(commands)

    def _answers(self, commands: Mapping[str, str]) -> dict[str, Reply]:
        replies: dict[str, Reply] = {}
        for name, command in commands.items():
            method, after = command.partition("?")[0], command.rpartition("=")[2]
            self.asked.append(method)
            if method in self.blocked:
                replies[name] = Reply(error=self.blocked.pop(method))
                continue
            if after.startswith("$result"):
                rows = replies[after.partition("[")[2].partition("]")[0]].value
                after = rows[PAGE - 1]["ID"] if rows and len(rows) == PAGE else 0
            begin = int(after)
            if begin in self.failing:
                replies[name] = Reply(error=RightsMissing("no"))
            elif name.endswith("end"):
                replies[name] = Reply([{"ID": self._rows}])
            else:
                replies[name] = Reply([{"ID": key} for key in range(begin + 1, min(begin + PAGE, self._rows) + 1)])
        return replies


async def _drop(_progress: QueryProgress, _page: Sequence[Row]) -> None:
    pass


async def _walk(portal: BusyPortal, *lists: QueryProgress, filler: Sequence[QueryProgress] = ()) -> Counter[str]:
    rows: Counter[str] = Counter()

    async def take(progress: QueryProgress, page: Sequence[Row]) -> None:
        rows.update(f"{progress.query.what} {row['ID']}" for row in page)

    scheduler = BatchScheduler(cast(Bitrix24Api, portal), Deadline(300, portal.clock), take)
    scheduler.add_filler(filler)
    await scheduler.read(lists)
    await scheduler.finish()
    return rows


@pytest.mark.parametrize("rows", [20_000, 20_001, 20_049, 9_949])
async def test_a_long_list_is_read_in_halves_at_once_and_every_row_of_it_once(rows: int) -> None:
    portal = BusyPortal(rows)
    told = await _walk(portal, _long())
    assert len(told) == rows
    assert set(told.values()) == {1}
    assert any(portal.together)
    assert portal.requests <= rows // (PAGE * COMMANDS) + 2


async def test_what_one_half_cannot_be_told_is_a_problem_of_the_whole_list() -> None:
    for failing in (range(3000, 3100), range(15_000, 15_100)):
        portal, progress = BusyPortal(20_000), _long()
        portal.failing = failing
        await _walk(portal, progress)
        assert isinstance(progress.problem, RightsMissing)


async def test_what_must_be_younger_than_the_others_is_not_asked_beside_them() -> None:
    portal = BusyPortal(20_000)
    await _walk(portal, _long(), _list("done", 1, ask_last=True))
    assert any(portal.together)
    assert not any("done" in methods for methods in portal.together)


async def test_what_must_be_younger_than_the_others_waits_while_one_of_them_is_blocked() -> None:
    portal = BusyPortal(30)
    portal.blocked = {"steps": OperationLimit("no computing time", 100.0)}
    other, filler, steps, done = (
        _list("other", 1), _list("steps", 1), _list("steps", 1), _list("done", 1, ask_last=True)
    )  # fmt: skip
    scheduler = BatchScheduler(cast(Bitrix24Api, portal), Deadline(300, portal.clock), _drop)
    scheduler.add_filler([filler])
    await scheduler.read([other])
    assert portal.asked == ["other", "steps"]
    await scheduler.read([steps, done])
    assert portal.asked[2:4] == ["steps", "done"]
    assert (steps.problem, done.problem) == (None, None)


async def test_two_requests_at_once_are_no_more_requests() -> None:
    portal = BusyPortal(7_000)
    await _walk(portal, _list("short0", 141), _list("short1", 141), filler=[_list("filler", 141)])
    assert any(portal.together)
    assert portal.requests <= 3 * 7_000 // (PAGE * COMMANDS) + 2


# What is read next


class Taken:
    """Lists of a portal, and whose rows were taken."""

    def __init__(self, portal: BusyPortal) -> None:
        self.rows: list[str] = []
        self.scheduler = BatchScheduler(cast(Bitrix24Api, portal), Deadline(300, portal.clock), self._take)

    async def _take(self, progress: QueryProgress, page: Sequence[Row]) -> None:
        self.rows += [progress.query.what] * len(page)


async def test_what_is_read_next_fills_the_last_request_of_the_others_and_is_taken_after_them() -> None:
    portal, planned, deals = BusyPortal(1_200), _list("planned", 30), _list("deals", 30)
    taken = Taken(portal)
    taken.scheduler.prefetch([deals])
    await taken.scheduler.read([planned])
    assert set(taken.rows) == {"planned"}
    assert portal.asked.count("deals") == COMMANDS - 30
    await taken.scheduler.read([deals])
    assert taken.rows == 1_200 * ["planned"] + 1_200 * ["deals"]
    assert portal.requests == 2


async def test_what_is_read_next_is_kept_for_one_request_however_long_the_others_take() -> None:
    for blocked in ({}, {"planned": OperationLimit("no computing time", 100.0)}):
        portal, planned, deals = BusyPortal(20_000), _list("planned", 400), _list("deals", 400)
        portal.blocked = blocked
        taken = Taken(portal)
        taken.scheduler.prefetch([deals])
        await taken.scheduler.read([planned])
        assert portal.asked.count("deals") <= COMMANDS
        await taken.scheduler.read([deals])
        assert taken.rows == 20_000 * ["planned"] + 20_000 * ["deals"]


class PlainPortal(BusyPortal):
    """Answers no request for several things."""

    async def batch(self, commands: Mapping[str, str], **more: Any) -> dict[str, Reply]:
        if len({command.partition("?")[0] for command in commands.values()}) > 1:
            raise CrmUnavailable("too much at once")
        return await super().batch(commands, **more)


async def test_what_was_prefetched_in_vain_is_read_in_its_turn() -> None:
    portal, planned, deals, calls = PlainPortal(2_000), _list("planned", 40), _list("deals", 5), _list("calls")
    taken = Taken(portal)
    taken.scheduler.add_filler([calls])
    taken.scheduler.prefetch([deals])
    await taken.scheduler.read([planned])
    assert "deals" not in taken.rows
    await taken.scheduler.read([deals])
    await taken.scheduler.finish()
    assert Counter(taken.rows) == {"planned": 2_000, "deals": 2_000, "calls": 2_000}
    assert (planned.problem, deals.problem, calls.problem) == (None, None, None)


@pytest.mark.parametrize("own", ["ufCrm_5F3A", "ufCrm5f3a", "UF_CRM_5F3A"])
async def test_a_field_is_asked_for_only_as_the_portal_spells_it(own: str) -> None:
    where = portal()
    where.fields[own] = {"type": "string"}
    for key in range(1, 201):
        deal(where, key, **{own: "" if key % 10 == 0 else "есть"})
    reader = Reader(where, required_fields={"*": ["UF_CRM_5F3A"]})
    asked: list[Any] = []

    def note(method: str, params: Mapping[str, Any]) -> None:
        if method == "crm.item.list" and params.get("entityTypeId") == str(DEAL):
            asked.extend(params["select"].values())

    reader.fake.fault = note
    facts = await reader.facts("deals_open", "deals_missing_fields", members=tuple(range(1, 31)))
    told = [fact for fact in facts if isinstance(fact, Deal)]
    assert sorted(int(fact.id) for fact in told) == list(range(1, 201))
    assert [fact.id for fact in told if fact.missing_fields] == [str(key) for key in range(10, 201, 10)]
    assert {name for name in asked if "5f3a" in name.lower()} == {own}


# Many deals in one question


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
    assert await reader.number("deals_without_task") == 98


# Ids


def test_a_set_of_ids_holds_near_and_far_ones() -> None:
    ids = IdSet()
    wanted = {0, 1, 7, 8, 4095, 4096, 10**6, 2**31 - 1, 2**40}
    for key in wanted:
        ids.add(key)
    assert all(key in ids for key in wanted)
    assert not any(key + 2 in ids for key in wanted)
