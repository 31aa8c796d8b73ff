"""Whole numbers by id, as small as they go: ids of a CRM come by the hundred thousand, and mostly are numbers."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_BUCKETS = 256
_DIGITS = 18
"""As many fit into eight bytes."""


class IdMap:
    """A mapping of ids to numbers (each below 2**63 in size) that takes sixteen bytes for an id that is a number."""

    __slots__ = ("_ids", "_others", "_values")

    def __init__(self) -> None:
        self._ids = [array("q") for _ in range(_BUCKETS)]
        """Sorted, each with the values in the same places; small, so that an insertion moves little."""
        self._values = [array("q") for _ in range(_BUCKETS)]
        self._others: dict[str, int] = {}

    def __contains__(self, key: str) -> bool:
        """Whether the id has a number."""
        return self.get(key) is not None

    def get(self, key: str) -> int | None:
        """Its number; None if it has none."""
        number = _plain(key)
        if number is None:
            return self._others.get(key)
        ids = self._ids[number % _BUCKETS]
        place = bisect_left(ids, number)
        if place < len(ids) and ids[place] == number:
            return self._values[number % _BUCKETS][place]
        return None

    def put(self, key: str, value: int) -> bool:
        """Give the id its number, unless it has one; whether it had none."""
        number = _plain(key)
        if number is None:
            is_new = key not in self._others
            self._others.setdefault(key, value)
            return is_new
        bucket = number % _BUCKETS
        ids = self._ids[bucket]
        place = bisect_left(ids, number)
        if place < len(ids) and ids[place] == number:
            return False
        ids.insert(place, number)
        self._values[bucket].insert(place, value)
        return True


def _plain(key: str) -> int | None:
    """The id as a number, if that number is written just so."""
    if len(key) <= _DIGITS and key.isascii() and key.isdigit() and (key[0] != "0" or key == "0"):
        return int(key)
    return None
