"""A stop ends in time, whatever hangs, and gives back what was in hand (docs/product.md §11, Messages)."""

from __future__ import annotations

import asyncio

import pytest

from reglament.service import service


async def _ends_with(stop: asyncio.Event, ended: list[str]) -> None:
    await stop.wait()
    ended.append("in time")


async def _hangs(ended: list[str]) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.append("cancelled")


async def test_loops_that_end_in_time_are_waited_for():
    stop = asyncio.Event()
    ended: list[str] = []
    running = asyncio.create_task(service.run_until_stopped([_ends_with(stop, ended)], stop))
    await asyncio.sleep(0)
    stop.set()
    assert await running
    assert ended == ["in time"]


async def test_a_loop_that_hangs_is_cancelled(monkeypatch):
    monkeypatch.setattr(service, "STOP_SECONDS", 0.01)
    stop = asyncio.Event()
    ended: list[str] = []
    running = asyncio.create_task(service.run_until_stopped([_ends_with(stop, ended), _hangs(ended)], stop))
    await asyncio.sleep(0)
    stop.set()
    assert not await running
    assert ended == ["in time", "cancelled"]


async def test_a_loop_that_fails_ends_the_others():
    async def fails() -> None:
        raise RuntimeError("made up")

    ended: list[str] = []
    with pytest.raises(ExceptionGroup):
        await service.run_until_stopped([fails(), _hangs(ended)], asyncio.Event())
    assert ended == ["cancelled"]
