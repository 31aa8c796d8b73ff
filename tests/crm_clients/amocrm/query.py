"""The query strings of amoCRM's lists."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl


class Query:
    """The query string as PHP reads it."""

    def __init__(self, raw: str) -> None:
        self.pairs = parse_qsl(raw, keep_blank_values=True)
        self.one = dict(self.pairs)

    def many(self, name: str) -> list[str] | None:
        """`name`, `name[]` and `name[0]`; None if absent."""
        found = [value for key, value in self.pairs if key == name or re.fullmatch(re.escape(name) + r"\[\d*\]", key)]
        return found or None

    def ints(self, name: str) -> set[int] | None:
        found = self.many(name)
        return None if found is None else {int(part) for value in found for part in value.split(",") if part}

    def span(self, name: str) -> tuple[int, int] | None:
        """`name[from]`/`name[to]`, both included."""
        low, high = self.one.get(f"{name}[from]"), self.one.get(f"{name}[to]")
        if low is None and high is None:
            return None
        return (int(low) if low else 0, int(high) if high else 2**62)

    def pairs_of(self, name: str) -> set[tuple[int, int]] | None:
        """Stages: `name[0][pipeline_id]` and `name[0][status_id]` go in pairs; half a pair is ignored."""
        found: dict[str, dict[str, int]] = {}
        for key, value in self.pairs:
            if match := re.fullmatch(re.escape(name) + r"\[(\d+)\]\[(pipeline_id|status_id)\]", key):
                found.setdefault(match[1], {})[match[2]] = int(value)
        pairs = {(pair["pipeline_id"], pair["status_id"]) for pair in found.values() if len(pair) == 2}
        return pairs or None

    def order(self, allowed: tuple[str, ...]) -> tuple[str, bool]:
        for name in allowed:
            if (way := self.one.get(f"order[{name}]")) in ("asc", "desc"):
                return name, way == "desc"
        return "id", False
