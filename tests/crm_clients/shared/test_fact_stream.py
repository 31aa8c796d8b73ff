"""Facts on their way: what is folded first, and that all come in their order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

import pytest

from crm_clients.shared.fact_stream import Stream
from scoring.records import Comment


def _facts(name: str, count: int, made: list[str]) -> Iterator[Comment]:
    for number in range(count):
        made.append(f"{name}{number}")
        yield Comment(f"{name}{number}")


async def _taken(stream: Stream, reading: Callable[[], Awaitable[None]], taken: list[str]) -> None:
    async for fact in stream.run(reading):
        assert isinstance(fact, Comment)
        taken.append(fact.deal)


async def test_all_facts_come_in_the_order_in_which_they_were_handed_over() -> None:
    stream, made, taken = Stream(ahead=3, folded=2), list[str](), list[str]()

    async def reading() -> None:
        for name in "abcdefgh":
            await stream.put(partial(_facts, name, 3, made))
        await stream.give([Comment("z")])

    await _taken(stream, reading, taken)
    assert taken == [f"{name}{number}" for name in "abcdefgh" for number in range(3)] + ["z"]


async def test_what_is_handed_over_is_folded_before_anything_is_taken_and_made_when_it_is() -> None:
    stream, folded, made, taken = Stream(), list[str](), list[str](), list[str]()

    def fold(name: str) -> Iterator[Comment]:
        folded.append(name)
        return _facts(name, 2, made)

    async def reading() -> None:
        for name in "abc":
            await stream.put(partial(fold, name))
        await stream.drained()
        assert folded == ["a", "b", "c"]
        assert len(made) <= 2
        await stream.taken()
        assert taken == ["a0", "a1", "b0", "b1", "c0", "c1"]

    await _taken(stream, reading, taken)
    assert taken == made


async def _waiting(stream: Stream, *, is_awaited: bool) -> list[int]:
    """How many were made and not yet taken, each time that one of eight was."""
    made, taken, waiting = list[str](), list[str](), list[int]()

    async def reading() -> None:
        for name in "abcdefgh":
            await stream.put(partial(list, _facts(name, 1, made)))
        if is_awaited:
            await stream.drained()

    async for fact in stream.run(reading):
        assert isinstance(fact, Comment)
        taken.append(fact.deal)
        waiting.append(len(made) - len(taken))
    assert taken == made
    return waiting


async def test_no_more_is_folded_than_may_wait_to_be_taken() -> None:
    assert max(await _waiting(Stream(), is_awaited=True)) == 7
    assert max(await _waiting(Stream(folded=3), is_awaited=True)) == 2


async def test_what_nobody_waits_for_is_taken_as_soon_as_it_is_folded() -> None:
    assert max(await _waiting(Stream(), is_awaited=False)) == 0


async def test_a_reading_that_fails_is_told_after_what_it_had_handed_over() -> None:
    stream, made, taken = Stream(), list[str](), list[str]()

    async def reading() -> None:
        await stream.put(partial(_facts, "a", 2, made))
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await _taken(stream, reading, taken)
    assert taken == ["a0", "a1"]
