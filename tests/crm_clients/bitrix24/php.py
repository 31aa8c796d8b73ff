"""PHP's query strings, as a batch reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote, unquote_plus

from tests.crm_clients.bitrix24.table import Row


def parsed(query: str, results: Mapping[str, Any]) -> Row:
    """`a[b][]=1` as PHP reads it; references to earlier results, written out or encoded, are put in, or nothing."""
    tree: Row = {}
    if "$result" in query:
        query = re.sub(
            r"\$result(\[[^\]]*\])+", lambda found: quote(_referred(found.group(0), results), safe=""), query
        )
    for name, value in re.findall(r"([^=&]+)=?([^&]*)", query):
        *path, last = _path(name)
        place: Any = tree
        for step in path:
            key = step if step != "" else str(len(place))
            place = place[key] if key in place else place.setdefault(key, {})
        given = unquote_plus(value) if "%" in value or "+" in value else value
        place[last if last != "" else str(len(place))] = _referred(given, results) if "$result" in given else given
    return tree


@lru_cache(10_000)
def _path(name: str) -> list[str]:
    found: list[str] = re.findall(r"^[^\[]+|(?<=\[)[^\]]*(?=\])", unquote_plus(name))
    return found


def _referred(value: str, results: Mapping[str, Any]) -> str:
    def put(found: re.Match[str]) -> str:
        place: Any = results
        for step in re.findall(r"\[([^\]]*)\]", found.group(0)):
            try:
                place = place[int(step)] if isinstance(place, list) else place[step]
            except (KeyError, IndexError, ValueError, TypeError):
                return ""
        return str(place) if isinstance(place, str | int) else ""

    return re.sub(r"\$result(\[[^\]]*\])+", put, value)
