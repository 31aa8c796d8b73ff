"""A client that does not end by itself is ended: one that waits, one that clings to its task, one that blocks."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta

import pytest
import structlog

from crm_clients.errors import ClientFault, DeadlineExceeded
from reglament.day import time_limit
from reglament.day.cutoff import run_cutoff
from reglament.day.members import synchronise_members
from reglament.day.time_limit import ClientBlocked, ended_in_time
from scoring.records import Completed, RecordKind
from scoring.scorecard import Outcome
from storage.days import queries
from storage.values import RunState
from tests.reglament.day.thursday import AT_SIX, COMPANY, THURSDAY, ready_process

LIMIT = 30.0
"""Seconds after which a client that nobody ended gives up, so that a broken test ends."""

pytestmark = pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals are handled in the main thread alone"
)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is waited for long, and no traceback is painted."""
    monkeypatch.setattr(time_limit, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(time_limit, "LOOKS", 5)
    monkeypatch.setattr(time_limit, "CANCEL_SECONDS", 0.05)
    monkeypatch.setattr(time_limit, "GRACE_SECONDS", 0.0)
    with structlog.testing.capture_logs():
        yield


def sleeps() -> None:
    """Block in a call of the system."""
    time.sleep(LIMIT)


def counts() -> None:
    """Block in plain Python."""
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        pass


def waits_for_a_host() -> None:
    """Block on a socket, as a driver without async does."""
    one, other = socket.socketpair()
    one.settimeout(LIMIT)
    with one, other:
        one.recv(1)


def waits_for_a_lock() -> None:
    """Block on a lock that nobody releases."""
    lock = threading.Lock()
    lock.acquire()
    lock.acquire(timeout=LIMIT)


def searches() -> None:
    """Block in a regular expression that takes for ever."""
    re.match(r"(a|a)*$", "a" * 60 + "b")


BLOCKS = [sleeps, counts, waits_for_a_host, waits_for_a_lock, searches]


def name(function: Callable[..., object]) -> str:
    return function.__name__


@pytest.mark.parametrize("block", BLOCKS, ids=name)
async def test_a_client_that_blocks_is_ended_in_its_own_frame(block):
    async def work() -> None:
        block()

    with pytest.raises(ClientFault, match="ClientBlocked") as caught:
        await ended_in_time(work, LIMIT, "records")
    assert isinstance(caught.value.__cause__, ClientBlocked)


async def test_a_task_that_a_client_started_is_ended_too():
    async def part() -> None:
        counts()

    async def work() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(part())
            group.create_task(asyncio.sleep(LIMIT))

    with pytest.raises(ClientFault, match="ClientBlocked"):
        await ended_in_time(work, LIMIT, "records")


async def test_a_client_that_swallows_the_end_and_blocks_again_is_ended_again():
    ends: list[type[BaseException]] = []

    async def work() -> None:
        while len(ends) < 3:
            try:
                sleeps()
            except Exception as error:
                ends.append(type(error))

    await ended_in_time(work, LIMIT, "records")
    assert ends == [ClientBlocked] * 3


async def test_a_client_that_waits_for_ever_ends_at_its_time():
    with pytest.raises(DeadlineExceeded):
        await ended_in_time(asyncio.Event().wait, 0.02, "records")


async def test_a_client_that_clings_to_its_task_is_left_to_itself():
    is_over = asyncio.Event()
    swallowed = []

    async def work() -> None:
        while not is_over.is_set():
            try:
                await is_over.wait()
            except asyncio.CancelledError as error:
                swallowed.append(error)

    with pytest.raises(DeadlineExceeded):
        await ended_in_time(work, 0.02, "records")
    assert len(swallowed) == 1
    is_over.set()
    await asyncio.sleep(0)


async def test_whoever_is_cancelled_while_a_client_works_ends_the_client_too():
    begun, cancelled = asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = asyncio.ensure_future(ended_in_time(work, LIMIT, "records"))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cancelled == [True]


async def test_a_blocked_loop_raises_nothing_in_code_that_works_for_no_client():
    async def work() -> None:
        await asyncio.sleep(0.3)

    waiting = asyncio.ensure_future(ended_in_time(work, LIMIT, "records"))
    await asyncio.sleep(0)
    time.sleep(0.2)  # noqa: ASYNC251  # blocking is the point
    await waiting


async def test_a_client_in_another_thread_than_the_main_one_works_without_the_watch():
    async def work() -> int:
        return 7

    def run() -> int:
        return asyncio.run(ended_in_time(work, LIMIT, "records"))

    assert await asyncio.to_thread(run) == 7


# The day


def _blocking(block: Callable[[], None]) -> Callable[..., object]:
    async def users() -> list[object]:
        block()
        return []

    return users


async def _endless(_request: object) -> object:
    while True:
        yield COMPANY


def _clinging(held: asyncio.Event) -> Callable[[object], object]:
    async def read(request: object) -> object:
        yield Completed(RecordKind.COMPANIES, COMPANY.created_at)
        for _ in range(2):  # a third cancellation, at the end of a broken test, ends it
            try:
                await held.wait()
                break
            except asyncio.CancelledError:
                continue
        yield Completed(RecordKind.TASKS, COMPANY.created_at)

    return read


@pytest.mark.parametrize("way", ["users sleep", "users count", "read blocks", "read is endless", "read clings"])
async def test_the_day_ends_whatever_keeps_the_client_busy(database, crm, clock, monkeypatch, way):
    ready = await ready_process(database, crm, clock)
    await synchronise_members(ready, "main", crm.people, THURSDAY)
    held = asyncio.Event()
    monkeypatch.setattr(ready.connections, "timeout", lambda _connection: 0.2 if "clings" in way else LIMIT)
    ways: dict[str, Awaitable | Callable] = {
        "users sleep": _blocking(sleeps),
        "users count": _blocking(counts),
        "read blocks": lambda _request: sleeps(),
        "read is endless": _endless,
        "read clings": _clinging(held),
    }
    setattr(crm, way.partition(" ")[0], ways[way])
    [result] = await run_cutoff(ready, AT_SIX)
    assert result.run is None
    clock.pass_(hours=2)
    [result] = await run_cutoff(ready, AT_SIX)
    held.set()
    await asyncio.sleep(0)
    assert result.run.state is RunState.FINISHED
    async with database.reading() as session:
        day = await queries.day(session, "sales", THURSDAY)
    told = {line.rule.id: line.outcome for card in day.cards for line in card.lines}
    assert told["overdue_tasks"] is Outcome.NO_DATA
    assert result.retry_at is None
    assert clock() - AT_SIX.cutoff == timedelta(hours=2)
