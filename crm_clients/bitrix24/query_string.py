"""Write commands of a batch: a method with the parameters as PHP's query string."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote


def command(method: str, params: Mapping[str, Any]) -> str:
    """Write a batch command.

    References to earlier commands (`$result[name][49][ID]`) stay unquoted: the portal may look for references before
    decoding the query.
    """
    parts: list[str] = []
    for key, value in params.items():
        _write(parts, _quoted(key), value)
    return f"{method}?{'&'.join(parts)}"


def _write(parts: list[str], prefix: str, value: Any) -> None:
    """Write a parameter, or all parameters inside; a command may name some thousand deals by number."""
    if isinstance(value, int):
        parts.append(f"{prefix}={value}")
    elif isinstance(value, dict):
        for key, inner in value.items():
            _write(parts, f"{prefix}[{_quoted(key)}]", inner)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            _write(parts, f"{prefix}[{number}]", inner)
    else:
        parts.append(f"{prefix}={quote(str(value), safe='[]$')}")


@lru_cache(1024)
def _quoted(key: str) -> str:
    return quote(key, safe="[]")
