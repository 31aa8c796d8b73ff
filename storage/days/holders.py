"""Hold who held each record before, in twelve bytes a record: a dictionary of a large team's records takes seventy."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping

_DIGITS = 18
"""Digits of a record's id that fit into eight bytes."""


class RecordHolders(Mapping[str, str]):
    """Map ids of records to CRM users. Ids that are numbers stand in sorted arrays."""

    __slots__ = ("_ids", "_others", "_places", "_users")

    def __init__(self, records_by_user: Iterable[tuple[str, Iterable[str]]] = ()) -> None:
        """Keep the records of each user; the first user named for a record holds the record."""
        self._users: list[str] = []
        self._others: dict[str, str] = {}
        ids, places = array("q"), array("I")
        for user, records in records_by_user:
            self._users.append(user)
            for record in records:
                if _is_number(record):
                    ids.append(int(record))
                    places.append(len(self._users) - 1)
                else:
                    self._others.setdefault(record, user)
        # Sorting is stable: of equal ids the first named stays first, and that one is found.
        order = array("I", sorted(range(len(ids)), key=ids.__getitem__))
        self._ids = array("q", map(ids.__getitem__, order))
        self._places = array("I", map(places.__getitem__, order))

    def __getitem__(self, record: str) -> str:
        """Return the user who held a record. Raises KeyError."""
        if not _is_number(record):
            return self._others[record]
        place = bisect_left(self._ids, int(record))
        if place == len(self._ids) or self._ids[place] != int(record):
            raise KeyError(record)
        return self._users[self._places[place]]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the records, each once."""
        yield from (str(key) for place, key in enumerate(self._ids) if not place or self._ids[place - 1] != key)
        yield from self._others

    def __len__(self) -> int:
        """Count the records."""
        return sum(1 for _ in self)


def _is_number(record: str) -> bool:
    """Tell whether an id is a number that is written the same way again."""
    is_digits = len(record) <= _DIGITS and record.isascii() and record.isdigit()
    return is_digits and (record[0] != "0" or record == "0")
