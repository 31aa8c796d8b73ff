"""Encode evidence as bytes, and decode an `Evidence` at a look (docs/decisions/0006-packed-while-reading.md)."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, overload

from scoring.compact.byte_store import ByteStore
from scoring.records import Money
from scoring.snapshot import Evidence

_EPOCH = datetime(1, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_TIME = 8
"""Bytes of an instant, which go first: so the order of bytes is the order of time."""
_NO_TIME = b"\xff" * _TIME
_RECENT = 4
_SHOWN = 5

_Shape = tuple[str, tuple[str, str] | None, str, bool, bool, str]
"""Kind, address before and after the id, currency, whether again, whether late, why spared."""


class EvidenceEncoder:
    """Encode evidence; parts that many records share are kept once, as a shape."""

    def __init__(self) -> None:
        self._bytes = ByteStore()
        self._recent: dict[bytes, int] = {}
        """Places of the last few items: a deal that is counted for several KPIs is kept once."""
        self._shapes: dict[_Shape, int] = {}
        self._by_number: list[_Shape] = []

    def put(self, item: Evidence) -> int:
        """Keep an item and return the place. `since` is kept as an instant, without the zone."""
        packed = self._pack(item)
        if packed not in self._recent:
            if len(self._recent) == _RECENT:
                self._recent.clear()
            self._recent[packed] = self._bytes.put(packed)
        return self._recent[packed]

    def get(self, place: int) -> Evidence:
        """Decode the item at a place, with `since` in UTC."""
        since, (number, key, title, amount, url, deal, missing_fields, loss_reason) = self._look(place)
        kind, around, currency, again, late, spared = self._by_number[number]
        return Evidence(
            kind,
            key,
            title,
            key.join(around) if around else url,
            amount=None if amount is None else Money(Decimal(amount), currency),
            since=None if since == _NO_TIME else _EPOCH + int.from_bytes(since) * _TICK,
            again=again,
            deal=deal,
            late=late,
            spared=spared,
            missing_fields=missing_fields,
            loss_reason=loss_reason,
        )

    def rank(self, place: int) -> tuple[bytes, str, str]:
        """Return the sorting key of an item: the oldest first, items without a time last."""
        since, (number, key, *_) = self._look(place)
        return since, self._by_number[number][0], key

    def identity(self, place: int) -> str:
        """Return the id of the item at a place."""
        key: str = self._look(place)[1][1]
        return key

    def _pack(self, item: Evidence) -> bytes:
        money = item.amount
        before, found, after = item.url.rpartition(item.id) if item.id else ("", "", "")
        around = (before, after) if found else None
        currency = money.currency if money else ""
        number = self._number((item.kind, around, currency, item.again, item.late, item.spared))
        url = None if found else item.url
        amount = str(money.amount) if money else None
        rest = (number, item.id, item.title, amount, url, item.deal, item.missing_fields, item.loss_reason)
        return _since(item) + marshal.dumps(rest)

    def _look(self, place: int) -> tuple[bytes, Any]:
        packed = self._bytes.look(place)
        return bytes(packed[:_TIME]), marshal.loads(packed[_TIME:])  # noqa: S302  # our own bytes

    def _number(self, shape: _Shape) -> int:
        if shape not in self._shapes:
            self._shapes[shape] = len(self._by_number)
            self._by_number.append(shape)
        return self._shapes[shape]


class EvidenceSequence(Sequence[Evidence]):
    """Hold evidence, oldest first, in a sixth of the memory; equal to any sequence of the same items."""

    __slots__ = ("_encoder", "_is_sorted", "_places")

    def __init__(self, encoder: EvidenceEncoder, places: Iterable[int]) -> None:
        self._encoder = encoder
        self._places = array("I", places)
        self._is_sorted = False

    @property
    def _sorted(self) -> array[int]:
        """Sort at the first look: of most sequences only the length is asked."""
        if not self._is_sorted:
            self._places = array("I", sorted(self._places, key=self._encoder.rank))
            self._is_sorted = True
        return self._places

    @overload
    def __getitem__(self, place: int) -> Evidence: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Evidence, ...]: ...
    def __getitem__(self, place: int | slice) -> Evidence | tuple[Evidence, ...]:
        """Decode an item, or a slice."""
        if isinstance(place, slice):
            return tuple(map(self._encoder.get, self._sorted[place]))
        return self._encoder.get(self._sorted[place])

    def __len__(self) -> int:
        """Count the items."""
        return len(self._places)

    def __iter__(self) -> Iterator[Evidence]:
        """Decode item after item."""
        return map(self._encoder.get, self._sorted)

    def __eq__(self, other: object) -> bool:
        """Compare with any sequence of the same items in the same order."""
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        """Hash like a tuple of the items."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Write like a tuple of the first items: asyncio writes the result of a command so, at the end of its loop."""
        first = repr(self[:_SHOWN])
        return first if len(self) <= _SHOWN else f"{first[:-1]}, …)"


def _since(item: Evidence) -> bytes:
    return _NO_TIME if item.since is None else ((item.since - _EPOCH) // _TICK).to_bytes(_TIME)
