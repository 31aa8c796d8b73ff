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
from crm_clients.bitrix24.lists import QueryProgress
from crm_clients.bitrix24.values import Row
from crm_clients.errors import CrmUnavailable, DeadlineExceeded, RightsMissing
from crm_clients.shared.pacing import Deadline
from scoring.records import Deal
from tests.crm_clients.bitrix24.portal import DEAL
from tests.crm_clients.bitrix24.team import ANNA, HOUR, Reader, a_list, deal, portal
from tests.crm_clients.world import CUTOFF, LONG_AGO, START, FakeClock


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

    deals, calls = a_list("deals"), a_list("calls")
    scheduler = BatchScheduler(cast(Bitrix24Api, portal), Deadline(300, portal.clock), take)
    scheduler.add_filler([calls])
    await scheduler.read([deals])
    await scheduler.finish()
    assert isinstance(deals.problem, DeadlineExceeded)
    assert (calls.problem, calls.is_over, rows["calls"]) == (None, True, 3010)


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
                after = str(rows[PAGE - 1]["ID"]) if rows and len(rows) == PAGE else "0"
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
    told = await _walk(portal, a_list("x", 500))
    assert len(told) == rows
    assert set(told.values()) == {1}
    assert any(portal.together)
    assert portal.requests <= rows // (PAGE * COMMANDS) + 2


async def test_what_one_half_cannot_be_told_is_a_problem_of_the_wholea_list() -> None:
    for failing in (range(3000, 3100), range(15_000, 15_100)):
        portal, progress = BusyPortal(20_000), a_list("x", 500)
        portal.failing = failing
        await _walk(portal, progress)
        assert isinstance(progress.problem, RightsMissing)


async def test_what_must_be_younger_than_the_others_is_not_asked_beside_them() -> None:
    portal = BusyPortal(20_000)
    await _walk(portal, a_list("x", 500), a_list("done", 1, ask_last=True))
    assert any(portal.together)
    assert not any("done" in methods for methods in portal.together)


async def test_what_must_be_younger_than_the_others_waits_while_one_of_them_is_blocked() -> None:
    portal = BusyPortal(30)
    portal.blocked = {"steps": OperationLimit("no computing time", 100.0)}
    other, filler, steps, done = (
        a_list("other", 1), a_list("steps", 1), a_list("steps", 1), a_list("done", 1, ask_last=True)
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
    await _walk(portal, a_list("short0", 141), a_list("short1", 141), filler=[a_list("filler", 141)])
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
    portal, planned, deals = BusyPortal(1_200), a_list("planned", 30), a_list("deals", 30)
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
        portal, planned, deals = BusyPortal(20_000), a_list("planned", 400), a_list("deals", 400)
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
    portal, planned, deals, calls = PlainPortal(2_000), a_list("planned", 40), a_list("deals", 5), a_list("calls")
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
        value: dict[str, Any] = {own: "" if key % 10 == 0 else "есть"}
        deal(where, key, **value)
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
