"""Rows of a made-up Bitrix24 portal, and its filters: `>=createdTime`, `!STATUS`, `@id` (docs/crm/bitrix24.md)."""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from operator import ge, gt, le, lt
from typing import Any

Row = dict[str, Any]
Conditions = Mapping[str, Any]

_BOUNDS = {">": (0, bisect_right), ">=": (0, bisect_left), "<": (1, bisect_left), "<=": (1, bisect_right)}
"""Which end of an ordered column a condition cuts off, and where."""


@dataclass
class Table:
    """Rows by id, with the answers to a filter kept for the next page."""

    key: str
    rows: dict[int, Row] = field(default_factory=dict)
    _found: dict[str, list[int]] = field(default_factory=dict)
    _ordered: dict[str, tuple[list[datetime], list[int]]] = field(default_factory=dict)
    """Times of a column with their rows' ids, ascending."""
    _alike: dict[str, dict[str, list[int]]] = field(default_factory=dict)
    """By value of a column: ids."""

    def add(self, row: Row) -> Row:
        self.rows[int(row[self.key])] = row
        self.changed()
        return row

    def changed(self) -> None:
        """Rows were changed in place."""
        for kept in (self._found, self._ordered, self._alike):
            kept.clear()

    def index(self, *, times: Iterable[str], values: Iterable[str] = ()) -> None:
        """Know beforehand which rows have what, until one is changed."""
        for column in times:
            dated = [
                (at, key) for key, row in self.rows.items() if isinstance(at := _comparable(row[column]), datetime)
            ]
            dated.sort()
            self._ordered[column] = [at for at, _ in dated], [key for _, key in dated]
        for column in values:
            self._alike[column] = defaultdict(list)
            for key, row in self.rows.items():
                self._alike[column][str(row[column])].append(key)

    def select(
        self,
        conditions: Conditions,
        extra: Callable[[Row], bool] | None,
        mark: str,
        among: Iterable[int] | None = None,
    ) -> list[int]:
        """Ids of the rows that match, ascending; `among` is where an index says they are."""
        after = number(conditions.get(f">{self.key}"))
        rest = {name: value for name, value in conditions.items() if name != f">{self.key}"}
        cached = json.dumps(rest, sort_keys=True, default=str) + mark
        ids = self._found.get(cached)
        if ids is None:
            told: Iterable[str] = ()
            if among is None:
                among, told = self._few(rest)
            left = [(name, value) for name, value in rest.items() if name not in told]
            left.sort(key=lambda item: item[0][0] in "<>")  # the others are quicker to tell
            tests = [_test(name, value) for name, value in left]
            ids = sorted(among)
            for test in tests if extra is None else [*tests, extra]:
                ids = [key for key in ids if test(self.rows[key])]
            if len(self._found) > 500:
                self._found.clear()
            self._found[cached] = ids
        return ids[bisect_right(ids, after) :] if after else ids

    def _few(self, conditions: Conditions) -> tuple[Iterable[int], Iterable[str]]:
        """Ids among which all that match are, as few as the indexes tell, and the conditions that they all meet."""
        few: list[tuple[Iterable[int], Iterable[str]]] = [
            (self._alike[name].get(str(value), []), [name])
            for name, value in conditions.items()
            if name in self._alike and not isinstance(value, Mapping | list)
        ]
        for column, (times, keys) in self._ordered.items():
            ends, told = [0, len(keys)], []
            for mark, (end, place) in _BOUNDS.items():
                limit = _comparable(conditions.get(f"{mark}{column}"))
                if isinstance(limit, datetime):
                    ends[end] = sorted((ends[0], place(times, limit), ends[1]))[1]
                    told.append(f"{mark}{column}")
            if told:
                few.append((keys[ends[0] : ends[1]], told))
        return min(few, key=lambda found: len(list(found[0])), default=(self.rows, ()))


def _test(name: str, value: Any) -> Callable[[Row], bool]:
    mark = next((m for m in ("!@", ">=", "<=", "!=", ">", "<", "@", "!", "=") if name.startswith(m)), "")
    column = name.removeprefix(mark)
    wanted = values_of(value)
    if mark in (">", "<", ">=", "<="):
        limit = _comparable(wanted[0] if wanted else "")
        kind, holds = type(limit), {">": gt, "<": lt, ">=": ge, "<=": le}[mark]
        return lambda row: (
            type(have := _comparable(row.get(column))) is kind and have is not None and holds(have, limit)
        )
    accepted = {str(one) for one in wanted}
    if mark.startswith("!"):
        return lambda row: str(row.get(column)) not in accepted
    return lambda row: str(row.get(column)) in accepted


def values_of(value: Any) -> list[Any]:
    """Those of a parameter, which may be one, a list, or PHP's object for a list."""
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


@lru_cache(200_000)
def _comparable(value: Any) -> Any:
    text = str(value if value is not None else "")
    if "T" in text:
        return datetime.fromisoformat(text)
    try:
        return Decimal(text)
    except ArithmeticError:
        return None


def number(value: Any) -> int:
    """A number of a query, 0 for what is none."""
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0
