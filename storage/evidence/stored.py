"""Show stored evidence without keeping decoded items: a sequence of items, and the keys of earlier evidence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, islice
from typing import overload

from scoring.snapshot import Evidence
from storage.evidence import pack
from storage.evidence.pack import Items

_DECODED = 4
"""Books that stay decoded: the lists of a snapshot and of the snapshot before are looked at together."""


class ItemBook:
    """Hold the packs that a snapshot names, laid end to end, as they are stored: a twentieth of the decoded size."""

    __slots__ = ("_packs", "sources", "titled")

    def __init__(self, sources: Sequence[tuple[int, int]], packs: Sequence[bytes], *, titled: bool = True) -> None:
        """Keep the packs of `sources`; not `titled`: retention blanked the snapshot, so titles and links stay out."""
        self.sources, self._packs, self.titled = tuple(sources), tuple(packs), titled

    @property
    def items(self) -> Items:
        """Decode the items. Raises ValueError for a pack that is missing, damaged, or not as long as named."""
        return _decode(self)

    def places(self, addresses: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Return for each address the run and the place in the run's pack."""
        ends = list(accumulate(count for _, count in self.sources))
        for address in addresses:
            number = bisect_right(ends, address)
            run_id, count = self.sources[number]
            yield run_id, address - ends[number] + count


@lru_cache(maxsize=_DECODED)
def _decode(book: ItemBook) -> Items:
    whole = Items()
    for (run_id, count), each in zip(book.sources, book._packs, strict=True):
        found = pack.decode(each)
        if len(found) != count:
            raise ValueError(f"the pack of evidence of run {run_id} has {len(found)} items instead of {count}")
        whole.extend(found)
    return whole


class StoredEvidence(Sequence[Evidence]):
    """Hold the evidence of a stored reading in the order of counting; decode an item at each look."""

    __slots__ = ("addresses", "book")

    def __init__(self, book: ItemBook, addresses: Sequence[int]) -> None:
        """Name the items of a book by address."""
        self.book, self.addresses = book, addresses

    @overload
    def __getitem__(self, place: int) -> Evidence: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Evidence, ...]: ...
    def __getitem__(self, place: int | slice) -> Evidence | tuple[Evidence, ...]:
        """Decode an item, or a slice."""
        if isinstance(place, slice):
            return tuple(self._decoded(self.addresses[place]))
        return self.book.items.evidence(self.addresses[place], titled=self.book.titled)

    def __len__(self) -> int:
        """Count the items; nothing is decoded."""
        return len(self.addresses)

    def __iter__(self) -> Iterator[Evidence]:
        """Decode item after item."""
        return self._decoded(self.addresses)

    def _decoded(self, addresses: Sequence[int]) -> Iterator[Evidence]:
        items, titled = self.book.items, self.book.titled
        return (items.evidence(address, titled=titled) for address in addresses)

    def keys(self, *, counted: bool = False) -> Iterator[str]:
        """Iterate over the evidence keys; `counted`: without spared records."""
        items = self.book.items
        named = (address for address in self.addresses if not (counted and items.is_spared(address)))
        return map(items.key, named)

    def __eq__(self, other: object) -> bool:
        """Compare with any sequence of the same items in the same order."""
        return isinstance(other, Sequence) and len(self) == len(other) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        """Hash like a tuple of the items."""
        return hash(tuple(self))

    def __repr__(self) -> str:
        """Write like a tuple of the first items."""
        shown = ", ".join(map(repr, islice(self, 5)))
        return f"({shown}{', …' if len(self) > 5 else ''})"


def keys_of(items: Sequence[Evidence]) -> list[str]:
    """List the evidence keys of a reading, spared records included, in the order of counting."""
    return list(items.keys()) if isinstance(items, StoredEvidence) else [item.key for item in items]


def counted_keys(items: Sequence[Evidence]) -> frozenset[str]:
    """Collect the evidence keys of a reading without spared records."""
    if isinstance(items, StoredEvidence):
        return frozenset(items.keys(counted=True))
    return frozenset(item.key for item in items if not item.spared)


class LastKeys(Mapping[str, frozenset[str]]):
    """Hold the evidence keys of each KPI from the last run that read the KPI; decode the keys at each look."""

    __slots__ = ("_items", "read", "runs")

    def __init__(
        self,
        items: Mapping[str, Sequence[Evidence] | frozenset[str]],
        runs: Mapping[str, int] | None = None,
        read: Mapping[int, frozenset[str]] | None = None,
    ) -> None:
        """Hold the items of each KPI (or bare keys), the run of the items, and the KPIs that each run read."""
        self._items, self.runs, self.read = dict(items), dict(runs or {}), dict(read or {})

    @classmethod
    def of(cls, keys: Mapping[str, frozenset[str]]) -> LastKeys:
        """Wrap plain keys."""
        return keys if isinstance(keys, LastKeys) else cls(keys)

    def only(self, kpis: Iterable[str]) -> LastKeys:
        """Select the keys of some KPIs."""
        wanted = self._items.keys() & set(kpis)
        runs = {kpi: self.runs[kpi] for kpi in wanted & self.runs.keys()}
        return LastKeys({kpi: self._items[kpi] for kpi in wanted}, runs, self.read)

    def joined(self, other: LastKeys) -> LastKeys:
        """Join the keys of other KPIs."""
        return LastKeys(self._items | other._items, self.runs | other.runs, self.read | other.read)

    def items_of(self, kpi: str) -> Sequence[Evidence]:
        """Return the items of a KPI in the last run; empty for bare keys."""
        items = self._items.get(kpi, ())
        return () if isinstance(items, frozenset) else items

    def __getitem__(self, kpi: str) -> frozenset[str]:
        """Decode the keys of a KPI."""
        items = self._items[kpi]
        return items if isinstance(items, frozenset) else counted_keys(items)

    def __contains__(self, kpi: object) -> bool:
        """Tell whether an earlier run read a KPI; nothing is decoded."""
        return kpi in self._items

    def __iter__(self) -> Iterator[str]:
        """Iterate over the KPIs."""
        return iter(self._items)

    def __len__(self) -> int:
        """Count the KPIs."""
        return len(self._items)

    def __repr__(self) -> str:
        """Write like the mapping of keys."""
        return repr(dict(self))
