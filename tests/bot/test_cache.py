"""Values shared between messages are made once, however many ask at once."""

from __future__ import annotations

import asyncio

import pytest

from bot.cache import MOST, Shared


class Maker:
    """Make values slowly, and count."""

    def __init__(self) -> None:
        self.made = 0
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.made += 1
        number = self.made
        await self.may_end.wait()
        if number == 1 and self.fails:
            raise OSError("no connection")
        return number

    fails = False


async def _asking(shared: Shared[int], make: Maker, times: int) -> list[asyncio.Task[int]]:
    asked = [asyncio.ensure_future(shared.get(("sales", 7), make)) for _ in range(times)]
    await asyncio.sleep(0)
    return asked


async def test_a_value_is_made_once_for_all_who_ask_meanwhile():
    shared, make = Shared[int](), Maker()
    asked = await _asking(shared, make, 30)
    make.may_end.set()
    assert await asyncio.gather(*asked) == [1] * 30
    assert await shared.get(("sales", 7), make) == 1
    assert await shared.get(("sales", 8), make) == 2


async def test_a_failed_making_is_told_to_its_caller_alone_and_the_next_makes_the_value():
    shared, make = Shared[int](), Maker()
    make.fails = True
    asked = await _asking(shared, make, 3)
    make.may_end.set()
    with pytest.raises(OSError, match="no connection"):
        await asked[0]
    assert await asyncio.gather(*asked[1:]) == [2, 2]


async def test_whoever_stops_waiting_leaves_the_value_to_the_next():
    shared, make = Shared[int](), Maker()
    asked = await _asking(shared, make, 3)
    asked[0].cancel()
    make.may_end.set()
    assert await asyncio.gather(*asked[1:]) == [2, 2]
    assert asked[0].cancelled()


async def test_the_least_recently_used_value_goes_first():
    shared, make = Shared[int](), Maker()
    make.may_end.set()
    for number in range(MOST):
        await shared.get(("sales", number), make)
    await shared.get(("sales", 0), make)
    await shared.get(("sales", MOST), make)
    assert await shared.get(("sales", 0), make) == 1
    assert await shared.get(("sales", 1), make) == MOST + 2
