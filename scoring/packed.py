"""Evidence by the hundred thousand: each counted thing as one string of bytes, an `Evidence` again when looked at."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, overload

from scoring.records import Money
from scoring.snapshot import Evidence

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_TIME = 8
"""Bytes of an instant, which go first: so the order of bytes is that of time."""
_NO_TIME = b"\xff" * _TIME

_Shape = tuple[str, tuple[str, str] | None, str, bool]
"""Kind, what stands around the id in the address, currency, whether again."""


class Press:
    """Packs evidence; what many things have in common is kept once, as their shape."""

    def __init__(self) -> None:
        self._shapes: dict[_Shape, int] = {}
        self._by_number: list[_Shape] = []

    def pack(self, item: Evidence) -> bytes:
        """All of it; `since` is kept as an instant, without its zone."""
        money = item.amount
        before, found, after = item.url.rpartition(item.id) if item.id else ("", "", "")
        around = (before, after) if found else None
        number = self._number((item.kind, around, money.currency if money else "", item.again))
        url = None if found else item.url
        rest = (number, item.id, item.title, str(money.amount) if money else None, url, item.deal)
        # Joined, for what marshal makes keeps the room that it was made in.
        return _since(item) + marshal.dumps(rest)

    def unpack(self, packed: bytes) -> Evidence:
        """What was packed, with `since` in UTC."""
        number, key, title, amount, url, deal = _rest(packed)
        kind, around, currency, again = self._by_number[number]
        return Evidence(
            kind,
            key,
            title,
            key.join(around) if around else url,
            amount=None if amount is None else Money(Decimal(amount), currency),
            since=None if packed.startswith(_NO_TIME) else _EPOCH + int.from_bytes(packed[:_TIME]) * _TICK,
            again=again,
            deal=deal,
        )

    def place(self, packed: bytes) -> tuple[bytes, str, str]:
        """What things are sorted by: the oldest first, what has no time last."""
        number, key, *_ = _rest(packed)
        return packed[:_TIME], self._by_number[number][0], key

    def _number(self, shape: _Shape) -> int:
        if shape not in self._shapes:
            self._shapes[shape] = len(self._by_number)
            self._by_number.append(shape)
        return self._shapes[shape]


class Packed(Sequence[Evidence]):
    """Evidence, oldest first, in a quarter of the room; equal to any sequence of the same things."""

    __slots__ = ("_items", "_press")

    def __init__(self, press: Press, items: Iterable[bytes]) -> None:
        self._press = press
        self._items = tuple(sorted(items, key=press.place))

    @overload
    def __getitem__(self, place: int) -> Evidence: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Evidence, ...]: ...
    def __getitem__(self, place: int | slice) -> Evidence | tuple[Evidence, ...]:
        """One of them, or some."""
        if isinstance(place, slice):
            return tuple(map(self._press.unpack, self._items[place]))
        return self._press.unpack(self._items[place])

    def __len__(self) -> int:
        """How many."""
        return len(self._items)

    def __iter__(self) -> Iterator[Evidence]:
        """One after another."""
        return map(self._press.unpack, self._items)

    def __eq__(self, other: object) -> bool:
        """Whether they are the same things in the same order."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        """As that of a tuple."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """As a tuple."""
        return repr(tuple(self))


def identity(packed: bytes) -> str:
    """The id of what was packed."""
    key: str = _rest(packed)[1]
    return key


def _since(item: Evidence) -> bytes:
    return _NO_TIME if item.since is None else ((item.since - _EPOCH) // _TICK).to_bytes(_TIME)


def _rest(packed: bytes) -> Any:
    return marshal.loads(memoryview(packed)[_TIME:])  # noqa: S302  # our own bytes
