"""Clocks of hosts on the loopback that send odd, missing and malformed dates: no answer stops a day by mistake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from email.utils import format_datetime

import pytest

from reglament.commands.check import _check_clocks
from reglament.config.settings import build
from reglament.day import foreign_clocks
from reglament.day.clocks import load_clocks
from reglament.day.foreign_clocks import ask_clocks
from reglament.process import clock_now
from reglament.service.work import ServiceWork
from tests.reglament.day.thursday import ready_process
from tests.reglament.scripted import tables

NOTHING = "nothing"
"""A host that takes the connection and never answers."""
MINUTE = timedelta(minutes=1)


def date(minutes: float = 0) -> str:
    """A Date header of a clock that is so far ahead."""
    return f"Date: {format_datetime(clock_now() + minutes * MINUTE, usegmt=True)}"


@asynccontextmanager
async def host(*headers: str) -> AsyncIterator[int]:
    """A host that answers each request with these header lines; gives the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() not in (b"\r\n", b""):
            pass
        if NOTHING not in headers:
            writer.write("\r\n".join(["HTTP/1.1 403 Forbidden", *headers, "Content-Length: 0", "", ""]).encode())
            await writer.drain()
            writer.close()
        else:
            await reader.read()
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def asked(database, crm, clock, hosts, *, same: str = ""):
    """A process whose connections are these hosts (header lines by name), `same` another connection of the first."""
    async with AsyncExitStack() as stack:
        ports = {name: await stack.enter_async_context(host(*headers)) for name, headers in hosts.items()}
        data = tables()
        telegram = ports.pop("telegram", None)
        if telegram is not None:
            data["telegram"] = {"token": "1:A", "api_url": f"http://127.0.0.1:{telegram}"}
        keys = {"database": "d", "login": "l", "api_key": "k"}
        data["crm"] = {
            name: {"kind": "odoo", "url": f"http://127.0.0.1:{port}/", **keys} for name, port in ports.items()
        }
        if same:
            data["crm"][same] = dict(data["crm"]["main"])
        yield await ready_process(database, crm, clock, build(data))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is not waited for."""
    monkeypatch.setattr(foreign_clocks, "ASK_SECONDS", 0.3)


SILENT = [
    [],
    [NOTHING],
    ["Date:"],
    ["Date: yesterday"],
    ["Date: 2026-11-28T12:00:00Z"],
    ["Date: Sat, 28 Nov 2026 12:00:00"],
    ["Date: Sat, 28 Nov 2026 12:00:00 -0000"],
    ["Date: Sat, 28 Nov 99999 12:00:00 GMT"],
    ["Date: Fri, 31 Dec 9999 23:59:59 +9999"],
    ["Date: Sat, 31 Feb 2026 12:00:00 GMT"],
    ["Date: \x00\x01"],
    ["Date: Суббота, 28 ноября"],
    ["Date: 1795860000"],
    [f"Date: {'9' * 5000}"],
    ["Date: Sat, 28 Nov 2026 25:61:61 GMT"],
    ["no header at all"],
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("headers", SILENT, ids=str)
async def test_a_host_without_a_readable_date_says_nothing_and_stops_nothing(database, crm, clock, headers):
    async with asked(database, crm, clock, {"main": headers, "telegram": [date()]}) as process:
        clocks = await ask_clocks(process)
        assert "crm.main" not in clocks.skews
        assert clocks.off == {}
        work = ServiceWork(process, await load_clocks(process), live=None, send=None)
        await work.look_at_clocks()
        await work.due()
        assert work.clock_trouble is None


@pytest.mark.parametrize(
    "lines",
    [
        lambda: [f"{date()[:-3]}+0000"],
        lambda: [date(-30), "Age: 1800"],
        lambda: [date(), "Age: -0"],
        lambda: [date().replace("Date", "dAtE")],
        lambda: [f"Date: {format_datetime(clock_now(), usegmt=True).partition(', ')[2]}"],
    ],
    ids=["zone", "cached", "fresh", "case", "no weekday"],
)
async def test_odd_dates_that_tell_the_right_time_agree(database, crm, clock, lines):
    async with asked(database, crm, clock, {"main": lines()}) as process:
        clocks = await ask_clocks(process)
        assert "crm.main" in clocks.skews
        assert clocks.off == {}


async def test_two_dates_in_one_answer_say_nothing_wrong(database, crm, clock):
    async with asked(database, crm, clock, {"main": [date(), date(90)], "telegram": [date()]}) as process:
        assert not (await ask_clocks(process)).is_ours_wrong


@pytest.mark.parametrize("minutes", [-1.9, 1.9])
async def test_less_than_two_minutes_are_no_difference(database, crm, clock, minutes):
    async with asked(database, crm, clock, {"main": [date(minutes)], "telegram": [date(minutes)]}) as process:
        assert (await ask_clocks(process)).off == {}


@pytest.mark.parametrize("minutes", [-525_600, -2.5, 2.5, 90, 5_256_000])
async def test_one_clock_that_is_off_is_named_by_check_and_scores_go_on(database, crm, clock, minutes):
    hosts = {"main": [date(minutes)], "second": [date()], "telegram": [date()]}
    async with asked(database, crm, clock, hosts) as process:
        [line] = await _check_clocks(process)
        assert line.finding.severity.value == "warning"
        assert line.finding.text.startswith("crm.main's clock is ")
        work = ServiceWork(process, await load_clocks(process), live=None, send=None)
        await work.look_at_clocks()
        await work.due()
        assert work.clock_trouble is None


async def test_connections_of_one_host_are_one_clock(database, crm, clock):
    hosts = {"main": [date(30)], "telegram": [date()]}
    async with asked(database, crm, clock, hosts, same="again") as process:
        clocks = await ask_clocks(process)
        assert list(clocks.off) == ["crm.main and crm.again"]
        assert not clocks.is_ours_wrong


@pytest.mark.parametrize("minutes", [-600, -3, 3, 600])
async def test_a_clock_of_ours_that_all_others_contradict_scores_nothing_and_check_fails(database, crm, clock, minutes):
    hosts = {name: [date(minutes)] for name in ("main", "second", "telegram")}
    async with asked(database, crm, clock, hosts) as process:
        [line] = await _check_clocks(process)
        assert line.finding.severity.value == "error"
        work = ServiceWork(process, await load_clocks(process), live=None, send=None)
        await work.look_at_clocks()
        assert await work.due() == ([], [])
        assert "crm.second's clock" in work.clock_trouble.problem
