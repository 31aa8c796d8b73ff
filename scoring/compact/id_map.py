"""Map ids to whole numbers in little memory: most ids of a CRM are numbers themselves."""

from __future__ import annotations

from array import array
from bisect import bisect_left

_BUCKETS = 256
_DIGITS = 18
"""Digits that fit into eight bytes."""


class IdMap:
    """Map ids to numbers below 2**63 in size, with sixteen bytes for an id that is a number."""

    __slots__ = ("_ids", "_others", "_values")

    def __init__(self) -> None:
        self._ids = [array("q") for _ in range(_BUCKETS)]
        """Sorted, each with the values in the same places; small, so that an insertion moves little."""
        self._values = [array("q") for _ in range(_BUCKETS)]
        self._others: dict[str, int] = {}

    def __contains__(self, key: str) -> bool:
        """Tell whether an id has a number."""
        return self.get(key) is not None

    def get(self, key: str) -> int | None:
        """Return the number of an id; None without a number."""
        number = _plain(key)
        if number is None:
            return self._others.get(key)
        ids = self._ids[number % _BUCKETS]
        place = bisect_left(ids, number)
        if place < len(ids) and ids[place] == number:
            return self._values[number % _BUCKETS][place]
        return None

    def put(self, key: str, value: int) -> bool:
        """Give an id a number unless it has a number already; return whether the id is new."""
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
    """Return the id as a number, if the number is written the same way."""
    if len(key) <= _DIGITS and key.isascii() and key.isdigit() and (key[0] != "0" or key == "0"):
        return int(key)
    return None
