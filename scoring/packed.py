"""Evidence by the hundred thousand: each counted thing as one string of bytes, an `Evidence` again when looked at."""

from __future__ import annotations

import marshal
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import overload

from scoring.records import Money
from scoring.snapshot import Evidence

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)
_NO_TIME = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _TICK


class Press:
    """Packs evidence; remembers how the addresses of a CRM look, so that only ids are kept of them."""

    def __init__(self) -> None:
        self._forms: dict[tuple[str, str], int] = {}
        self._by_number: list[tuple[str, str]] = []

    def pack(self, item: Evidence) -> bytes:
        """All of it; `since` is kept as an instant, without its zone."""
        amount = item.amount
        return marshal.dumps(
            (
                None if item.since is None else (item.since - _EPOCH) // _TICK,
                item.kind,
                item.id,
                item.title,
                self._form(item),
                None if amount is None else (str(amount.amount), amount.currency),
                item.again,
                item.deal,
            )
        )

    def unpack(self, packed: bytes) -> Evidence:
        """What was packed, with `since` in UTC."""
        since, kind, key, title, form, amount, again, deal = marshal.loads(packed)  # noqa: S302  # our own bytes
        return Evidence(
            kind,
            key,
            title,
            form if isinstance(form, str) else key.join(self._by_number[form]),
            amount=None if amount is None else Money(Decimal(amount[0]), amount[1]),
            since=None if since is None else _EPOCH + since * _TICK,
            again=again,
            deal=deal,
        )

    def _form(self, item: Evidence) -> str | int:
        """The number of what stands around the id in its address; the address itself if the id is not in it."""
        before, found, after = item.url.rpartition(item.id) if item.id else ("", "", "")
        if not found:
            return item.url
        form = (before, after)
        if form not in self._forms:
            self._forms[form] = len(self._by_number)
            self._by_number.append(form)
        return self._forms[form]


class Packed(Sequence[Evidence]):
    """Evidence, oldest first, in a quarter of the room; equal to any sequence of the same things."""

    __slots__ = ("_items", "_press")

    def __init__(self, press: Press, items: Iterable[bytes]) -> None:
        self._press = press
        self._items = tuple(sorted(items, key=_oldest_first))

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
    key: str = marshal.loads(packed)[2]  # noqa: S302  # our own bytes
    return key


def _oldest_first(packed: bytes) -> tuple[int, str, str]:
    since, kind, key, *_ = marshal.loads(packed)  # noqa: S302  # our own bytes
    return (_NO_TIME if since is None else since, kind, key)
