"""Split texts longer than Telegram's 4,096 characters: between lines, never inside a tag."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

LIMIT = 4096
CAPTION = 1024
"""Longest text under a picture, in characters as shown."""
_TAG = re.compile(r"<(/?)([a-z]+)[^>]*>")
_ROOM = 64
"""Characters kept free for the tags that are closed at a cut."""


def size(text: str) -> int:
    """Count characters as Telegram does: in UTF-16, where most emoji are two."""
    return len(text) + sum(char > "\uffff" for char in text)


def shown_size(text: str) -> int:
    """Count the characters that Telegram shows and measures: without tags, escapes as one character."""
    return size(html.unescape(_TAG.sub("", text)))


def fits_caption(text: str) -> bool:
    """Return whether a text may stand under a picture."""
    return shown_size(text) <= CAPTION


def split(text: str, limit: int = LIMIT) -> list[str]:
    """Split a text into parts that fit; open tags are closed at each end and opened again."""
    if shown_size(text) <= limit:
        return [text]
    parts: list[str] = []
    part, taken, tags = "", 0, list[tuple[str, str]]()
    for line in _short_lines(text, limit - 2 * _ROOM):
        taken += 1 + shown_size(line)
        if part and taken > limit:
            parts.append(part + _closing(tags))
            part, taken = "".join(opening for opening, _ in tags) + line, shown_size(line)
        else:
            part = f"{part}\n{line}" if part else line
        tags = _open_tags(line, tags)
    return [*parts, part]


def _short_lines(text: str, limit: int) -> Iterator[str]:
    """Yield the lines, lines that are too long cut between words outside of tags."""
    for line in text.split("\n"):
        rest = line
        while size(rest) > limit:
            at = _safe_cut(rest, max(limit // 2, 2 * limit - size(rest[:limit])))
            yield rest[:at]
            rest = rest[at:].lstrip()
        yield rest


def _safe_cut(line: str, limit: int) -> int:
    """Return the last space before `limit` outside of a tag; without a space, the last place outside."""
    places: list[int] = [*_spaces(line, limit), *range(limit, 0, -1)]
    for at in places:
        before = line[:at]
        if before.rfind("<") <= before.rfind(">") and before.rfind("&") <= before.rfind(";"):
            return at
    return limit


def _spaces(line: str, limit: int) -> Iterator[int]:
    at = line.rfind(" ", 0, limit)
    while at > 0:
        yield at
        at = line.rfind(" ", 0, at)


def _open_tags(line: str, tags: list[tuple[str, str]]) -> list[tuple[str, str]]:
    result = list(tags)
    for match in _TAG.finditer(line):
        if match[1]:
            if result and result[-1][1] == match[2]:
                result.pop()
        else:
            result.append((str(match[0]), str(match[2])))
    return result


def _closing(tags: list[tuple[str, str]]) -> str:
    return "".join(f"</{name}>" for _, name in reversed(tags))
