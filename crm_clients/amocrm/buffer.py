"""Lines kept back until it is certain what has changed since the cutoff: packed, in a quarter of the room."""

from __future__ import annotations

import marshal
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from scoring.compact.byte_store import ByteStore

Line = TypeVar("Line", bound=tuple[Any, ...])


class RowBuffer(Generic[Line]):
    """Takes tuples of plain values and gives them back one by one."""

    def __init__(self, make: Callable[..., Line]) -> None:
        self._make = make
        self._shelf = ByteStore()
        self._places = array("I")

    def extend(self, lines: Iterable[Line]) -> None:
        """Keep some more."""
        for line in lines:
            self._places.append(self._shelf.put(marshal.dumps(tuple(line))))

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Line]:
        """One after another, as they were put in."""
        for place in self._places:
            yield self._make(*marshal.loads(self._shelf.look(place)))  # noqa: S302  # our own bytes
